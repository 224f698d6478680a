"""A row of the table of operations: its route, its checks and its call.

Every request takes the same steps: route, key, permission, rate limit, query, body, handler. Every error on
the way is a Problem, and is rendered in one place.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import Any

import msgspec

from contactory.base.ids import parse_id
from contactory.base.settings import Settings
from contactory.database.answers import Claim
from contactory.database.db import Connection
from contactory.database.unit_of_work import Action, UnitOfWork
from contactory.rules.actor import Actor
from contactory.rules.checks import BOOLEAN, Form, Object, Rule
from contactory.rules.errors import Forbidden, NotFound
from contactory.web.addresses import base_url
from contactory.web.bodies import decode_object
from contactory.web.messages import Request, Response
from contactory.web.packing import read_body, read_pieces
from contactory.web.queries import check_query
from contactory.web.shared import Shared

DRY_RUN = {"dryRun": BOOLEAN}


class Call:
    """One call of an operation: the checked request, and the services for its handler."""

    __slots__ = (
        "_body",
        "actor",
        "app",
        "claim",
        "failed",
        "named",
        "operation",
        "path",
        "query",
        "request",
        "signed_in",
        "touched",
        "visit",
        "work",
    )

    def __init__(self, operation: "Operation", request: Request, app: Shared, actor: Actor) -> None:
        self.operation = operation
        self.request = request
        self.app = app
        self.actor = actor
        self.path: dict[str, str] = {}
        self.query: Object = {}
        self._body: Object = {}
        self.visit: object = None
        """Of a page: what the dashboard knows of the user and the form (dashboard/visits.py)."""
        self.signed_in = False
        """Whether a user is signed in, on a page."""
        self.work = UnitOfWork(app.db, actor.workspace_id or actor.account_id or None, operation.id)
        self.claim: Claim | None = None
        """The Idempotency-Key, if the write of an operation that is `coalesced` keeps the answer."""
        self.touched: list[str] = []
        """Ids of the contacts whose values are in the answer."""
        self.named: list[str] = []
        """Ids for the phones and e-mails by which the request names contacts."""
        self.failed = 0
        """How often it was begun and collided with another transaction."""

    @property
    def workspace_id(self) -> str:
        """The workspace in the path of a page."""
        return self.actor.workspace_id or ""

    @property
    def body(self) -> Object:
        """A copy of the body, which a handler may change, also if it has to start again."""
        return dict(self._body)

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return bool(self.query.get("dryRun"))

    def concerns(self, workspace_id: str) -> None:
        """The call is about this workspace: for the log, and for the share of the connections."""
        self.request.workspace_id = self.work.owner = workspace_id

    def path_id(self, name: str = "id") -> str:
        """An id of the path, in lower case. Raises NotFound if it is not valid."""
        found = parse_id(self.path[name])
        if found is None:
            raise NotFound
        return found

    def url(self, path: str) -> str:
        """A path of this server as an absolute address for the client."""
        return base_url(self.request, self.app.settings, signed_in=self.signed_in) + path

    def pieces(self) -> AsyncGenerator[bytes]:
        """The decompressed body of an operation with `in_pieces`; it can be read once.

        While the handler works on a piece, reading pauses soon. Raises like read_body, also in the middle:
        then the handler must undo its work on the earlier pieces.
        """
        settings = self.app.settings
        limit = self.operation.body_limit(settings)
        return read_pieces(self.request, limit, settings.body_timeout)

    @property
    def conn(self) -> Connection | None:
        """The transaction of the whole call, if it needs one (a dry run, an idempotent request)."""
        return self.work.conn

    def connection(self, kind: str = "") -> AbstractAsyncContextManager[Connection]:
        """The call's transaction, otherwise a connection of the pool; see UnitOfWork.connection."""
        return self.work.connection(kind)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A new transaction, or a part of the call's transaction."""
        return self.work.transaction()

    def after_commit(self, action: Action) -> None:
        """Runs `action` after the call's writes are committed; see UnitOfWork.after_commit."""
        self.work.after_commit(action)

    def begin_anew(self) -> None:
        """Forgets the contacts that a failed attempt has collected."""
        self.failed += 1
        self.touched.clear()
        self.named = []


