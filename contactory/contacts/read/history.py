"""A contact's history, from the events that every change writes."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from contactory.contacts.consent import CHANNELS, NAMES, ChannelConsent, show_channel
from contactory.contacts.model import SCALARS
from contactory.database.db import Connection, Row
from contactory.rules.actor import ActorShown
from contactory.rules.invalid import invalid_cursor


class FieldChange(msgspec.Struct, rename={"before": "from", "after": "to"}):
    """One field of a contact, before and after."""

    field: str
    before: str | list[str] | bool | ChannelConsent | None
    after: str | list[str] | bool | ChannelConsent | None


class Cause(msgspec.Struct):
    """The cause of a change: an `undo`, of the event with this id."""

    type: str
    id: str


class Event(msgspec.Struct, rename="camel", omit_defaults=True):
    """One change of a contact."""

    id: str
    type: str
    at: datetime
    actor: ActorShown
    via: str
    request_id: str | None
    changes: list[FieldChange]
    cause: Cause | None = None


class EventCursor(msgspec.Struct):
    """The position in a history: after the event with this version, and the time of that event."""

    version: int
    at: datetime | None = None
    """None in a cursor of an earlier release. With it, no later month is read."""

    def text(self) -> str:
        """The cursor as a text for the client."""
        return f"{self.version}-{(self.at - _EPOCH) // _MICROSECOND}" if self.at else str(self.version)


def parse_event_cursor(text: str) -> EventCursor:
    """The cursor in a text from a client. Raises Invalid."""
    if not _cursor.fullmatch(text):
        raise invalid_cursor()
    version, _, at = text.partition("-")
    return EventCursor(int(version), _EPOCH + int(at) * _MICROSECOND if at else None)


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
EVENT_CURSOR_PATTERN = "^[1-9][0-9]{0,17}(?:-[0-9]{1,17})?$"
_cursor = re.compile(EVENT_CURSOR_PATTERN.removesuffix("$"))
_END = datetime(9999, 12, 31, tzinfo=UTC)
_START = EventCursor(2**62)
_EVENTS = """
select e.id::text, e.type, e.at, e.actor_type, e.actor_id::text, coalesce(k.name, u.name) as actor_name,
       e.via, e.request_id, e.changes, e.version, e.cause_type, e.cause_id::text
  from contact_events e
  left join api_keys k on e.actor_type = 'api_key' and k.id = e.actor_id
  left join users u on e.actor_type = 'user' and u.id = e.actor_id
 where e.workspace_id = $1 and e.contact_id = $2 and e.version < $3 and e.at <= $4
 order by e.version desc
 limit $5
"""


async def history(
    conn: Connection, workspace_id: str, contact_id: str, limit: int, cursor: EventCursor | None
) -> tuple[list[Event], EventCursor | None]:
    """A page of a contact's events, newest first, and the cursor of the next page.

    Events that have been dropped with their month are missing.
    """
    found, following = await timeline(conn, workspace_id, contact_id, limit, cursor)
    return [event for _, event in found], following


async def timeline(
    conn: Connection, workspace_id: str, contact_id: str, limit: int, cursor: EventCursor | None
) -> tuple[list[tuple[int, Event]], EventCursor | None]:
    """Like history, each event with the version of the contact that it created."""
    start = cursor or _START
    rows = await conn.fetch(_EVENTS, workspace_id, contact_id, start.version, start.at or _END, limit + 1)
    following = EventCursor(rows[limit - 1]["version"], rows[limit - 1]["at"]) if len(rows) > limit else None
    shown = rows[:limit]
    changes: list[dict[str, Any]] = [msgspec.json.decode(row["changes"]) for row in shown]
    names = await _names(conn, workspace_id, changes)
    events = [_event(row, change, names) for row, change in zip(shown, changes, strict=True)]
    return [(row["version"], event) for row, event in zip(shown, events, strict=True)], following


class ZoneChange(NamedTuple):
    """A change of a contact's time zone."""

    before: str | None
    after: str | None
    state_before: tuple[str | None, list[str] | None] | None = None
    """The source of the zone, and the possible zones; None if the event does not contain them."""
    source_after: str | None = None


