"""Layouts of the grid in the database: which columns a user sees, in which order."""

from collections.abc import Sequence

import msgspec

from contactory.contacts.columns import Saved
from contactory.database.db import Connection


async def read_layout(conn: Connection, workspace_id: str, user_id: str) -> list[Saved]:
    """A user's layout of a workspace's columns; empty if the user has none."""
    stored = await conn.fetchval(
        "select columns from grid_layouts where workspace_id = $1 and user_id = $2", workspace_id, user_id
    )
    return msgspec.json.decode(stored, type=list[Saved]) if stored else []


async def write_layout(conn: Connection, workspace_id: str, user_id: str, columns: Sequence[Saved]) -> None:
    """Saves a user's layout; an empty one means the default."""
    await conn.execute(
        """insert into grid_layouts (workspace_id, user_id, columns) values ($1, $2, $3)
               on conflict (workspace_id, user_id) do update set columns = excluded.columns""",
        workspace_id,
        user_id,
        msgspec.json.encode(columns).decode(),
    )