Handler = Callable[[Call], Awaitable[Response]]


class Operation(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One row of the table: a method on a path, and its properties."""

    id: str
    method: str
    path: str
    summary: str
    handler: Handler
    permission: str | None = None
    """None: open, without a key."""
    query: Mapping[str, Rule] = {}
    required: tuple[str, ...] = ()
    """The required query parameters."""
    body: Form | None = None
    merge_patch: bool = False
    """The body may also be sent as application/merge-patch+json."""
    answers: Mapping[int, Any] = {}
    """Status and type (None: no body) of the successful answers."""
    problems: tuple[int, ...] = ()
    """Statuses of the problems that are special for the operation."""
    headers: Mapping[str, str] = {}
    """Further request headers that it uses, each with a sentence."""
    idempotent: bool = False
    """It uses Idempotency-Key."""
    coalesced: bool = False
    """It is one write through a queue, which itself keeps the answer for an Idempotency-Key."""
    page: bool = False
    """For a browser: a session replaces the key, a form replaces the JSON (dashboard/visits.py).
    With a permission it needs a signed-in user, without one it is open."""
    large_body: bool = False
    """Its body may have `max_batch_bytes`, once the key is known to be good."""
    in_pieces: int = 0
    """How many bytes its body may have, which the handler takes in pieces (`call.pieces()`), without
    `body`; 0: it does not."""
    raw_body: bool = False
    """The handler checks the body, by a workspace's custom fields for example; `body` describes it."""

    csv: bool = False
    """Its answer may also be asked for as CSV."""
    secret: bool = False
    """Its answer shows a secret, so it is never compressed: its length must not reveal anything."""
    only_reads: bool = False
    """It only reads, although its method could write: a question that is too long for a URL."""

    def __post_init__(self) -> None:
        if self.in_pieces and (self.page or self.body or self.idempotent):
            raise ValueError(f"{self.id}: a body in pieces cannot be a form, be checked or be compared")

    @property
    def writes(self) -> bool:
        """Whether it can change anything."""
        return self.method not in ("GET", "HEAD") and not self.only_reads

    def body_limit(self, settings: Settings) -> int:
        """How many bytes its body may have."""
        return self.in_pieces or (settings.max_batch_bytes if self.large_body else settings.max_body_bytes)

    @cached_property
    def for_programs(self) -> bool:
        """Whether it is part of the described API, and not a page."""
        return bool(self.answers)

    @cached_property
    def parameters(self) -> Mapping[str, Rule]:
        """Every query parameter that it takes."""
        return {**self.query, **DRY_RUN} if self.writes and self.permission else self.query


def workspace_page(
    name: str,
    method: str,
    path: str,
    summary: str,
    handler: Handler,
    permission: str = "read",
    query: Mapping[str, Rule] | None = None,
) -> Operation:
    """A row for a page of a workspace; `path` is below the path of the workspace."""
    return Operation(
        id=name,
        method=method,
        path=f"/w/{{workspaceId}}/{path}".removesuffix("/"),
        summary=summary,
        handler=handler,
        permission=permission,
        query=query or {},
        page=True,
    )


async def prepare(call: Call, request: Request, parameters: Mapping[str, Rule]) -> bytes:
    """Fills in the query and the body, and returns the body's bytes. Raises a Problem for errors in them."""
    operation, settings = call.operation, call.app.settings
    call.query = check_query(request.query_string, parameters, operation.required)
    if operation.body is None:
        return b""
    body = await read_body(request, operation.body_limit(settings), settings.body_timeout)
    found = decode_object(body, request.header("content-type"), operation.merge_patch)
    call._body = found if operation.raw_body else operation.body.parse(found)  # pyright: ignore[reportPrivateUsage]
    return body


def permit(operation: Operation, actor: Actor) -> None:
    """Raises Forbidden if the actor may not do this."""
    if operation.permission and not actor.may(operation.permission):
        raise Forbidden(
            f"This API key has the permission {actor.permission}; the operation needs {operation.permission}."
        )
