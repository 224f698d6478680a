"""Contacts as CSV (RFC 4180) and as JSON lines, a piece at a time.

A cell that a spreadsheet could treat as a formula gets an apostrophe in front. A plain number does not, so
that a phone such as +14155551234 and an amount such as -12.5 do not change: they contain nothing to compute.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contactory.contacts.columns import Column, typed_column, value_of
from contactory.contacts.model import Contact
from contactory.values.field_types.text import TEXT
from contactory.web.messages import encode_json

Render = Callable[[Sequence[Contact]], bytes]
ID_COLUMN = typed_column("id", "Id", TEXT)
BOM = b"\xef\xbb\xbf"
"""The mark by which Excel recognises UTF-8."""
# With a Japanese system language, Excel treats the full-width signs like the others.
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def guarded(text: str) -> str:
    """The text of a cell, with an apostrophe in front of a possible formula."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "; ".join(value) if isinstance(value, list) else value or ""  # pyright: ignore[reportUnknownArgumentType]


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    # All in quotation marks: if semicolons separate cells, one within a cell must not start another cell.
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def as_csv(columns: Sequence[Column]) -> tuple[bytes, Render]:
    """The beginning of the file, and a function that renders contacts as further lines."""

    def render(contacts: Sequence[Contact]) -> bytes:
        return _lines([[guarded(_text(_value(each, c))) for c in columns] for each in contacts])

    return BOM + _lines([[guarded(column.title) for column in columns]]), render


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
