"""Pages of a whole workspace's contacts by creation: many pages are read by one statement.

Every page is a part of an index: the contacts between a position and a bound. PostgreSQL writes each page as
one JSON array of arrays, which costs both sides less than a row of columns for each contact.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from contactory.contacts.read.cursors import Cursor
from contactory.database.db import Connection

MOST = 100
"""The limit of contacts in a page: larger pages would hold up the others in the statement."""
PAGES = 16
"""The limit of pages in one statement."""
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_LOWEST, _HIGHEST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
_NAMES = {"workspaceId", "limit", "cursor", "sort", "createdAfter", "createdBefore"}


class PlainPage(NamedTuple):
    """A page of all active contacts of a workspace: so many after a position, up to a bound."""

    workspace_id: str
    at: datetime
    id: str
    bound: datetime
    """Contacts that were created at this moment do not belong to the page."""
    limit: int
    sort: str


def plain_page(query: Mapping[str, Any], workspace_id: str, sort: str) -> PlainPage | None:
    """The page that a request for a list asks for, if no filter but the creation narrows it; else None."""
    limit: int = query.get("limit", 20)
    if limit > MOST or sort.removeprefix("-") != "createdAt" or not query.keys() <= _NAMES:
        return None
    cursor: Cursor | None = query.get("cursor")
    after: datetime = query.get("createdAfter", _FIRST)
    before: datetime = query.get("createdBefore", _LAST)
    if sort.startswith("-"):
        at, last = before, _LOWEST
        if cursor and (cursor.at, cursor.id) < (at, last):
            at, last = cursor.at, cursor.id
        return PlainPage(workspace_id, at, last, after, limit, sort)
    at, last = after, _HIGHEST
    if cursor and (cursor.at, cursor.id) > (at, last):
        at, last = cursor.at, cursor.id
    return PlainPage(workspace_id, at, last, before, limit, sort)


def _statement(after: str, bound: str, way: str) -> str:
    return f"""
select (select string_agg(c.listed, ',')
          from (select json_build_array(c.id, c.first_name, c.last_name, c.email, c.phone, c.timezone,
                           c.tag_ids::text, c.fields, c.created_at, c.updated_at)::text as listed
                  from contacts c
                 where c.workspace_id = i.workspace_id and c.deleted_at is null
                   and (c.created_at, c.id) {after} (i.at, i.id) and c.created_at {bound} i.bound
                 order by c.created_at {way}, c.id {way}
                 limit i.size) c)
  from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::timestamptz[], $5::int[]) with ordinality
       as i (workspace_id, at, id, bound, size, n)
 order by i.n
"""


async def _read(statement: str, conn: Connection, pages: Sequence[PlainPage]) -> dict[PlainPage, str]:
    workspaces, moments, ids, bounds, limits, _ = zip(*pages, strict=True)
    rows = await conn.fetch(statement, workspaces, moments, ids, bounds, [limit + 1 for limit in limits])
    return {page: row[0] or "" for page, row in zip(pages, rows, strict=True)}


READ: Mapping[str, Callable[..., Any]] = {
    "createdAt": partial(_read, _statement(">", "<", "asc")),
    "-createdAt": partial(_read, _statement("<", ">", "desc")),
}
"""Reads the pages of an order: each as the text of its contacts."""
