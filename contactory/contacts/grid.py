"""The grid of contacts: its columns, and what stands in each cell."""

from collections.abc import Sequence

import msgspec

from contactory.catalog import Catalog
from contactory.contacts.model import Contact


class Column(msgspec.Struct, frozen=True):
    """One column."""

    key: str
    """The contact's field as the API names it, or `field-` and the number of a custom field."""
    title: str
    kind: str
    """text, email, phone, zone, tags, number, date, boolean or moment: how it is shown and typed."""


BUILT_IN = (
    Column("firstName", "First name", "text"),
    Column("lastName", "Last name", "text"),
    Column("email", "E-mail", "email"),
    Column("phone", "Phone", "phone"),
    Column("tags", "Tags", "tags"),
    Column("timezone", "Time zone", "zone"),
)
MOMENTS = (Column("createdAt", "Created", "moment"), Column("updatedAt", "Updated", "moment"))
_ATTRIBUTES = dict(zip(Contact.__struct_encode_fields__, Contact.__struct_fields__, strict=True))


def columns_of(catalog: Catalog) -> list[Column]:
    """Every column that a workspace has, in its first order."""
    custom = [Column(f"field-{field.num}", field.name, field.type) for field in catalog.fields.values()]
    return [*BUILT_IN, *custom, *MOMENTS]


def cells(contact: Contact, columns: Sequence[Column]) -> list[tuple[Column, object]]:
    """The columns, each with the contact's value; None where there is none."""
    return [(column, value_of(contact, column)) for column in columns]


def value_of(contact: Contact, column: Column) -> object:
    """What a contact has in a column."""
    if column.key.startswith("field-"):
        return contact.custom_fields.get(column.title)
    return getattr(contact, _ATTRIBUTES[column.key])
