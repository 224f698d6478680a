"""Writes events: the only insert into `contact_events`, and the only update of an event.

Every writer uses this SQL in the statement or the transaction of its change, so that an event exists exactly
if the change does.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contactory.database.db import Connection

_COLUMNS = "contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes"


def record(source: str, *, caused: bool = False) -> str:
    """SQL that writes one event for each row of `source`, which has all columns by name.

    For changes that can have a cause in addition to the actor (an undo, for example), `caused` adds the
    columns `cause_type` and `cause_id`.
    """
    columns = f"{_COLUMNS}, cause_type, cause_id" if caused else _COLUMNS
    return (
        f"insert into contact_events (workspace_id, {columns}) select workspace_id, {columns} from {source}"
    )


def version_after(made: str, read: str) -> str:
    """SQL, for `returning`, of the version that an update has `made`; fails if it does not follow `read`.

    The row lock of every writer already ensures that it does. This is the second protection: a version must
    not have two events, and a unique index cannot span the months of the events.
    """
    # Not in `set`, which is first evaluated with the row as it was when the statement began.
    return f"{made} / ({made} = {read} + 1)::int"


def previous_at(before: str, after: str) -> str:
    """SQL of the time of the change before, if that is so long ago that its event may be dropped soon.

    A walk by the last change needs it (by_change.py). The event of a recent change is kept for weeks, so a
    usual change leaves the column empty.
    """
    return f"case when {before} < {after} - interval '24 hours' then {before} end"


class Addition(NamedTuple):
    """A change of the consent to be added to an event, as JSON."""

    workspace_id: str
    contact_id: str
    version: int
    at: datetime
    before: str | None
    after: str


_ADD_CONSENT = """
update contact_events e
   set changes = e.changes || jsonb_build_object('consent', coalesce(e.changes -> 'consent', '{}') || (
           select jsonb_object_agg(name, jsonb_build_array(
                      case when e.changes -> 'consent' ? name then e.changes -> 'consent' -> name -> 0
                           else i.before -> name end, value))
             from jsonb_each(i.after) as o (name, value)))
  from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::jsonb[], $6::jsonb[])
       as i (workspace_id, contact_id, version, at, before, after)
 where e.workspace_id = i.workspace_id and e.contact_id = i.contact_id and e.version = i.version
   and e.at = i.at
"""


async def add_consent(conn: Connection, additions: Sequence[Addition]) -> None:
    """Adds changes of the consent to events that this transaction has written."""
    if additions:
        await conn.execute(_ADD_CONSENT, *map(list, zip(*additions, strict=True)))
