"""Lists of contacts: filters, two orders, and cursors that neither skip nor repeat a contact.

Sorted by creation, a list walks an index. Sorted by the last change it walks the events, newest first, each
contact once: an index on updated_at would have to be written at every PATCH. A cursor of that order carries
the snapshot in which its walk began, and every contact keeps the place that it had then. Those whose events
have been dropped with their month come after (or before) all others, by what the contacts themselves tell.

Who may be contacted at a moment is a question of zones (reachable.py).
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.available import Reachable
from contactory.contacts.read.cursors import Cursor
from contactory.database.db import Connection
from contactory.database.months import kept_since

_COLUMNS = """c.id::text, c.version, c.first_name, c.last_name, c.email, c.phone, c.timezone, c.tag_ids::text,
       c.fields, c.created_at, c.updated_at"""
_EXTRAS = {"timezones": ", c.timezone_source, c.timezones", "consent": ", c.consent", "version": ""}
HEAD = 80
"""Of so many contacts, and twice the page, enough are looked for first who may be contacted now."""
MOST_PASSED = 1000


class Filter(msgspec.Struct, kw_only=True):
    """What contacts must be like to be listed: all that is given must hold."""

    email_key: str | None = None
    phone: str | None = None
    tags: list[list[int]] = []
    """For each tag the ids that show as it; an empty one is a tag that no contact has."""
    any_tag: list[int] | None = None
    """The ids of tags of which a contact must carry at least one."""
    not_tags: list[int] = []
    """The ids of tags of which a contact must carry none."""
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    reachable: Reachable | None = None
    conditions: list[tuple[str, list[Any]]] = []
    """SQL on the contacts `c`, from literals of ours, with `{}` for each value (filters.py, search.py)."""

    @property
    def selective(self) -> bool:
        """Whether an index of another kind than that of the order probably leads to the contacts."""
        return bool(
            self.email_key
            or self.phone
            or self.tags
            or self.any_tag is not None
            or self.updated_after
            or self.conditions
        )


class Page(msgspec.Struct):
    """A page of a list; `next` leads to what follows, where anything may."""

    rows: list[Any]
    next: Cursor | None = None


class Query:
    """Puts a statement together; every value is an argument."""

    def __init__(self, catalog: Catalog, wanted: Filter, columns: str = _COLUMNS) -> None:
        self.columns = columns
        self.args: list[Any] = [catalog.workspace_id]
        self.where = ["c.workspace_id = $1", "c.deleted_at is null"]
        if wanted.email_key is not None:
            self.add("c.email_key = {}", wanted.email_key)
        if wanted.phone is not None:
            self.add("c.phone = {}", wanted.phone)
        for ids in wanted.tags:
            self.add("c.tag_ids && {}::bigint[]", ids)
        if wanted.any_tag is not None:
            self.add("c.tag_ids && {}::bigint[]", wanted.any_tag)
        if wanted.not_tags:
            self.add("not c.tag_ids && {}::bigint[]", wanted.not_tags)
        for condition, moment in (
            ("c.created_at > {}", wanted.created_after),
            ("c.created_at < {}", wanted.created_before),
            ("c.updated_at > {}", wanted.updated_after),
            ("c.updated_at < {}", wanted.updated_before),
        ):
            if moment is not None:
                self.add(condition, moment)
        for condition, values in wanted.conditions:
            self.add(condition, *values)
        self.reach = wanted.reachable.conditions(self.arg) if wanted.reachable else []

    @property
    def condition(self) -> str:
        """All that must hold."""
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

    The rows also hold what `include` names: `timezones` (every zone that a phone may lie in), `consent`; the
    `version` is always there.
    """
    asked = _Asked(
        catalog=catalog,
        wanted=wanted,
        columns=_COLUMNS + "".join(_EXTRAS[name] for name in sorted(set(include))),
        sort=sort,
        limit=limit,
        offset=offset,
        cursor=cursor,
    )
    by_events = wanted.updated_after is not None or sort == "-updatedAt"
    if not by_events:
        return await _page(conn, asked)
    asked.kept = await kept_since(conn)
    while True:
        page = await _page(conn, asked)
        kept = await kept_since(conn)
        if kept == asked.kept:
            return page
        asked.kept = kept  # A month was dropped meanwhile: once more, without it.


