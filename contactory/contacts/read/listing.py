"""Lists of contacts: filters, two orders, and cursors that neither skip nor repeat a contact.

Sorted by creation, a list walks an index. Sorted by the last change, it walks the events (by_change.py).

Who may be contacted at a moment is a question of zones (available.py).
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.by_change import list_by_change
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.filter import Clauses, Filter
from contactory.contacts.read.query import COLUMNS, Page, Query, Wanted
from contactory.database.db import Connection
from contactory.database.months import MONTHS

_EXTRAS = {"timezones": ", c.timezone_source, c.timezones", "consent": ", c.consent", "version": ""}
HEAD = 80
"""The number of contacts, in addition to twice the page, that are first checked for availability."""
MOST_PASSED = 1000


async def list_contacts(
    conn: Connection,
    catalog: Catalog,
    filter_: Filter,
    sort: str,
    limit: int,
    offset: int,
    cursor: Cursor | None,
    include: Collection[str] = (),
) -> Page:
    """A page of the active contacts of a workspace, `sort` being one of SORTS.

    The rows also have the columns of `include`: `timezones` (every zone that a phone could be in), `consent`;
    they always have the `version`.
    """
    wanted = Wanted(
        catalog=catalog,
        clauses=Clauses(filter_),
        columns=COLUMNS + "".join(_EXTRAS[name] for name in sorted(set(include))),
        sort=sort,
        limit=limit,
        offset=offset,
        cursor=cursor,
    )
    read = _list_by_creation if sort.endswith("createdAt") else list_by_change
    if wanted.clauses.updated_after is None and sort != "-updatedAt":
        return await read(conn, wanted, None)  # It needs no events.
    kept = await MONTHS.kept_since(conn)
    while True:
        page = await read(conn, wanted, kept)
        before, kept = kept, await MONTHS.kept_since(conn)
        if kept == before:  # Otherwise a month was dropped in the meantime.
            return page


async def _list_by_creation(conn: Connection, wanted: Wanted, kept: datetime | None) -> Page:
    rows, limit = None, wanted.limit
    if wanted.clauses.available_at is not None and wanted.offset <= MOST_PASSED:
        query = wanted.query(by_zone=False)
        _go_on(query, wanted, kept)
        rows = await _quickly(conn, query, wanted)
    if rows is None:
        query = wanted.query()
        _go_on(query, wanted, kept)
        _, way = wanted.direction
        # As numbers in the text, because a plan for any limit would be made again at every call.
        statement = f"""
select {query.columns}
  from contacts c
 where {query.condition}
 order by c.created_at {way}, c.id {way}
 limit {limit + 1} offset {wanted.offset}"""
        rows = await conn.fetch(statement, *query.args)
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    return Page(rows[:limit], Cursor(wanted.sort, last["created_at"], last["id"]))


async def _quickly(conn: Connection, query: Query, wanted: Wanted) -> list[Any] | None:
    """The rows of a list filtered by availability, if a short way finds them; otherwise None."""
    _, way = wanted.direction
    limit, offset, clauses = wanted.limit, wanted.offset, wanted.clauses
    order, size = f"order by c.created_at {way}, c.id {way}", limit + 1 + offset
    where, available = " and ".join(query.where), " and ".join(query.available)
    head = HEAD + 2 * size
    rows = await conn.fetch(
        f"""
with head as materialized (select c.* from contacts c where {where} {order} limit {head})
select {query.columns}, (select count(*) from head) as seen
  from head c where {available}
 {order} limit {limit + 1} offset {offset}""",
        *query.args,
    )
    if len(rows) > limit or (rows and rows[0]["seen"] < head):
        return rows
    if clauses.available_at is None or clauses.selective:
        return None
    zones = query.arg(clauses.available_at.zones)
    return await conn.fetch(
        f"""
select {query.columns}
  from unnest({zones}::text[]) as z (name)
 cross join lateral (
       select c.* from contacts c
        where {where} and {available} and c.timezone = z.name
        {order} limit {size}) c
 {order} limit {limit + 1} offset {offset}""",
        *query.args,
    )


def _go_on(query: Query, wanted: Wanted, kept: datetime | None) -> None:
    """Adds the position at which a walk by creation continues."""
    after, _ = wanted.direction
    if wanted.cursor:
        query.add(f"(c.created_at, c.id) {after} ({{}}, {{}}::uuid)", wanted.cursor.at, wanted.cursor.id)
    changed_after = wanted.changed_after(kept)
    if changed_after is not None:
        # Every change has an event, and only events have an index by time.
        query.add(
            "c.id in (select e.contact_id from contact_events e where e.workspace_id = $1 and e.at > {})",
            changed_after,
        )
