"""The grid of contacts: its columns, how a person has arranged them, and what stands in each cell."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.model import Contact

NARROWEST, WIDEST = 64, 800
_WIDTHS = {
    "email": 230,
    "phone": 170,
    "tags": 220,
    "zone": 190,
    "number": 110,
    "date": 130,
    "boolean": 110,
    "moment": 190,
}


class Column(msgspec.Struct, frozen=True):
    """One column."""

    key: str
    """The contact's field as the API names it, or `field-` and the number of a custom field."""
    title: str
    kind: str
    """text, email, phone, zone, tags, number, date, boolean or moment: how it is shown and typed."""

    @property
    def editable(self) -> bool:
        """Whether its cells can be changed."""
        return self.kind != "moment"

    @property
    def sortable(self) -> bool:
        """Whether the grid can be sorted by it."""
        return self.kind != "tags"


class Placed(msgspec.Struct, frozen=True):
    """A column where a person has put it."""

    column: Column
    width: int
    """In CSS pixels."""
    shown: bool = True
    pinned: bool = False
    """Stays in sight as the others scroll by; pinned ones come first."""


class Saved(msgspec.Struct, frozen=True):
    """A column of a stored layout."""

    key: str
    width: int | None = None
    shown: bool = True
    pinned: bool = False


BUILT_IN = (
    Column("firstName", "First name", "text"),
    Column("lastName", "Last name", "text"),
    Column("email", "E-mail", "email"),
    Column("phone", "Phone", "phone"),
    Column("tags", "Tags", "tags"),
    Column("timezone", "Time zone", "zone"),
)
HISTORY_TITLES = {column.key: column.title for column in BUILT_IN} | {"timezoneSource": "Time zone given by"}
"""What the built-in fields of a history are called."""
MOMENTS = (Column("createdAt", "Created", "moment"), Column("updatedAt", "Updated", "moment"))
_ATTRIBUTES = dict(zip(Contact.__struct_encode_fields__, Contact.__struct_fields__, strict=True))


def columns_of(catalog: Catalog) -> list[Column]:
    """Every column that a workspace has, in its first order."""
    custom = [Column(f"field-{field.num}", field.name, field.type) for field in catalog.fields.values()]
    return [*BUILT_IN, *custom, *MOMENTS]


def arranged(columns: Sequence[Column], saved: Sequence[Saved]) -> list[Placed]:
    """All columns as a stored layout has them; those that it does not know yet come last, and are shown."""
    known, wanted = {column.key: column for column in columns}, {s.key: s for s in saved}
    order = [s.key for s in saved if s.key in known] + [c.key for c in columns if c.key not in wanted]
    first = Saved(BUILT_IN[0].key, pinned=True)
    placed = [
        _placed(known[key], wanted.get(key, first if key == first.key else Saved(key))) for key in order
    ]
    return sorted(placed, key=lambda p: not p.pinned)


def _placed(column: Column, saved: Saved) -> Placed:
    width = saved.width or _WIDTHS.get(column.kind, 150)
    return Placed(column, min(max(width, NARROWEST), WIDEST), saved.shown, saved.pinned)


def value_of(contact: Contact, column: Column) -> Any:
    """What a contact has in a column; None where it has nothing."""
    if column.key.startswith("field-"):
        return contact.custom_fields.get(column.title)
    return getattr(contact, _ATTRIBUTES[column.key])
