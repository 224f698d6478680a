"""Lists of contacts: filters, two orders, and cursors that neither skip nor repeat a contact.

Sorted by creation, a list walks an index. Sorted by the last change, it walks the events, newest first, each
contact once, because every PATCH would have to update an index on updated_at. A cursor of that order has the
snapshot in which its walk began, and every contact keeps its place of that moment.

Who may be contacted at a moment is a question of zones (available.py).
"""

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.filter import Clauses, Filter, condition
from contactory.database.db import Connection

_COLUMNS = """c.id::text, c.version, c.first_name, c.last_name, c.email, c.phone, c.timezone, c.tag_ids::text,
       c.fields, c.created_at, c.updated_at"""
_EXTRAS = {"timezones": ", c.timezone_source, c.timezones", "consent": ", c.consent", "version": ""}
HEAD = 80
"""The number of contacts, in addition to twice the page, that are first checked for availability."""
MOST_PASSED = 1000


class Page(msgspec.Struct):
    """A page of a list; `next` is the cursor of the next page, if there may be one."""

    rows: list[Any]
    next: Cursor | None = None


class Query:
    """Builds a statement; every value is an argument."""

    def __init__(self, catalog: Catalog, wanted: Clauses, columns: str = _COLUMNS) -> None:
        self.columns = columns
        self.args: list[Any] = [catalog.workspace_id]
        self.where = ["c.workspace_id = $1", *(["c.deleted_at is null"] if wanted.active else [])]
        self.where += [condition(part, catalog, self.arg) for part in wanted.parts]
        self.reach = wanted.reachable.conditions(self.arg) if wanted.reachable else []

    @property
    def condition(self) -> str:
        """All conditions together."""
        return " and ".join([*self.where, *self.reach])

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def add(self, condition: str, *values: Any) -> None:
        self.where.append(condition.format(*map(self.arg, values)))