class _Asked(msgspec.Struct, kw_only=True):
    """A page that is asked for."""

    catalog: Catalog
    wanted: Filter
    columns: str
    sort: str
    limit: int
    offset: int
    cursor: Cursor | None
    kept: datetime | None = None
    """Since when the events are there; None: all are."""

    def query(self) -> Query:
        return Query(self.catalog, self.wanted, self.columns)

    @property
    def by_events(self) -> datetime | None:
        """The moment after which contacts must have been changed, if the events tell all those contacts."""
        after = self.wanted.updated_after
        return after if after and (self.kept is None or self.kept <= after) else None


async def _page(conn: Connection, asked: _Asked) -> Page:
    return await (_by_creation if asked.sort.endswith("createdAt") else _by_change)(conn, asked)


async def _by_creation(conn: Connection, asked: _Asked) -> Page:
    rows, wanted, limit = None, asked.wanted, asked.limit
    if wanted.reachable is not None and asked.offset <= MOST_PASSED:
        query = asked.query()
        _go_on(query, asked)
        rows = await _quickly(conn, query, asked)
    if rows is None:
        query = asked.query()
        _among_zones(query, wanted)
        _go_on(query, asked)
        _, way = _direction(asked.sort)
        rows = await conn.fetch(
            f"""
select {query.columns}
  from contacts c
 where {query.condition}
 order by c.created_at {way}, c.id {way}
 limit {limit + 1} offset {asked.offset}""",
            *query.args,
        )
    if len(rows) <= limit:
        return Page(rows)
    last = rows[limit - 1]
    return Page(rows[:limit], Cursor(asked.sort, last["created_at"], last["id"]))


def _among_zones(query: Query, wanted: Filter) -> None:
    if wanted.reachable is not None:
        query.add("c.timezone = any({}::text[])", wanted.reachable.zones)  # An index knows this one.


def _go_on(query: Query, asked: _Asked) -> None:
    """Adds where a walk by creation goes on."""
    after, _ = _direction(asked.sort)
    if asked.cursor:
        query.add(f"(c.created_at, c.id) {after} ({{}}, {{}}::uuid)", asked.cursor.at, asked.cursor.id)
    if asked.by_events is not None:
        # Every change left an event, and only those have an index by time.
        query.add(
            "c.id in (select e.contact_id from contact_events e where e.workspace_id = $1 and e.at > {})",
            asked.by_events,
        )


async def _quickly(conn: Connection, query: Query, asked: _Asked) -> list[Any] | None:
    """The rows of a list of those who may be contacted now, where a short way leads to them; else None."""
    wanted, limit, offset = asked.wanted, asked.limit, asked.offset
    _, way = _direction(asked.sort)
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


async def _by_change(conn: Connection, asked: _Asked) -> Page:
    """By the last change that the walk's snapshot sees."""
    walk = asked.cursor and _Walk(asked.cursor.snapshot, asked.cursor.begun)
    if asked.sort == "updatedAt" and asked.by_events is None:
        rows = await _rows(conn, asked, walk, _by_contacts, asked.limit + 1, asked.offset)
    elif asked.kept is None or asked.by_events is not None:
        rows = await _rows(conn, asked, walk, _by_events, asked.limit + 1, asked.offset)
    else:
        [now] = await conn.fetch("select pg_current_snapshot()::text, now()")
        walk = walk or _Walk(*now)
        size = asked.limit + 1 + asked.offset
        rows = await _rows(conn, asked, walk, _by_events, size)
        if len(rows) < size:
            rows += await _rows(conn, asked, walk, _by_contacts, size - len(rows))
        rows = rows[asked.offset :]
    if len(rows) <= asked.limit:
        return Page(rows)
    last = rows[asked.limit - 1]
    walk = walk or _Walk(last["snapshot"], last["begun"])
    return Page(rows[: asked.limit], Cursor(asked.sort, last["place"], last["id"], *walk))


class _Walk(NamedTuple):
    """PostgreSQL's snapshot at the beginning of a walk, and when that was."""

    snapshot: str | None
    begun: datetime | None


_Build = Callable[[Query, _Asked, _Walk | None], str]


async def _rows(
    conn: Connection, asked: _Asked, walk: _Walk | None, build: _Build, limit: int, offset: int = 0
) -> list[Any]:
    query = asked.query()
    _among_zones(query, asked.wanted)
    statement = build(query, asked, walk)
    # As numbers in the text, since a plan that has to suit any limit is made anew at every call.
    return await conn.fetch(f"{statement} limit {limit} offset {offset}", *query.args)


