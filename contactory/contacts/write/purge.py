"""Purging a contact with every trace of its values."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import msgspec

from contactory.base.ids import new_id
from contactory.database.db import Connection, Row
from contactory.events.record import record
from contactory.rules.actor import Actor
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email

_ERASED = (
    "delete from contact_events where workspace_id = $1 and contact_id = $2",
    "delete from contact_search where workspace_id = $1 and contact_id = $2",
    "delete from job_problems where workspace_id = $1 and contact_id = $2",
)
# Each partition has an index for the answers of one contact and one for those of several; the partition of
# the release before has one for both.
_KEPT_ANSWERS = """
delete from kept_answers
 where contact_ids && $1::uuid[] and contact_ids <> '{}'
   and (cardinality(contact_ids) = 1 and contact_ids[1] = any($1::uuid[]) or cardinality(contact_ids) > 1)
"""
_PURGED = record(
    """(values ($1::uuid, $2::uuid, $3::bigint, $4::uuid, 'contact.purged', $5::timestamptz,
                null::timestamptz, $6::text, $7::uuid, $8::text, $9::text, '{}'::jsonb))
       as event (workspace_id, contact_id, version, id, type, at, previous_at, actor_type, actor_id, via,
                 request_id, changes)"""
)


def address_ids(workspace_id: str, phone: str | None, email_key: str | None) -> list[str]:
    """Ids for a phone and an e-mail of a workspace, in addition to those of contacts."""
    given = [text for text in (phone, email_key) if text]
    return [str(uuid5(UUID(workspace_id), text)) for text in given]


async def purge(conn: Connection, workspace_id: str, contact_id: str, actor: Actor, request_id: str) -> bool:
    """Erases a contact, deleted or not, and every trace of its values. Call it in a transaction.

    One event remains: a contact with this id was purged, when, and by which actor.
    """
    row = await conn.fetchrow(
        """delete from contacts where workspace_id = $1 and id = $2
           returning version, phone, email_key""",
        workspace_id,
        contact_id,
    )
    if row is None:
        return False
    await conn.execute(_KEPT_ANSWERS, [contact_id, *await _addresses(conn, workspace_id, contact_id, row)])
    for statement in _ERASED:
        await conn.execute(statement, workspace_id, contact_id)
    await conn.execute(
        _PURGED,
        workspace_id,
        contact_id,
        row["version"] + 1,
        new_id(),
        datetime.now(UTC),
        actor.type,
        actor.id,
        actor.via,
        request_id,
    )
    return True


async def _addresses(conn: Connection, workspace_id: str, contact_id: str, row: Row) -> set[str]:
    """The ids of every phone and e-mail that a contact has, or had according to its history."""
    found = {*address_ids(workspace_id, row["phone"], row["email_key"])}
    events = await conn.fetch(
        """select changes -> 'phone' as phones, changes -> 'email' as emails from contact_events
            where workspace_id = $1 and contact_id = $2 and changes ?| '{phone,email}'""",
        workspace_id,
        contact_id,
    )
    for event in events:
        for phone in _sides(event["phones"]):
            found.update(address_ids(workspace_id, phone, None))
        for email in _sides(event["emails"]):
            found.update(address_ids(workspace_id, None, _key(email)))
    return found


def _sides(change: str | None) -> list[str]:
    """A value before and after a change."""
    return [side for side in msgspec.json.decode(change, type=list[str | None]) if side] if change else []


def _key(email: str) -> str | None:
    try:
        return normalise_email(email)[1]
    except Invalid:
        return None  # By the rules of an earlier release; requests cannot contain it any more.
