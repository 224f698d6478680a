"""Saved views in the database: filters of the grid with a name."""

from datetime import UTC, datetime

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import hold
from contactory.database.db import Connection
from contactory.rules.errors import Conflict, NotFound

MOST_VIEWS = 100


class SavedView(msgspec.Struct, frozen=True):
    """A filter with a name; `query` is the query of its URL."""

    id: str
    name: str
    query: str
    shared: bool
    """Shared with the workspace, and not the user's own."""


async def list_views(conn: Connection, workspace_id: str, user_id: str) -> list[SavedView]:
    """The views that a user sees in a workspace, by name."""
    rows = await conn.fetch(
        """select id::text, name, query, user_id is null as shared from saved_views
            where workspace_id = $1 and (user_id is null or user_id = $2)
            order by lower(name), id""",
        workspace_id,
        user_id,
    )
    return [SavedView(*row) for row in rows]


async def make_view(
    conn: Connection, workspace_id: str, user_id: str, name: str, query: str, *, shared: bool
) -> str:
    """Saves a filter under a name; returns its id. Call it in a transaction.

    Raises Conflict if there are too many.
    """
    await hold(conn, [workspace_id])
    if len(await list_views(conn, workspace_id, user_id)) >= MOST_VIEWS:
        raise Conflict(f"There are {MOST_VIEWS} saved views already: delete one first.")
    view_id = new_id()
    await conn.execute(
        """insert into saved_views (workspace_id, id, user_id, name, query, created_at)
           values ($1, $2, $3, $4, $5, $6)""",
        workspace_id,
        view_id,
        None if shared else user_id,
        name,
        query,
        datetime.now(UTC),
    )
    return view_id


async def delete_view(
    conn: Connection, workspace_id: str, user_id: str, view_id: str, *, shared: bool
) -> None:
    """Deletes a view of the user, or with `shared` a shared one. Raises NotFound."""
    found = await conn.fetchval(
        """delete from saved_views
            where workspace_id = $1 and id = $3 and (user_id = $2 or ($4 and user_id is null))
           returning true""",
        workspace_id,
        user_id,
        view_id,
        shared,
    )
    if not found:
        raise NotFound
