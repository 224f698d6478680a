"""A workspace's catalogue on behalf of a call: which one it is, and writing by one that is up to date."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial, wraps
from typing import TypeAlias, TypeVar

from contactory.catalog.catalog import Catalog, Stale
from contactory.database.db import Connection
from contactory.rules.errors import FieldError, NotFound, Unavailable, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call, Handler

T = TypeVar("T")
Where: TypeAlias = Callable[[Call], Awaitable[str | None]]
"""Finds the workspace that a call is about; None: that of the actor."""
CatalogHandler: TypeAlias = Callable[[Call, Catalog], Awaitable[Response]]
ATTEMPTS = 20
"""Each means that something was renamed just then."""
BEING_CHANGED = "The workspace is being changed just now: try again in a second."
NO_WORKSPACE = "workspaceId is required for account-scoped API keys"


async def of_actor(call: Call) -> None:
    """The workspace of the actor: of a page that is the one in its path."""


async def in_query(call: Call) -> str | None:
    """The workspace that the query names, else that of the actor."""
    return call.query.get("workspaceId")


def with_catalog(where: Where) -> Callable[[CatalogHandler], Handler]:
    """Makes a handler of one that also takes the catalogue of the workspace that `where` finds.

    It is called again as by_catalog says.
    """

    def decorate(handler: CatalogHandler) -> Handler:
        @wraps(handler)
        async def handle(call: Call) -> Response:
            return await by_catalog(call, await where(call), partial(handler, call))

        return handle

    return decorate


async def by_catalog(call: Call, workspace_id: str | None, attempt: Callable[[Catalog], Awaitable[T]]) -> T:
    """What `attempt` makes of the catalogue.

    It is tried again by a fresh catalogue where it refused a name or found its catalogue out of date: nothing
    is refused that has been made elsewhere a moment ago.
    """
    catalog = await catalog_of(call, workspace_id)
    for _ in range(ATTEMPTS):
        try:
            return await attempt(catalog)
        except Stale:
            catalog = await call.app.catalogs.newest(catalog, call.conn)
        except ValidationProblem:
            fresh = await call.app.catalogs.newest(catalog, call.conn)
            if fresh is catalog:
                raise
            catalog = fresh
    raise Unavailable(BEING_CHANGED)


async def catalog_of(call: Call, workspace_id: str | None = None) -> Catalog:
    """The catalogue of the workspace that the call is about.

    `workspace_id` is the one that was sent. Raises NotFound where the actor cannot see it, and
    ValidationProblem where none was sent and the key does not tell.
    """
    known = call.actor.workspace_id
    if known is None and workspace_id is None:
        where = FieldError("/workspaceId", None, "required", NO_WORKSPACE)
        if call.operation.body is None:
            where = FieldError(None, "workspaceId", "required", NO_WORKSPACE)
        raise ValidationProblem(NO_WORKSPACE, [where])
    if known is not None and workspace_id not in (None, known):
        raise NotFound
    catalog = await call.app.catalogs.get(known or workspace_id or "", call.conn)
    if catalog is None or catalog.account_id != call.actor.account_id or catalog.mode != call.actor.mode:
        raise NotFound
    call.request.workspace_id = catalog.workspace_id
    return catalog


async def workspace_of(call: Call, workspace_id: str | None) -> str:
    """The id of the workspace that the call is about; raises as catalog_of."""
    return (await catalog_of(call, workspace_id)).workspace_id


@asynccontextmanager
async def changing_catalog(call: Call, workspace_id: str) -> AsyncGenerator[Connection]:
    """A transaction that changes a workspace's catalogue, which is read anew once it is committed."""
    async with call.transaction() as conn:
        yield conn
    call.after_commit(partial(call.app.catalogs.forget, workspace_id))
