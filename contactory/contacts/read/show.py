"""Contacts as the API shows them, from their rows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog, Catalogs
from contactory.contacts.consent import show_consent
from contactory.contacts.model import Contact, show_fields
from contactory.database.db import Connection, Row
from contactory.rules.checks import Object


async def show(
    catalogs: Catalogs, catalog: Catalog, row: Row, contact_id: str, conn: Connection | None = None
) -> Contact:
    """The contact of a row; `conn` is the transaction that may have created its tags."""
    await catalogs.tag_names(catalog, (row["tag_ids"],), conn)
    return contact_of(row, contact_id, catalog)


async def show_all(catalogs: Catalogs, catalog: Catalog, rows: Sequence[Row]) -> list[Contact]:
    """The contacts of rows that have their ids."""
    await catalogs.tag_names(catalog, [row["tag_ids"] for row in rows])
    return [contact_of(row, row["id"], catalog) for row in rows]


def contact_of(row: Row, contact_id: str, catalog: Catalog) -> Contact:
    """The contact of a row, all of whose tags the catalogue knows (see Catalogs.tag_names)."""
    return Contact(
        contact_id,
        catalog.workspace_id,
        row["first_name"],
        row["last_name"],
        row["email"],
        row["phone"],
        row["timezone"],
        catalog.show_tags(row["tag_ids"]),
        show_fields(row["fields"], catalog),
        row["created_at"],
        row["updated_at"],
    )


def with_extras(contact: Any, row: Row, include: set[str]) -> Any:
    """The contact with the requested keys in addition to its eleven keys."""
    if not include:
        return contact
    extras: Object = {}
    if "deleted" in include:
        extras["deletedAt"] = row["deleted_at"]
    if "timezones" in include:
        extras["timezones"] = row["timezones"] or ([row["timezone"]] if row["timezone"] else [])
        extras["timezoneSource"] = row["timezone_source"]
    if "consent" in include:
        extras["consent"] = show_consent(row["consent"])
    if "version" in include:
        extras["version"] = row["version"]
    return {**msgspec.to_builtins(contact), **extras}
