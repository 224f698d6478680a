"""The catalogue of a call: finding it, and writing with an up-to-date one."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial, wraps
from typing import TypeAlias, TypeVar

from contactory.catalog.catalog import Catalog, Catalogs, Stale
from contactory.database.db import MISREAD, Connection
from contactory.rules.errors import FieldError, NotFound, Unavailable, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call, Handler

T = TypeVar("T")
Where: TypeAlias = Callable[[Call], Awaitable[str | None]]
"""Finds the workspace of a call; None: the actor's workspace."""
CatalogHandler: TypeAlias = Callable[[Call, Catalog], Awaitable[Response]]
ATTEMPTS = 20
"""Each means that something was renamed at the same moment."""
BEING_CHANGED = "The workspace is being changed at the moment: try again in a second."
NO_WORKSPACE = "workspaceId is required for account-scoped API keys"


async def of_actor(call: Call) -> None:
    """The workspace of the actor; for a page, the one in its path."""


async def in_query(call: Call) -> str | None:
    """The workspace in the query, otherwise that of the actor."""
    return call.query.get("workspaceId")


def with_catalog(where: Where) -> Callable[[CatalogHandler], Handler]:
    """Decorates a handler that also takes the catalogue of the workspace that `where` finds.

    The handler may be called again; see by_catalog.
    """

    def decorate(handler: CatalogHandler) -> Handler:
        @wraps(handler)
        async def handle(call: Call) -> Response:
            return await by_catalog(call, await where(call), partial(handler, call))

        return handle

    return decorate


def catalogs_of(call: Call) -> Catalogs:
    """The catalogues that this process keeps."""
    return call.app.part(Catalogs)


async def by_catalog(call: Call, workspace_id: str | None, attempt: Callable[[Catalog], Awaitable[T]]) -> T:
    """The result of `attempt` with the catalogue.

    It is tried again with a fresh catalogue if it refused a name, read a value by another type, or found its
    catalogue out of date, so that a name that another process has just created is not refused.
    """
    catalog = await catalog_of(call, workspace_id)
    for _ in range(ATTEMPTS):
        try:
            return await attempt(catalog)
        except Stale:
            catalog = await catalogs_of(call).newest(catalog, call.conn)
        except (ValidationProblem, MISREAD):
            fresh = await catalogs_of(call).newest(catalog, call.conn)
            if fresh is catalog:
                raise
            catalog = fresh
    raise Unavailable(BEING_CHANGED)


async def catalog_of(call: Call, workspace_id: str | None = None) -> Catalog:
    """The catalogue of the call's workspace.

    `workspace_id` is the sent one. Raises NotFound if the actor cannot see it, and ValidationProblem if none
    was sent and the key is for the whole account.
    """
    known = call.actor.workspace_id
    if known is None and workspace_id is None:
        where = FieldError("/workspaceId", None, "required", NO_WORKSPACE)
        if call.operation.body is None:
            where = FieldError(None, "workspaceId", "required", NO_WORKSPACE)
        raise ValidationProblem(NO_WORKSPACE, [where])
    if known is not None and workspace_id not in (None, known):
        raise NotFound
    catalog = await catalogs_of(call).get(known or workspace_id or "", call.conn)
    if catalog is None or catalog.account_id != call.actor.account_id or catalog.mode != call.actor.mode:
        raise NotFound
    call.concerns(catalog.workspace_id)
    return catalog


async def workspace_of(call: Call, workspace_id: str | None) -> str:
    """The id of the call's workspace; raises like catalog_of."""
    return (await catalog_of(call, workspace_id)).workspace_id


@asynccontextmanager
async def changing_catalog(call: Call, workspace_id: str) -> AsyncGenerator[Connection]:
    """A transaction that changes a workspace's catalogue, which is read again after the commit."""
    async with call.transaction() as conn:
        yield conn
    call.after_commit(partial(catalogs_of(call).forget, workspace_id))