def _by_events(query: Query, asked: _Asked, walk: _Walk | None) -> str:
    """The contacts whose last event is there, by its time."""
    after, way = _direction(asked.sort)
    seen_e, seen_n = _visible(query, walk)
    if asked.cursor:
        query.add(f"(e.at, e.contact_id) {after} ({{}}, {{}}::uuid)", asked.cursor.at, asked.cursor.id)
    if asked.kept is not None:
        query.add("e.at >= {}", asked.kept)
    if asked.wanted.updated_after is not None:
        query.add("e.at > {}", asked.wanted.updated_after)
    if asked.wanted.updated_before is not None:
        query.add("e.at < {}", asked.wanted.updated_before)  # As for the contact; an index knows this one.
    # A later event has a later time: so only the months from then on are looked at.
    return f"""
select {query.columns}, e.at as place, pg_current_snapshot()::text as snapshot, now() as begun
  from contact_events e
  join contacts c on c.workspace_id = e.workspace_id and c.id = e.contact_id
 where e.workspace_id = $1 and {seen_e} and {query.condition}
   and not exists (select 1 from contact_events n
                    where n.workspace_id = $1 and n.contact_id = e.contact_id
                      and n.version > e.version and n.at >= e.at and {seen_n})
 order by e.at {way}, e.contact_id {way}"""


def _by_contacts(query: Query, asked: _Asked, walk: _Walk | None) -> str:
    """The contacts by what they tell of their last change; those that `_by_events` has not.

    From the oldest on these are all, since most events there have been superseded by later ones.
    """
    after, way = _direction(asked.sort)
    beyond = ["true"]
    place = _place(query, walk)
    if asked.cursor:
        beyond.append(
            f"(place, id::uuid) {after} ({query.arg(asked.cursor.at)}, {query.arg(asked.cursor.id)}::uuid)"
        )
    if asked.wanted.updated_after is not None:
        beyond.append(f"place > {query.arg(asked.wanted.updated_after)}")
    if asked.sort == "-updatedAt":
        beyond.append(f"place < {query.arg(asked.kept)}")
    return f"""
select * from (
    select {query.columns}, {place} as place, pg_current_snapshot()::text as snapshot, now() as begun
      from contacts c
     where {query.condition}) placed
 where {" and ".join(beyond)}
 order by place {way}, id::uuid {way}"""


def _place(query: Query, walk: _Walk | None) -> str:
    """When a contact was changed last, as the walk sees it; null where it was not there yet."""
    if walk is None:
        return "c.updated_at"
    seen, _ = _visible(query, walk)
    own = "e.workspace_id = $1 and e.contact_id = c.id"
    recent = f"{query.arg(walk.begun)}::timestamptz - interval '1 minute'"
    # The last event that is seen may be gone; then the first that is not seen knows when that was.
    return f"""case when c.updated_at < {recent} then c.updated_at
                 else coalesce((select e.previous_at from contact_events e
                                 where {own} and e.at >= {recent} and not {seen}
                                 order by e.version limit 1),
                               (select max(e.at) from contact_events e where {own} and {seen})) end"""


def _visible(query: Query, walk: _Walk | None) -> tuple[str, str]:
    """Conditions that events e and n were there when the walk began."""
    if walk is None:
        return "true", "true"
    snapshot, begun = query.arg(walk.snapshot), query.arg(walk.begun)
    # Transaction ids mean nothing after a restore into another server; events that old are all there anyway.
    seen = (
        "(pg_visible_in_snapshot({e}.tx, "
        f"{snapshot}::text::pg_snapshot) or {{e}}.at < {begun}::timestamptz - interval '1 minute')"
    )
    return seen.format(e="e"), seen.format(e="n")


def _direction(sort: str) -> tuple[Literal["<", ">"], Literal["asc", "desc"]]:
    return ("<", "desc") if sort.startswith("-") else (">", "asc")


async def count_contacts(conn: Connection, catalog: Catalog, wanted: Filter) -> int:
    """How many contacts a list has in all."""
    query = Query(catalog, wanted)
    return await conn.fetchval(f"select count(*) from contacts c where {query.condition}", *query.args)


async def count_up_to(conn: Connection, catalog: Catalog, wanted: Filter, most: int) -> int:
    """As count_contacts, but stops at one more than `most`."""
    query = Query(catalog, wanted)
    return await conn.fetchval(
        f"""select count(*) from (select from contacts c where {query.condition}
                                   limit {int(most) + 1}) counted""",
        *query.args,
    )
