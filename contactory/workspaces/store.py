"""Accounts and workspaces in the database."""

from datetime import UTC, datetime

from contactory.db import Connection
from contactory.ids import new_id


async def create_account(conn: Connection, name: str) -> str:
    """Makes an account; gives its id."""
    account_id = new_id()
    await conn.execute("insert into accounts values ($1, $2, $3)", account_id, name, datetime.now(UTC))
    return account_id


async def create_workspace(
    conn: Connection,
    account_id: str,
    name: str,
    *,
    mode: str = "live",
    timezone: str | None = None,
    country: str | None = None,
) -> str:
    """Makes a workspace; gives its id."""
    workspace_id, now = new_id(), datetime.now(UTC)
    await conn.execute(
        """insert into workspaces (id, account_id, name, mode, timezone, country, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $7)""",
        workspace_id,
        account_id,
        name,
        mode,
        timezone,
        country,
        now,
    )
    return workspace_id
