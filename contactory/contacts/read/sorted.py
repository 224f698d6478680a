"""Lists of contacts in the order of a column, for the grid; contacts without a value always come last.

E-mails, phones and zones have an index. Names are case-folded, with an index in the table of the search. A
custom field has no index: its order is computed for each page, from all contacts that match the filter.

A cursor is the last contact's place in the order, so a walk neither skips nor repeats a contact whose place
does not change; a contact whose place changes meanwhile appears at the new place.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from contactory.base.ids import parse_id
from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CUSTOM, Column
from contactory.contacts.read.cursors import PATTERN, Cursor, parse_cursor
from contactory.contacts.read.filter import Clauses, Filter
from contactory.contacts.read.query import Query
from contactory.database.db import Connection
from contactory.rules.invalid import invalid_cursor

_LONGEST = 50_000


class SortedCursor(msgspec.Struct, array_like=True, frozen=True):
    """The position of a walk: after the contact with these keys in the order `sort`."""

    sort: str
    keys: list[str]
    empty: bool = False
    """Whether it has reached the contacts without a value in the column."""

    def text(self) -> str:
        """The cursor as a text for the client."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def parse_sorted_cursor(text: str) -> SortedCursor:
    """The cursor in a text from a client. Raises Invalid."""
    try:
        padded = text[:_LONGEST] + "=" * (-len(text) % 4)
        place = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=SortedCursor)
    except (ValueError, msgspec.DecodeError, binascii.Error):
        raise invalid_cursor() from None
    if any("\0" in key for key in place.keys):
        raise invalid_cursor()
    return place


def parse_grid_cursor(text: str) -> Cursor | SortedCursor:
    """A cursor of the grid, for any order. Raises Invalid."""
    return parse_cursor(text) if re.fullmatch(PATTERN, text) else parse_sorted_cursor(text)


class Ordered(NamedTuple):
    """A page of a list; `next` is the cursor of the next page, if there may be one."""

    rows: list[Any]
    next: SortedCursor | None


class _Key(NamedTuple):
    """One key of an order in SQL."""

    expression: str
    type: str = "text"
    read: Callable[[str], Any] = str
    """Converts the text of a cursor for the driver."""


class _Order(NamedTuple):
    """An order in SQL: the keys of contacts with a value, which is the first key, and of those without."""

    keys: Sequence[_Key]
    rest: Sequence[_Key]
    names: bool = False
    """Whether it uses the names in the table of the search."""


def _uuid(text: str) -> str:
    found = parse_id(text)
    if found is None:
        raise ValueError(text)
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


_BY_ID = _Key("c.id", "uuid", _uuid)
_BY_NAME = _Key("s.contact_id", "uuid", _uuid)
_BY_AGE = (_Key("c.created_at", "timestamptz", _moment), _BY_ID)
_ORDERS = {
    "firstName": _Order((_Key("s.first_key"), _BY_NAME), (_BY_NAME,), names=True),
    "lastName": _Order((_Key("s.last_key"), _BY_NAME), (_BY_NAME,), names=True),
    # Unique for each contact.
    "email": _Order((_Key("c.email_key"),), (_BY_ID,)),
    "phone": _Order((_Key("c.phone"),), (_BY_ID,)),
    "timezone": _Order((_Key("c.timezone"), *_BY_AGE), _BY_AGE),
}


def _order_of(column: Column, query: Query) -> _Order:
    if column.type is None or not column.custom:
        return _ORDERS[column.key]
    order = column.type.order
    value = f"(c.fields ->> {query.arg(column.key.removeprefix(CUSTOM))}::text)"
    return _Order((_Key(order.key(value), order.sql_type, order.read), _BY_ID), (_BY_ID,))


async def list_ordered(
    conn: Connection,
    catalog: Catalog,
    wanted: Filter,
    column: Column,
    way: str,
    limit: int,
    place: SortedCursor | None,
) -> Ordered:
    """A page of the active contacts of a workspace by a column, `way` being asc or desc. Raises Invalid."""
    sort = f"{'-' if way == 'desc' else ''}{column.key}"
    rows: list[Any] = []
    empty = place is not None and place.empty
    if place is not None and place.sort != sort:
        raise invalid_cursor()
    if not empty:
        rows = await _part(conn, catalog, wanted, column, way, limit + 1, place)
    if len(rows) <= limit:
        seen, empty_from = len(rows), place if empty else None
        rows += await _part(conn, catalog, wanted, column, way, limit + 1 - seen, empty_from, empty=True)
        empty = seen < limit
    if len(rows) <= limit:
        return Ordered(rows, None)
    last = rows[limit - 1]
    return Ordered(
        rows[:limit], SortedCursor(sort, msgspec.json.decode(last["place"], type=list[str]), empty)
    )


async def _part(
    conn: Connection,
    catalog: Catalog,
    wanted: Filter,
    column: Column,
    way: str,
    limit: int,
    place: SortedCursor | None,
    *,
    empty: bool = False,
) -> list[Any]:
    """The next rows of the contacts with a value in the column, or of those without."""
    query = Query(catalog, Clauses(wanted))
    order = _order_of(column, query)
    keys = order.rest if empty else order.keys
    query.where.append(f"{order.keys[0].expression} is {'' if empty else 'not '}null")
    if place is not None:
        names, values = [key.expression for key in keys], _values(place, keys)
        args = [f"{query.arg(value)}::{key.type}" for value, key in zip(values, keys, strict=True)]
        query.where.append(f"({', '.join(names)}) {'<' if way == 'desc' else '>'} ({', '.join(args)})")
    ordered = ", ".join(f"{key.expression} {way}" for key in keys)
    place_of = f"to_json(array[{', '.join(f'({key.expression})::text' for key in keys)}])::text as place"
    if order.names:
        statement = f"""
select {query.columns}, {place_of}
  from contact_search s
  join contacts c on c.workspace_id = s.workspace_id and c.id = s.contact_id
 where s.workspace_id = $1 and c.workspace_id = $1 and {query.condition}
 order by {ordered} limit {int(limit)}"""
    else:
        statement = f"""
select {query.columns}, {place_of}
  from contacts c
 where c.workspace_id = $1 and {query.condition}
 order by {ordered} limit {int(limit)}"""
    return await conn.fetch(statement, *query.args)


def _values(place: SortedCursor, keys: Sequence[_Key]) -> list[Any]:
    """The keys of a cursor, converted for the driver. Raises Invalid."""
    try:
        return [key.read(text) for text, key in zip(place.keys, keys, strict=True)]
    except (ValueError, ArithmeticError):
        raise invalid_cursor() from None
