"""Pages of contacts as the API shows them, from the text that PostgreSQL wrote (plain.py)."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from contactory.base.caches import LeastRecentlyUsed
from contactory.catalog.catalog import Catalog, Catalogs
from contactory.contacts.model import Contact, show_stored
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.plain import PlainPage
from contactory.contacts.read.reader import Reader

_KEPT = 32


class Listed(msgspec.Struct, array_like=True, gc=False):
    """A contact of a page."""

    id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    timezone: str | None
    tag_ids: str
    fields: dict[str, str]
    created_at: datetime
    updated_at: datetime


_listed = msgspec.json.Decoder(list[Listed])


class ShownPage(NamedTuple):
    """A page as JSON, and the cursor of the next one, if there may be one."""

    body: bytes
    next: Cursor | None
    catalog: Catalog
    """With whose names it is shown."""


class Pages:
    """Reads and shows pages. Requests for the same page at the same moment share both."""

    def __init__(self, reader: Reader, catalogs: Catalogs) -> None:
        self._reader = reader
        self._catalogs = catalogs
        self._shown: LeastRecentlyUsed[tuple[str, int, str], ShownPage] = LeastRecentlyUsed(_KEPT)
        """By the text, so that a page that has changed is never shown as it was."""

    async def get(self, page: PlainPage, catalog: Catalog) -> ShownPage:
        """The page as it is now."""
        text = await self._reader.page(page)
        key = (text, page.limit, page.sort)
        shown = self._shown.get(key)
        if shown is None or shown.catalog is not catalog:
            shown = await self._show(page, text, catalog)
            self._shown.put(key, shown)
        return shown

    async def _show(self, page: PlainPage, text: str, catalog: Catalog) -> ShownPage:
        rows, following = _listed.decode(f"[{text}]"), None
        if len(rows) > page.limit:
            del rows[page.limit :]
            following = Cursor(page.sort, rows[-1].created_at, rows[-1].id)
        await self._catalogs.tag_names(catalog, [row.tag_ids for row in rows])
        return ShownPage(msgspec.json.encode([_contact(row, catalog) for row in rows]), following, catalog)


def _contact(row: Listed, catalog: Catalog) -> Contact:
    return Contact(
        row.id,
        catalog.workspace_id,
        row.first_name,
        row.last_name,
        row.email,
        row.phone,
        row.timezone,
        catalog.show_tags(row.tag_ids),
        show_stored(row.fields, catalog),
        row.created_at,
        row.updated_at,
    )
