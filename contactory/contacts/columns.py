"""The grid of contacts: its columns, a user's arrangement of them, and the values of the cells."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import DO_NOT_CONTACT
from contactory.contacts.model import Contact
from contactory.local_time.windows import CHANNEL_TITLES
from contactory.values.field_types.field_type import Editor, FieldType, Look
from contactory.values.field_types.registry import type_of
from contactory.values.field_types.text import TEXT

NARROWEST, WIDEST = 64, 800
CUSTOM = "field-"
"""The beginning of the keys of custom fields' columns; the field's number follows."""


class Column(msgspec.Struct, frozen=True):
    """One column."""

    key: str
    """The name of the contact's field in the API, or `field-` and the number of a custom field."""
    title: str
    kind: str
    """email, phone, zone, tags, moment, or a type of custom field."""
    look: Look
    """How its values are displayed and edited."""
    type: FieldType | None = None
    """The type of its values; None if custom fields cannot have such values."""

    @property
    def custom(self) -> bool:
        """Whether the column belongs to a custom field."""
        return self.key.startswith(CUSTOM)

    @property
    def group(self) -> str:
        """Columns of one group have the same filters."""
        return f"type-{self.kind}" if self.type else self.kind

    @property
    def classes(self) -> str:
        """The CSS classes of its cells."""
        return f"is-{self.kind} {self.look.classes}".rstrip()

    @property
    def editable(self) -> bool:
        """Whether its cells can be edited."""
        return self not in MOMENTS

    @property
    def sortable(self) -> bool:
        """Whether the grid can be sorted by it."""
        return self.key != "tags"


class Placed(msgspec.Struct, frozen=True):
    """A column with its place in a user's arrangement."""

    column: Column
    width: int
    """In CSS pixels."""
    shown: bool = True
    pinned: bool = False
    """Stays visible while the others scroll; pinned columns come first."""


class Saved(msgspec.Struct, frozen=True):
    """A column of a stored layout."""

    key: str
    width: int | None = None
    shown: bool = True
    pinned: bool = False


def typed_column(key: str, title: str, field_type: FieldType) -> Column:
    """A column whose values are of a type that custom fields may have."""
    return Column(key, title, field_type.name, field_type.look, field_type)


# Not HTML's type "email", which changes characters that are not ASCII.
_EMAIL = Look(Editor({"type": "text", "inputmode": "email", "spellcheck": "false"}), 230)
_PHONE = Look(Editor({"type": "tel", "inputmode": "tel"}, note="With its country code."), 170, "digits")
_TAGS = Look(Editor(widget="tags", note="One on each line."), 220)
_ZONE = Look(Editor({"type": "text", "spellcheck": "false", "data-zone": ""}), 190)
_MOMENT = Look(Editor({"type": "date"}), 190, "digits muted")
BUILT_IN = (
    typed_column("firstName", "First name", TEXT),
    typed_column("lastName", "Last name", TEXT),
    Column("email", "E-mail", "email", _EMAIL),
    Column("phone", "Phone", "phone", _PHONE),
    Column("tags", "Tags", "tags", _TAGS),
    Column("timezone", "Time zone", "zone", _ZONE),
)
CONSENT_TITLES = {name: f"Consent: {title.lower()}" for name, title in CHANNEL_TITLES.items()}
CONSENT_TITLES[DO_NOT_CONTACT] = "Do not contact"
_HISTORY_TITLES = {
    **{column.key: column.title for column in BUILT_IN},
    **{f"consent.{name}": title for name, title in CONSENT_TITLES.items()},
    "timezoneSource": "Source of the time zone",
}
_ZONE_SOURCES = {"caller": "entered", "phone": "the phone", "workspace": "the workspace"}
MOMENTS = (
    Column("createdAt", "Created", "moment", _MOMENT),
    Column("updatedAt", "Updated", "moment", _MOMENT),
)
_ATTRIBUTES = dict(zip(Contact.__struct_encode_fields__, Contact.__struct_fields__, strict=True))


def title_of(field: str) -> str:
    """The title of a field that a history names."""
    return _HISTORY_TITLES.get(field) or field.removeprefix("customFields.")


def in_words(field: str, value: Any) -> Any:
    """A value of a history, in words where it has a name for programs."""
    return _ZONE_SOURCES.get(value, value) if field == "timezoneSource" else value


def columns_of(catalog: Catalog) -> list[Column]:
    """Every column of a workspace, in the default order."""
    fields = catalog.fields.values()
    custom = [typed_column(f"{CUSTOM}{field.num}", field.name, type_of(field.type)) for field in fields]
    return [*BUILT_IN, *custom, *MOMENTS]


def arranged(columns: Sequence[Column], saved: Sequence[Saved]) -> list[Placed]:
    """All columns in the order of a stored layout; new columns come last, and are shown."""
    known, wanted = {column.key: column for column in columns}, {s.key: s for s in saved}
    order = [s.key for s in saved if s.key in known] + [c.key for c in columns if c.key not in wanted]
    first = Saved(BUILT_IN[0].key, pinned=True)
    placed = [
        _placed(known[key], wanted.get(key, first if key == first.key else Saved(key))) for key in order
    ]
    return sorted(placed, key=lambda p: not p.pinned)


def _placed(column: Column, saved: Saved) -> Placed:
    width = saved.width or column.look.width
    return Placed(column, min(max(width, NARROWEST), WIDEST), saved.shown, saved.pinned)


def value_of(contact: Contact, column: Column) -> Any:
    """A contact's value in a column; None if it has none."""
    if column.custom:
        return contact.custom_fields.get(column.title)
    return getattr(contact, _ATTRIBUTES[column.key])
