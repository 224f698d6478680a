"""Lists sorted by the last change of the contacts.

They walk the events, newest first, each contact once, because every PATCH would have to update an index on
updated_at. A cursor has the snapshot in which its walk began, and every contact keeps its place of that
moment. The contacts whose events have been dropped with their month come after these (or before them), sorted
by their own rows.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.query import Page, Query, Wanted
from contactory.database.db import Connection


class _Walk(NamedTuple):
    """PostgreSQL's snapshot at the beginning of a walk, and the time of it."""

    snapshot: str | None
    begun: datetime | None


async def list_by_change(conn: Connection, wanted: Wanted, kept: datetime | None) -> Page:
    """A page, sorted by the last change that the walk's snapshot sees.

    All events since `kept` exist; None: all events ever.
    """
    walk = wanted.cursor and _Walk(wanted.cursor.snapshot, wanted.cursor.begun)
    changed_after = wanted.changed_after(kept)
    if wanted.sort == "updatedAt" and changed_after is None:
        rows = await _rows(conn, wanted, walk, kept, _by_contacts)
    elif kept is None or changed_after is not None:
        rows = await _rows(conn, wanted, walk, kept, _by_events)
    else:
        [now] = await conn.fetch("select pg_current_snapshot()::text, now()")
        walk = walk or _Walk(*now)
        rows = await _first_by_events(conn, wanted, walk, kept)
    if len(rows) <= wanted.limit:
        return Page(rows)
    last = rows[wanted.limit - 1]
    walk = walk or _Walk(last["snapshot"], last["begun"])
    return Page(rows[: wanted.limit], Cursor(wanted.sort, last["place"], last["id"], *walk))


async def _first_by_events(conn: Connection, wanted: Wanted, walk: _Walk, kept: datetime) -> list[Any]:
    """The rows of a page, newest first: by the events, then the contacts of which no event is left."""
    size = wanted.limit + 1 + wanted.offset
    rows = await _rows(conn, wanted, walk, kept, _by_events, size, 0)
    if len(rows) < size:
        rows += await _rows(conn, wanted, walk, kept, _by_contacts, size - len(rows), 0)
    return rows[wanted.offset :]


async def _rows(
    conn: Connection,
    wanted: Wanted,
    walk: _Walk | None,
    kept: datetime | None,
    build: Callable[[Query, Wanted, _Walk | None, datetime | None], str],
    limit: int | None = None,
    offset: int | None = None,
) -> list[Any]:
    query = wanted.query()
    statement = build(query, wanted, walk, kept)
    limit = wanted.limit + 1 if limit is None else limit
    offset = wanted.offset if offset is None else offset
    # As numbers in the text, because a plan for any limit would be made again at every call.
    return await conn.fetch(f"{statement} limit {limit} offset {offset}", *query.args)


def _by_events(query: Query, wanted: Wanted, walk: _Walk | None, kept: datetime | None) -> str:
    """The contacts whose last event exists, sorted by its time."""
    after, way = wanted.direction
    clauses = wanted.clauses
    seen_e, seen_n = _visible(query, walk)
    if wanted.cursor:
        query.add(f"(e.at, e.contact_id) {after} ({{}}, {{}}::uuid)", wanted.cursor.at, wanted.cursor.id)
    if kept is not None:
        query.add("e.at >= {}", kept)
    if clauses.updated_after is not None:
        query.add("e.at > {}", clauses.updated_after)
    if clauses.updated_before is not None:
        query.add("e.at < {}", clauses.updated_before)  # Like for the contact, but this one can use an index.
    # A later event has a later time, so only the months from this one on are read.
    return f"""
select {query.columns}, e.at as place, pg_current_snapshot()::text as snapshot, now() as begun
  from contact_events e
  join contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
 where e.workspace_id = $1 and {seen_e} and {query.condition}
   and not exists (select 1 from contact_events n
                    where n.workspace_id = $1 and n.contact_id = e.contact_id
                      and n.version > e.version and n.at >= e.at and {seen_n})
 order by e.at {way}, e.contact_id {way}"""


def _by_contacts(query: Query, wanted: Wanted, walk: _Walk | None, kept: datetime | None) -> str:
    """The contacts sorted by their own rows; newest first, only those that `_by_events` does not have.

    Ascending these are all contacts, because most events have been superseded by later ones.
    """
    after, way = wanted.direction
    place = _place(query, walk)
    beyond = ["true"]
    if wanted.cursor:
        last = f"{query.arg(wanted.cursor.at)}, {query.arg(wanted.cursor.id)}::uuid"
        beyond.append(f"(place, id::uuid) {after} ({last})")
    if wanted.clauses.updated_after is not None:
        beyond.append(f"place > {query.arg(wanted.clauses.updated_after)}")
    if wanted.sort == "-updatedAt":
        beyond.append(f"place < {query.arg(kept)}")
    return f"""
select * from (
    select {query.columns}, {place} as place, pg_current_snapshot()::text as snapshot, now() as begun
      from contacts c
     where {query.condition}) placed
 where {" and ".join(beyond)}
 order by place {way}, id::uuid {way}"""


def _place(query: Query, walk: _Walk | None) -> str:
    """The time of the last change of a contact that the walk sees; null if the contact did not exist yet."""
    if walk is None:
        return "c.updated_at"
    seen, _ = _visible(query, walk)
    recent = f"{query.arg(walk.begun)}::timestamptz - interval '1 minute'"
    # The last event that the walk sees may have been dropped; the next one has the time of that change.
    return f"""case when c.updated_at < {recent} then c.updated_at
                 else coalesce((select e.previous_at from contact_events e
                                 where e.workspace_id = $1 and e.contact_id = c.id
                                   and e.at >= {recent} and not {seen}
                                 order by e.version limit 1),
                               (select max(e.at) from contact_events e
                                 where e.workspace_id = $1 and e.contact_id = c.id and {seen})) end"""


def _visible(query: Query, walk: _Walk | None) -> tuple[str, str]:
    """Conditions that events e and n existed when the walk began."""
    if walk is None:
        return "true", "true"
    snapshot, begun = query.arg(walk.snapshot), query.arg(walk.begun)
    # Transaction ids have no meaning after a restore into another server; old events existed in any case.
    seen = (
        "(pg_visible_in_snapshot({e}.tx, "
        f"{snapshot}::text::pg_snapshot) or {{e}}.at < {begun}::timestamptz - interval '1 minute')"
    )
    return seen.format(e="e"), seen.format(e="n")