async def event_at(
    conn: Connection, workspace_id: str, contact_id: str, version: int
) -> tuple[Event, ZoneChange | None] | None:
    """The event that created this version of a contact, with all its data about the time zone."""
    rows = await conn.fetch(_EVENTS, workspace_id, contact_id, version + 1, _END, 1)
    if not rows or rows[0]["version"] != version:
        return None
    changes: dict[str, Any] = msgspec.json.decode(rows[0]["changes"])
    zone = _zone_change(changes) if "timezone" in changes else None
    names = await _names(conn, workspace_id, [changes])
    return _event(rows[0], changes, names), zone


_LATER = """
select e.id::text, e.cause_type, e.cause_id::text
  from contact_events e
 where e.workspace_id = $1 and e.contact_id = $2 and e.version > $3 and e.at >= $4
   and e.type = 'contact.updated'
 order by e.version desc limit $5
"""
_MOST_LATER = 1000


async def changed_since(
    conn: Connection, workspace_id: str, contact_id: str, version: int, at: datetime
) -> bool:
    """Whether the values of a contact have changed after this version, of `at`; more changes than _MOST_LATER
    always count.

    A change that was undone does not count, unless its undo was undone in turn, and so on.
    """
    later = await conn.fetch(_LATER, workspace_id, contact_id, version, at, _MOST_LATER)
    undone: set[str] = set()
    for event in later:  # The newest first: an undo comes after what it undoes.
        if event["id"] not in undone:
            if event["cause_type"] != "undo":
                return True
            undone.add(event["cause_id"])
    return len(later) == _MOST_LATER or not undone <= {event["id"] for event in later}


def _zone_change(changes: dict[str, Any]) -> ZoneChange:
    before, after = changes["timezone"]
    if "zone" not in changes:
        return ZoneChange(before, after)
    (source, zones), (source_after, _) = changes["zone"]
    return ZoneChange(before, after, (source, zones), source_after)


class _Names(msgspec.Struct):
    tags: dict[int, str]
    fields: dict[str, str]


# Deleted tags and fields keep their names, so that their history stays readable.
async def _names(conn: Connection, workspace_id: str, changes: Sequence[dict[str, Any]]) -> _Names:
    tags = {tag for change in changes for side in change.get("tags", ()) for tag in side}
    fields = {num for change in changes for num in change.get("customFields", ())}
    tag_rows = await conn.fetch(
        "select id, name from tags where workspace_id = $1 and id = any($2::bigint[])",
        workspace_id,
        list(tags),
    )
    field_rows = await conn.fetch(
        "select num::text, name from custom_fields where workspace_id = $1 and num = any($2::bigint[])",
        workspace_id,
        [int(num) for num in fields],
    )
    return _Names({row[0]: row[1] for row in tag_rows}, {row[0]: row[1] for row in field_rows})


def _event(row: Row, changes: dict[str, Any], names: _Names) -> Event:
    tags, fields = changes.pop("tags", None), changes.pop("customFields", {})
    shown = [FieldChange(name, *changes[name]) for name in SCALARS if name in changes]
    if "zone" in changes and changes["timezone"][0] == changes["timezone"][1]:
        (source, _), (source_after, _) = changes["zone"]
        shown[-1] = FieldChange("timezoneSource", source, source_after)
    if tags:
        before, after = (sorted({names.tags.get(tag, "") for tag in side} - {""}) for side in tags)
        shown.append(FieldChange("tags", before, after))
    for num, (before, after) in fields.items():
        shown.append(FieldChange(f"customFields.{names.fields.get(num, num)}", before, after))
    consent: dict[str, list[Any]] = changes.pop("consent", {})
    shown += [_consent_change(name, *consent[name]) for name in NAMES if name in consent]
    actor = ActorShown(row["actor_type"], row["actor_id"], row["actor_name"])
    cause = Cause(row["cause_type"], row["cause_id"]) if row["cause_type"] else None
    return Event(row["id"], row["type"], row["at"], actor, row["via"], row["request_id"], shown, cause)


def _consent_change(name: str, before: Any, after: Any) -> FieldChange:
    if name in CHANNELS:
        return FieldChange(f"consent.{name}", show_channel(before), show_channel(after))
    return FieldChange(f"consent.{name}", before or False, after or False)


class Recent(msgspec.Struct):
    """One of the latest changes of a workspace."""

    event: Event
    contact_id: str
    name: str | None
    """The name of the contact; None if it does not exist any more, or its values must not be shown."""
    others: int = 0
    """The number of same changes of other contacts by the same actor at the same moment."""
    exact: bool = True
    """Whether there are no more than `others`."""


