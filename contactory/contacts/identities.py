"""The identities of contacts: their ids, phones and e-mails."""

from collections.abc import Iterable, Sequence

import msgspec

from contactory.database.db import Connection
from contactory.rules.actor import Actor


class Identity(msgspec.Struct):
    """The identities of one active contact."""

    id: str
    phone: str | None
    email_key: str | None


Handle = tuple[str, str]
"""`id`, `phone` or `email`, and the value; for an e-mail, its key."""


def handles_of(contact_id: str | None, phone: str | None, email_key: str | None) -> list[Handle]:
    """The handles of the given values."""
    handles = [("id", contact_id), ("phone", phone), ("email", email_key)]
    return [(name, value) for name, value in handles if value]


_LOCATE = """
select c.id::text, c.workspace_id::text
  from workspaces w
  join contacts c on c.workspace_id = w.id and c.id = any($3::text[]::uuid[])
 where w.account_id = $1 and w.mode = $2 and w.deleted_at is null
"""


async def locate_many(conn: Connection, actor: Actor, contact_ids: Sequence[str]) -> dict[str, str]:
    """The workspaces of contacts (deleted or not) by id, among those that an account-scoped actor sees."""
    rows = await conn.fetch(_LOCATE, actor.account_id, actor.mode, contact_ids)
    return {row[0]: row[1] for row in rows}


_IDENTITIES = """
select id::text, phone, email_key from contacts
 where workspace_id = $1 and deleted_at is null and id = any($2::text[]::uuid[])
union
select id::text, phone, email_key from contacts
 where workspace_id = $1 and deleted_at is null and phone = any($3::text[])
union
select id::text, phone, email_key from contacts
 where workspace_id = $1 and deleted_at is null and email_key = any($4::text[])
"""


async def identities(conn: Connection, workspace_id: str, handles: Iterable[Handle]) -> list[Identity]:
    """The active contacts of a workspace that have one of these handles."""
    rows = await conn.fetch(_IDENTITIES, workspace_id, *_by_kind(handles))
    return [Identity(*row) for row in rows]


_LOCK = f"""
select id::text, phone, email_key, deleted_at is null
  from contacts
 where workspace_id = $1
   and id in (select unnest($2::text[]::uuid[]) union select i.id::uuid from ({_IDENTITIES}) i)
 order by workspace_id, id
   for update
"""


async def lock_identities(conn: Connection, workspace_id: str, handles: Iterable[Handle]) -> list[Identity]:
    """Like identities(), after locking these contacts, and the deleted ones with one of the ids.

    Uses the same order as every statement that locks contacts, so that two such transactions cannot deadlock.
    """
    rows = await conn.fetch(_LOCK, workspace_id, *_by_kind(handles))
    return [Identity(*row[:3]) for row in rows if row[3]]


def _by_kind(handles: Iterable[Handle]) -> list[list[str]]:
    wanted: dict[str, list[str]] = {"id": [], "phone": [], "email": []}
    for name, value in handles:
        wanted[name].append(value)
    return list(wanted.values())
