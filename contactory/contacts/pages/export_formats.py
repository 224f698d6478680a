"""Contacts as CSV and as JSON lines, a piece at a time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contactory.contacts.columns import Column, typed_column, value_of
from contactory.contacts.model import Contact
from contactory.values.field_types.text import TEXT
from contactory.web.messages import encode_json
from contactory.web.spreadsheet import BOM, csv_lines

Render = Callable[[Sequence[Contact]], bytes]
ID_COLUMN = typed_column("id", "Id", TEXT)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "; ".join(value) if isinstance(value, list) else value or ""  # pyright: ignore[reportUnknownArgumentType]


def as_csv(columns: Sequence[Column]) -> tuple[bytes, Render]:
    """The beginning of the file, and a function that renders contacts as further lines."""

    def render(contacts: Sequence[Contact]) -> bytes:
        return csv_lines([[_text(_value(each, c)) for c in columns] for each in contacts])

    return BOM + csv_lines([[column.title for column in columns]]), render


def _value(contact: Contact, column: Column) -> Any:
    return contact.id if column == ID_COLUMN else value_of(contact, column)


def as_json_lines(columns: Sequence[Column] | None) -> tuple[bytes, Render]:
    """Like as_csv: each line is a contact in the shape of the API, or only the keys of `columns`."""
    if columns is None:
        return b"", lambda contacts: b"".join(encode_json(each) + b"\n" for each in contacts)
    plain = {column.key for column in columns if not column.key.startswith("field-")}
    custom = [column.title for column in columns if column.key.startswith("field-")]

    def line(contact: Contact) -> bytes:
        whole: dict[str, Any] = msgspec.to_builtins(contact)
        shown = {name: value for name, value in whole.items() if name in plain}
        if custom:
            values = contact.custom_fields
            shown["customFields"] = {name: values[name] for name in custom if name in values}
        return encode_json(shown) + b"\n"

    return b"", lambda contacts: b"".join(map(line, contacts))
