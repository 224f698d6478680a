"""Pages of contacts as the API shows them, from the text that PostgreSQL wrote (plain.py)."""

import asyncio
from datetime import datetime

import msgspec

from contactory.catalog.catalog import Catalog, Catalogs
from contactory.contacts.model import Contact, show_stored
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.plain import PlainPage
from contactory.contacts.read.reader import Reader

_KEPT = 32
_KEPT_SECONDS = 1.0


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


class ShownPage(msgspec.Struct, eq=False):
    """A page as JSON, and the cursor of the next one, if there may be one."""

    body: bytes
    next: Cursor | None
    text: str
    """As it was read."""
    catalog: Catalog
    """With whose names it is shown."""
    asked: tuple[str, str] = ("", "")
    """The address and the query of the request for which the link was made last, so that it is made once."""
    links: list[tuple[str, str]] = []


class Pages:
    """Reads and shows pages. Requests for the same page at the same moment share both."""

    def __init__(self, reader: Reader, catalogs: Catalogs) -> None:
        self._reader = reader
        self._catalogs = catalogs
        self._shown: dict[PlainPage, ShownPage] = {}
        """The last ones, for a second only: a page has contact data, which may be purged."""

    async def get(self, page: PlainPage, catalog: Catalog) -> ShownPage:
        """The page as it is now."""
        text = await self._reader.page(page)
        shown = self._shown.get(page)
        if shown is None or shown.text != text or shown.catalog is not catalog:
            shown = await self._show(page, text, catalog)
            self._keep(page, shown)
        return shown

    def _keep(self, page: PlainPage, shown: ShownPage) -> None:
        if not self._shown:
            asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._shown.clear)
        elif len(self._shown) >= _KEPT:
            self._shown.clear()
        self._shown[page] = shown

    async def _show(self, page: PlainPage, text: str, catalog: Catalog) -> ShownPage:
        rows, following = _listed.decode(f"[{text}]"), None
        if len(rows) > page.limit:
            del rows[page.limit :]
            following = Cursor(page.sort, rows[-1].created_at, rows[-1].id)
        await self._catalogs.tag_names(catalog, [row.tag_ids for row in rows])
        body = msgspec.json.encode(_contacts(rows, catalog))
        return ShownPage(body, following, text, catalog)


def _contacts(rows: list[Listed], catalog: Catalog) -> list[Contact]:
    """The rows as contacts; the catalogue knows their tags."""
    workspace_id, shown = catalog.workspace_id, catalog.shown
    return [
        Contact(
            row.id,
            workspace_id,
            row.first_name,
            row.last_name,
            row.email,
            row.phone,
            row.timezone,
            shown.get(row.tag_ids) or catalog.show_tags(row.tag_ids),
            show_stored(row.fields, catalog) if row.fields else row.fields,
            row.created_at,
            row.updated_at,
        )
        for row in rows
    ]
