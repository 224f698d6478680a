"""Writing events down: the only insert into `contact_events`, and the only change of what stands in one.

Every writer puts this SQL behind its own, in the same statement or transaction: an event is there exactly if
the change is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from contactory.database.db import Connection

_COLUMNS = "contact_id, version, id, type, at, previous_at, actor_type, actor_id, via, request_id, changes"


def record(source: str, *, caused: bool = False) -> str:
    """SQL that writes one event for each row of `source`, which has a column of each name.

    Where a change may have a cause (what made it happen, besides the actor: an undo, say), `caused` adds the
    columns `cause_type` and `cause_id`.
    """
    columns = f"{_COLUMNS}, cause_type, cause_id" if caused else _COLUMNS
    return (
        f"insert into contact_events (workspace_id, {columns}) select workspace_id, {columns} from {source}"
    )


def version_after(made: str, read: str) -> str:
    """SQL, for `returning`, of the version that an update has `made`: the statement fails where it does not
    follow the one that was `read`.

    The lock that every writer takes first sees to it that it does. This is the second line behind that lock:
    no version may have two events, and no unique index spans the months of the events.
    """
    # What `set` computes is of no use for this: it begins with the row as it was when the statement began.
    return f"{made} / ({made} = {read} + 1)::int"


def previous_at(before: str, after: str) -> str:
    """SQL for when the contact had been changed before, if that was so long ago that its event may be gone.

    A walk by the last change has to know (listing.py). The event of a change of today is kept for weeks, so
    that the usual change leaves the column empty.
    """
    return f"case when {before} < {after} - interval '24 hours' then {before} end"


class Addition(NamedTuple):
    """What one event is to say of the consent besides: as JSON, before that change and after it."""

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
    """Adds a change of the consent to events that this transaction has written."""
    if additions:
        await conn.execute(_ADD_CONSENT, *map(list, zip(*additions, strict=True)))