class _Run(msgspec.Struct):
    """Simultaneous changes: the latest one, and how many contacts they are about."""

    first: Row
    contacts: int
    exact: bool = True


_RECENT = """
select e.id::text, e.type, e.at, e.actor_type, e.actor_id::text, coalesce(k.name, u.name) as actor_name,
       e.via, e.request_id, e.changes, e.cause_type, e.cause_id::text, e.contact_id::text,
       c.id is not null and ($3 or c.deleted_at is null) as seen,
       coalesce(nullif(concat_ws(' ', c.first_name, c.last_name), ''), c.email, c.phone) as name
  from (select * from contact_events
         where workspace_id = $1 and ($4::timestamptz is null or (at, contact_id) < ($4, $5::uuid))
         order by at desc, contact_id desc limit $2) e
  left join contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
  left join api_keys k on e.actor_type = 'api_key' and k.id = e.actor_id
  left join users u on e.actor_type = 'user' and u.id = e.actor_id
 order by e.at desc, e.contact_id desc, e.version desc
"""
# The changes from one on that belong to its run (`_goes_on`), up to a number; and the place of the last one.
_WHOLE_RUN = """
with e as materialized (
    select at, contact_id, type, actor_type, actor_id, via
      from contact_events
     where workspace_id = $1 and (at, contact_id) <= ($2, $3::text::uuid)
     order by at desc, contact_id desc limit $4
), beside as (
    select e.*, lag(at) over w - at < make_interval(secs => $5) and lag(contact_id) over w <> contact_id
                and (lag(type) over w, lag(actor_type) over w, lag(via) over w) = (type, actor_type, via)
                and lag(actor_id) over w is not distinct from actor_id as goes_on,
           row_number() over w as number
      from e
    window w as (order by at desc, contact_id desc)
), run as (
    select * from beside
     where number < coalesce((select min(number) from beside where number > 1 and goes_on is not true),
                             $4::int + 1)
)
select count(distinct contact_id), count(*) < $4, (array_agg(at order by number desc))[1],
       (array_agg(contact_id::text order by number desc))[1]
  from run
"""
_LOOKED_AT = 200
_COUNTED = 10_000
_MOMENT = 5  # The longest time between two changes that count as simultaneous, in seconds.


async def recent(conn: Connection, workspace_id: str, limit: int, *, deleted_too: bool) -> list[Recent]:
    """The latest changes of a workspace, newest first, with simultaneous changes as one.

    For a deleted contact only the deletion is shown, unless `deleted_too`.
    """
    runs = (await _runs(conn, workspace_id, limit, deleted_too))[:limit]
    changes: list[dict[str, Any]] = [
        msgspec.json.decode(run.first["changes"]) if run.first["seen"] else {} for run in runs
    ]
    names = await _names(conn, workspace_id, changes)
    return [
        Recent(
            _event(run.first, change, names),
            run.first["contact_id"],
            (run.first["name"] or "No name") if run.first["seen"] else None,
            run.contacts - 1,
            run.exact,
        )
        for run, change in zip(runs, changes, strict=True)
    ]


async def _runs(conn: Connection, workspace_id: str, limit: int, deleted_too: bool) -> list[_Run]:
    """At least `limit` of the latest runs, if there are as many."""
    found: list[_Run] = []
    at, contact_id = None, None
    while len(found) < limit:
        rows = await conn.fetch(_RECENT, workspace_id, _LOOKED_AT, deleted_too, at, contact_id)
        runs: list[list[Row]] = []
        for row in rows:
            if runs and _goes_on(runs[-1][-1], row):
                runs[-1].append(row)
            else:
                runs.append([row])
        found += [_Run(run[0], len({row["contact_id"] for row in run})) for run in runs]
        if len(rows) < _LOOKED_AT:
            break
        # The last run may go on after these rows.
        last = found[-1]
        place = (last.first["at"], last.first["contact_id"])
        [whole] = await conn.fetch(_WHOLE_RUN, workspace_id, *place, _COUNTED, _MOMENT)
        last.contacts, last.exact = whole[0], whole[1]
        at, contact_id = whole[2], whole[3]
    return found


def _goes_on(last: Row, row: Row) -> bool:
    """Whether a change belongs to the simultaneous ones, each of another contact."""
    alike = all(last[name] == row[name] for name in ("type", "actor_type", "actor_id", "via"))
    near = (last["at"] - row["at"]).total_seconds() < _MOMENT
    return alike and near and last["contact_id"] != row["contact_id"]
