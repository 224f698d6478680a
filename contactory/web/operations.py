"""From one row of the table of operations to a route, its checks and an answer.

Every request goes the same way: route, key, permission, rate limit, query, body, handler; whatever goes wrong
on it leaves as a Problem, and is rendered in one place.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from contactory.base.ids import parse_id
from contactory.database.db import Connection
from contactory.database.unit_of_work import Action, UnitOfWork
from contactory.rules.actor import Actor
from contactory.rules.checks import BOOLEAN, Form, Object, Rule
from contactory.rules.errors import Forbidden, NotFound
from contactory.web.addresses import base_url
from contactory.web.bodies import decode_object
from contactory.web.messages import Request, Response
from contactory.web.packing import read_body
from contactory.web.queries import check_query

if TYPE_CHECKING:
    from contactory.dashboard.visits import Visit
    from contactory.services import Services

DRY_RUN = {"dryRun": BOOLEAN}


class Call:
    """One call of an operation: what was sent, checked, and what its handler works with."""

    __slots__ = (
        "_body",
        "_visit",
        "actor",
        "app",
        "named",
        "operation",
        "path",
        "query",
        "request",
        "touched",
        "work",
    )

    def __init__(self, operation: "Operation", request: Request, app: "Services", actor: Actor) -> None:
        self.operation = operation
        self.request = request
        self.app = app
        self.actor = actor
        self.path: dict[str, str] = {}
        self.query: Object = {}
        self._body: Object = {}
        self._visit: Visit | None = None
        self.work = UnitOfWork(app.db)
        self.touched: list[str] = []
        """Ids of the contacts whose values the answer holds."""
        self.named: list[str] = []
        """Ids that stand for what the request names contacts by: their phones and e-mails."""

    @property
    def visit(self) -> "Visit":
        """Who looks, and what their form says: of pages alone."""
        if self._visit is None:
            raise RuntimeError(f"{self.operation.id} is not a page")
        return self._visit

    @visit.setter
    def visit(self, visit: "Visit") -> None:
        self._visit = visit

    @property
    def body(self) -> Object:
        """A copy of the body, for a handler to take apart, even if it has to start over."""
        return dict(self._body)

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be kept."""
        return bool(self.query.get("dryRun"))

    def path_id(self, name: str = "id") -> str:
        """An id of the path, in lower case. Raises NotFound where it is none."""
        found = parse_id(self.path[name])
        if found is None:
            raise NotFound
        return found

    def url(self, path: str) -> str:
        """A path of this server as an address that the client can follow."""
        signed_in = self._visit is not None and self._visit.user is not None
        return base_url(self.request, self.app.settings, signed_in=signed_in) + path

    @property
    def conn(self) -> Connection | None:
        """The transaction that the whole call runs in, where it has to (a dry run, an idempotent request)."""
        return self.work.conn

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """The call's transaction, or else a connection of the pool."""
        return self.work.connection()

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction of its own, or a part of the call's."""
        return self.work.transaction()

    def after_commit(self, action: Action) -> None:
        """Does `action` once what the call has written is committed, as UnitOfWork.after_commit says."""
        self.work.after_commit(action)

    def begin_anew(self) -> None:
        """Forgets what an attempt has left that came to nothing."""
        self.touched.clear()
        self.named = []


Handler = Callable[[Call], Awaitable[Response]]


class Operation(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One row of the table: a method on a path, and all that is known about it."""

    id: str
    method: str
    path: str
    summary: str
    handler: Handler
    permission: str | None = None
    """None: open, without a key."""
    query: Mapping[str, Rule] = {}
    required: tuple[str, ...] = ()
    """The query parameters that have to be given."""
    body: Form | None = None
    merge_patch: bool = False
    """The body may also be sent as application/merge-patch+json."""
    answers: Mapping[int, Any] = {}
    """Status and type (None: no body) of the answers that are no problems."""
    problems: tuple[int, ...] = ()
    """Statuses of the problems that are particular to the operation."""
    headers: Mapping[str, str] = {}
    """Request headers that it heeds besides the usual ones, each with a sentence."""
    idempotent: bool = False
    """It heeds Idempotency-Key."""
    page: bool = False
    """For a browser: a session takes the place of the key, a form that of the JSON (dashboard/visits.py).
    With a permission it needs a user who is signed in, without one it is open."""
    large_body: bool = False
    """Its body may have `max_batch_bytes`, once the key is known to be good."""
    raw_body: bool = False
    """The handler checks the body by what it finds (a workspace's custom fields); `body` describes it."""

    secret: bool = False
    """Its answer shows a secret, so it is never packed: its length must tell nothing."""
    only_reads: bool = False
    """It changes nothing, though its method could: a question that is too long for a URL."""

    @property
    def writes(self) -> bool:
        """Whether it can change anything."""
        return self.method not in ("GET", "HEAD") and not self.only_reads

    @cached_property
    def for_programs(self) -> bool:
        """Whether it is part of the API that is described, and not a page."""
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
    """A row for a page of a workspace; `path` stands below that of the workspace."""
    return Operation(
        id=name,
        method=method,
        path=f"/w/{{workspaceId}}/{path}",
        summary=summary,
        handler=handler,
        permission=permission,
        query=query or {},
        page=True,
    )


async def prepare(call: Call, request: Request, parameters: Mapping[str, Rule]) -> bytes:
    """Fills in the query and the body, and gives the body's bytes. Raises the Problem that they have."""
    operation, settings = call.operation, call.app.settings
    call.query = check_query(request.query_string, parameters, operation.required)
    if operation.body is None:
        return b""
    limit = settings.max_batch_bytes if operation.large_body else settings.max_body_bytes
    body = await read_body(request, limit, settings.body_timeout)
    found = decode_object(body, request.header("content-type"), operation.merge_patch)
    call._body = found if operation.raw_body else operation.body.parse(found)  # pyright: ignore[reportPrivateUsage]
    return body


def permit(operation: Operation, actor: Actor) -> None:
    """Raises Forbidden where the actor may not do this."""
    if operation.permission and not actor.may(operation.permission):
        raise Forbidden(
            f"This API key has the permission {actor.permission}, and needs {operation.permission}."
        )
