"""Rows of contacts, several at once, each by a key: its id, its phone or its e-mail."""

from collections.abc import Sequence
from typing import TypeAlias

from contactory.database.db import Connection, Row

Key: TypeAlias = tuple[str, str]
"""A workspace, and the key of a contact in it."""
_ROW = """c.first_name, c.last_name, c.email, c.phone, c.timezone, c.tag_ids::text, c.fields, c.consent,
          c.version, c.created_at, c.updated_at, c.deleted_at, c.timezone_source, c.timezones"""

BY_ID = f"""
select c.workspace_id::text, c.id::text, {_ROW}
  from unnest($1::uuid[], $2::uuid[]) as i (workspace_id, id)
  join contacts c on c.workspace_id = i.workspace_id and c.id = i.id
"""
BY_PHONE = f"""
select c.workspace_id::text, i.phone, c.id::text, {_ROW}
  from unnest($1::uuid[], $2::text[]) as i (workspace_id, phone)
  join contacts c on c.workspace_id = i.workspace_id and c.phone = i.phone and c.deleted_at is null
"""
BY_EMAIL = f"""
select c.workspace_id::text, i.email_key, c.id::text, {_ROW}
  from unnest($1::uuid[], $2::text[]) as i (workspace_id, email_key)
  join contacts c on c.workspace_id = i.workspace_id and c.email_key = i.email_key and c.deleted_at is null
"""


async def read_many(conn: Connection, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows of contacts, including deleted ones, by workspace and id."""
    return await _read(conn, BY_ID, keys)


async def read_by_phone(conn: Connection, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows of active contacts, by workspace and phone."""
    return await _read(conn, BY_PHONE, keys)


async def read_by_email(conn: Connection, keys: Sequence[Key]) -> dict[Key, Row]:
    """The rows of active contacts, by workspace and the key of the e-mail."""
    return await _read(conn, BY_EMAIL, keys)


async def _read(conn: Connection, statement: str, keys: Sequence[Key]) -> dict[Key, Row]:
    workspaces, seconds = zip(*keys, strict=True)
    rows = await conn.fetch(statement, workspaces, seconds)
    return {(row[0], row[1]): row for row in rows}