async def list_contacts(
    conn: Connection,
    catalog: Catalog,
    wanted: Filter,
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
    clauses = Clauses(wanted)
    columns = _COLUMNS + "".join(_EXTRAS[name] for name in sorted(set(include)))
    rows = None
    if clauses.reachable is not None and sort.endswith("createdAt") and offset <= MOST_PASSED:
        query = Query(catalog, clauses, columns)
        _go_on(query, clauses, sort, cursor)
        rows = await _quickly(conn, query, clauses, sort, limit, offset)
    if rows is None:
        query = Query(catalog, clauses, columns)
        if clauses.reachable is not None:
            query.add("c.timezone = any({}::text[])", clauses.reachable.zones)  # This one can use an index.
        build = _by_creation if sort.endswith("createdAt") else _by_change
        statement = build(query, clauses, sort, cursor)
        # As numbers in the text, because a plan for any limit would be made again at every call.
        rows = await conn.fetch(f"{statement} limit {limit + 1} offset {offset}", *query.args)
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    if sort.endswith("createdAt"):
        return Page(rows[:limit], Cursor(sort, last["created_at"], last["id"]))
    snapshot = cursor.snapshot if cursor else last["snapshot"]
    begun = cursor.begun if cursor else last["begun"]
    return Page(rows[:limit], Cursor(sort, last["place"], last["id"], snapshot, begun))


async def _quickly(
    conn: Connection, query: Query, wanted: Clauses, sort: str, limit: int, offset: int
) -> list[Any] | None:
    """The rows of a list filtered by availability, if a short way finds them; otherwise None."""
    _, way = _direction(sort)
    order, size = f"order by c.created_at {way}, c.id {way}", limit + 1 + offset
    where, reach = " and ".join(query.where), " and ".join(query.reach)
    head = HEAD + 2 * size
    rows = await conn.fetch(
        f"""
with head as materialized (select c.* from contacts c where {where} {order} limit {head})
select {query.columns}, (select count(*) from head) as seen
  from head c where {reach}
 {order} limit {limit + 1} offset {offset}""",
        *query.args,
    )
    if len(rows) > limit or (rows and rows[0]["seen"] < head):
        return rows
    if wanted.reachable is None or wanted.selective:
        return None
    zones = query.arg(wanted.reachable.zones)
    return await conn.fetch(
        f"""
select {query.columns}
  from unnest({zones}::text[]) as z (name)
 cross join lateral (
       select c.* from contacts c
        where {where} and {reach} and c.timezone = z.name
        {order} limit {size}) c
 {order} limit {limit + 1} offset {offset}""",
        *query.args,
    )


def _by_creation(query: Query, wanted: Clauses, sort: str, cursor: Cursor | None) -> str:
    _, way = _direction(sort)
    _go_on(query, wanted, sort, cursor)
    return f"""
select {query.columns}
  from contacts c
 where {query.condition}
 order by c.created_at {way}, c.id {way}"""


def _go_on(query: Query, wanted: Clauses, sort: str, cursor: Cursor | None) -> None:
    """Adds the position at which a walk by creation continues."""
    after, _ = _direction(sort)
    if cursor:
        query.add(f"(c.created_at, c.id) {after} ({{}}, {{}}::uuid)", cursor.at, cursor.id)
    if wanted.updated_after is not None:
        # Every change has an event, and only events have an index by time.
        query.add(
            "c.id in (select e.contact_id from contact_events e where e.workspace_id = $1 and e.at > {})",
            wanted.updated_after,
        )


def _by_change(query: Query, wanted: Clauses, sort: str, cursor: Cursor | None) -> str:
    """Sorted by the last change that the walk's snapshot sees."""
    after, way = _direction(sort)
    seen_e, seen_n = _visible(query, cursor)
    if sort == "updatedAt" and wanted.updated_after is None:
        return _by_change_from_the_oldest(query, cursor, seen_e)
    if cursor:
        query.add(f"(e.at, e.contact_id) {after} ({{}}, {{}}::uuid)", cursor.at, cursor.id)
    if wanted.updated_after is not None:
        query.add("e.at > {}", wanted.updated_after)
    if wanted.updated_before is not None:
        query.add("e.at < {}", wanted.updated_before)  # Like for the contact, but this one can use an index.
    return f"""
select {query.columns}, e.at as place, pg_current_snapshot()::text as snapshot, now() as begun
  from contact_events e
  join contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
 where e.workspace_id = $1 and {seen_e} and {query.condition}
   and not exists (select 1 from contact_events n
                    where n.workspace_id = $1 and n.contact_id = e.contact_id
                      and n.version > e.version and {seen_n})
 order by e.at {way}, e.contact_id {way}"""


def _by_change_from_the_oldest(query: Query, cursor: Cursor | None, seen: str) -> str:
    # Ascending, most events have been superseded by later ones, so sort the contacts instead.
    place = "c.updated_at"
    if cursor:
        place = f"""case when c.updated_at < {query.arg(cursor.begun)}::timestamptz - interval '1 minute'
                 then c.updated_at
                 else (select max(e.at) from contact_events e
                        where e.workspace_id = $1 and e.contact_id = c.id and {seen}) end"""
    beyond = ""
    if cursor:
        beyond = f"where (place, id::uuid) > ({query.arg(cursor.at)}, {query.arg(cursor.id)}::uuid)"
    return f"""
select * from (
    select {query.columns}, {place} as place, pg_current_snapshot()::text as snapshot, now() as begun
      from contacts c
     where {query.condition}) placed
 {beyond}
 order by place, id::uuid"""


def _visible(query: Query, cursor: Cursor | None) -> tuple[str, str]:
    """Conditions that events e and n existed when the walk began."""
    if cursor is None:
        return "true", "true"
    snapshot, begun = query.arg(cursor.snapshot), query.arg(cursor.begun)
    # Transaction ids have no meaning after a restore into another server; old events existed in any case.
    seen = (
        "(pg_visible_in_snapshot({e}.tx, "
        f"{snapshot}::text::pg_snapshot) or {{e}}.at < {begun}::timestamptz - interval '1 minute')"
    )
    return seen.format(e="e"), seen.format(e="n")


def _direction(sort: str) -> tuple[Literal["<", ">"], Literal["asc", "desc"]]:
    return ("<", "desc") if sort.startswith("-") else (">", "asc")
