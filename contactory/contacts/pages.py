"""The pages about contacts, and their rows of the table."""

from typing import Any
from urllib.parse import urlencode

from contactory.catalog import Catalog
from contactory.contacts.cursors import CURSOR, Cursor
from contactory.contacts.grid import cells, columns_of
from contactory.contacts.listing import Filter, list_contacts
from contactory.contacts.writing import show_all
from contactory.http import Response
from contactory.operations import Call, Operation
from contactory.visits import page, part, wants_page

PAGE_SIZE = 50
GRID_QUERY = {"cursor": CURSOR}


async def show_grid(call: Call) -> Response:
    """The grid, or the next rows of it for a script."""

    async def attempt(catalog: Catalog) -> Response:
        shown = await _rows(call, catalog)
        if wants_page(call.request) or "cursor" not in call.query:
            return await page(call, "contacts/list.html", **shown)
        return part(call, "contacts/rows.html", **shown)

    return await call.by_catalog(None, attempt)


async def _rows(call: Call, catalog: Catalog) -> dict[str, Any]:
    cursor: Cursor | None = call.query.get("cursor")
    async with call.connection() as conn:
        found = await list_contacts(conn, catalog, Filter(), "-createdAt", PAGE_SIZE, 0, cursor)
    contacts = await show_all(call, [(row["id"], row) for row in found.rows], catalog)
    columns = columns_of(catalog)
    following = f"{call.request.path}?{urlencode({'cursor': found.next.text()})}" if found.next else None
    return {
        "columns": columns,
        "rows": [(contact, cells(contact, columns)) for contact in contacts],
        "following": following,
        "begun": cursor is None,
    }


CONTACT_PAGES = [
    Operation(
        id="showContacts",
        method="GET",
        path="/w/{workspaceId}/contacts",
        summary="The grid of contacts",
        permission="read",
        handler=show_grid,
        query=GRID_QUERY,
        page=True,
    ),
]
