"""What makes up a type of custom field."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

Scalar = str | int | Decimal | bool
Sql = tuple[str, list[Any]]
"""A condition in SQL with `{}` for each argument, and the arguments."""


class Operator(NamedTuple):
    """A comparison that a filter may make."""

    words: str
    """How it is written between the field's name and the value."""
    condition: Callable[[str, str], Sql]
    """The condition on an expression, which gives a contact's value as text or null, and a value as typed.

    The expression comes in parentheses if it needs them, and stands in the condition once, before all
    arguments. Raises Invalid where the type takes no such value.
    """
    valueless: bool = False
    """It compares with nothing."""


class Order(NamedTuple):
    """The order of the values; the contacts without a value are not part of it."""

    key: Callable[[str], str]
    """The SQL expression to sort by, made of the one, in parentheses, that gives a contact's value."""
    sql_type: str
    """Its type."""
    read: Callable[[str], Any] = str
    """What a cursor has of a key, as the driver takes it. Raises ValueError or ArithmeticError."""


class Editor(msgspec.Struct, frozen=True):
    """How a value is typed, on a contact's page, in a cell of the grid and in a filter."""

    attributes: Mapping[str, str] = msgspec.field(default_factory=lambda: {"type": "text"})
    """Of the HTML input."""
    choices: tuple[tuple[str, str], ...] = ()
    """Where it is chosen and not typed: each value, and how it is shown."""
    widget: Literal["input", "lines", "tags"] = "input"
    """With `lines`, a value with line breaks has a textarea."""
    note: str = ""
    """Below the input of a contact's page."""

    @property
    def json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def shown(self, value: str) -> str:
        """A value as people read it."""
        return dict(self.choices).get(value, value)


class Look(NamedTuple):
    """How the values look in the dashboard."""

    editor: Editor
    width: int = 150
    """Of a column of the grid, in CSS pixels."""
    classes: str = ""
    """Of its cells: `digits` are all of one width, and `at-end` puts values at the end of the line."""


class FieldType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of custom field."""

    name: str
    """As the API has it."""
    title: str
    """As the pages have it."""
    parse: Callable[[Scalar], str]
    """The text that is kept for a value. Given that text, it gives it back. Raises Invalid."""
    keeps_blank: bool = False
    """An empty string is a value, and does not clear the field."""
    schema: Mapping[str, Any]
    """JSON Schema of what it takes."""
    operators: Mapping[str, Operator]
    """By the name that stands in the URL of a filter, in the order of the menu."""
    order: Order
    look: Look
    plain: str
    """A regular expression of PostgreSQL for texts that are sure to be kept as they are.

    When a field gets this type, its short values that match are not looked at any more closely.
    """
    longest: int = 1_000
    """When a field gets this type, longer texts are refused, so no more of them is read."""


def _filled(place: str, value: str) -> Sql:
    return f"{place} is not null", []


def _empty(place: str, value: str) -> Sql:
    return f"{place} is null", []


KNOWN: Mapping[str, Operator] = {
    "filled": Operator("is filled in", _filled, valueless=True),
    "empty": Operator("is empty", _empty, valueless=True),
}
"""What may be asked of values of every type."""
