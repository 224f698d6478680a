"""The definition of a type of custom field."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec

Scalar = str | int | Decimal | bool
Sql = tuple[str, list[Any]]
"""A condition in SQL with `{}` for each argument, and its arguments."""


class Operator(NamedTuple):
    """A comparison of a filter."""

    words: str
    """The words between the field's name and the value."""
    condition: Callable[[str, str], Sql]
    """The condition on an expression, which is a contact's value as text or null, and on a typed value.

    The expression has parentheses if it needs them, and is in the condition once, before all arguments.
    Raises Invalid if the value does not fit the type.
    """
    valueless: bool = False
    """Whether it does not take a value."""


class Order(NamedTuple):
    """The order of the values, without contacts that have no value."""

    key: Callable[[str], str]
    """The SQL expression to sort by, from the expression (in parentheses) of a contact's value."""
    sql_type: str
    """The SQL type of the expression."""
    read: Callable[[str], Any] = str
    """Converts the text of a cursor for the driver. Raises ValueError or ArithmeticError."""


class Editor(msgspec.Struct, frozen=True):
    """The input for a value, on a contact's page, in a cell of the grid and in a filter."""

    attributes: Mapping[str, str] = msgspec.field(default_factory=lambda: {"type": "text"})
    """The attributes of the HTML input."""
    choices: tuple[tuple[str, str], ...] = ()
    """For a value that is chosen and not typed: each value with its title."""
    widget: Literal["input", "lines", "tags"] = "input"
    """With `lines`, a value with line breaks has a textarea."""
    note: str = ""
    """The note below the input on a contact's page."""

    @property
    def json(self) -> str:
        """The description for scripts."""
        return msgspec.json.encode(self).decode()

    def shown(self, value: str) -> str:
        """A value in a readable form."""
        return dict(self.choices).get(value, value)


class Look(NamedTuple):
    """The style of the values in the dashboard."""

    editor: Editor
    width: int = 150
    """The width of a column of the grid, in CSS pixels."""
    classes: str = ""
    """The CSS classes of its cells: `digits` for equal widths, `at-end` for alignment at the end."""


class FieldType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of custom field."""

    name: str
    """The name in the API."""
    title: str
    """The title in the pages."""
    parse: Callable[[Scalar], str]
    """Converts a value to the stored text. A stored text is returned unchanged. Raises Invalid."""
    keeps_blank: bool = False
    """An empty string is a value, and does not clear the field."""
    schema: Mapping[str, Any]
    """JSON Schema of the accepted values."""
    operators: Mapping[str, Operator]
    """By the name in the URL of a filter, in the order of the menu."""
    order: Order
    look: Look
    plain: str
    """A regular expression of PostgreSQL for texts that certainly fit without a change.

    When a field gets this type, its short values that match need no further check.
    """
    longest: int = 1_000
    """When a field gets this type, longer texts are refused, so only this many characters are read."""


def _filled(place: str, value: str) -> Sql:
    return f"{place} is not null", []


def _empty(place: str, value: str) -> Sql:
    return f"{place} is null", []


KNOWN: Mapping[str, Operator] = {
    "filled": Operator("is filled in", _filled, valueless=True),
    "empty": Operator("is empty", _empty, valueless=True),
}
"""The comparisons of every type."""
