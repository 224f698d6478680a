"""Filters of contacts: one tree of conditions for the API, the grid and the plan, and its SQL.

filter_url.py and filter_json.py read requests into this tree, filter_words.py puts it into words, and
filter_fields.py knows the fields and their comparisons.

A comparison is false if the contact has no value in that field, so its negation is true: `Not`, like `lacks`,
is true of contacts without a value. In SQL such a comparison is null, and so may `and` and `or` of it be.
So a negation is `is not true`, never `not`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.available import AvailableAt
from contactory.contacts.read.filter_fields import operator_of

Arg: TypeAlias = Callable[[Any], str]
"""Takes a value and returns its placeholder in the statement."""


class Compare(msgspec.Struct, frozen=True):
    """A comparison of one field with a value."""

    field: str
    """One of filter_fields.FIELDS, `available`, or `field-` and the number of a custom field."""
    operator: str
    value: Any = None
    """As the operator takes it: tags by their names, a phone in its stored form, a custom value as text. None
    for an operator without a value."""


class And(msgspec.Struct, frozen=True):
    """True if all items are true, also if it has no items."""

    items: tuple["Filter", ...]


class Or(msgspec.Struct, frozen=True):
    """True if at least one item is true; false if it has no items."""

    items: tuple["Filter", ...]


class Not(msgspec.Struct, frozen=True):
    """True if the item is not true, also if the contact lacks the value."""

    item: "Filter"


Filter: TypeAlias = Compare | And | Or | Not
EVERYTHING = And(())


def available(asked: AvailableAt, *, now: bool) -> Compare:
    """The contacts that may be contacted at a moment; `now`: the words say so in place of the moment."""
    return Compare("available", "now" if now else "at", asked)


def comparisons(wanted: Filter) -> Iterator[Compare]:
    """Every comparison of a tree."""
    match wanted:
        case Compare():
            yield wanted
        case Not(item):
            yield from comparisons(item)
        case And(items) | Or(items):
            for item in items:
                yield from comparisons(item)


def shape_of(wanted: Filter) -> str:
    """The fields of a tree with their comparisons, without the values: similar lists take about as long."""
    return " ".join(f"{leaf.field}:{leaf.operator}" for leaf in comparisons(wanted))


def tag_names(wanted: Filter) -> list[str]:
    """The tags that a tree names. The catalogue must know them before `condition` looks up their ids."""
    named = (leaf.value for leaf in comparisons(wanted) if leaf.field == "tags" and leaf.value is not None)
    return [name for names in named for name in names]


def condition(wanted: Filter, catalog: Catalog, arg: Arg) -> str:
    """SQL that is true of the contacts `c` that match, and false or null of the others.

    Its text depends on the shape of the tree alone, so trees of one shape share a prepared statement. Raises
    Invalid for a custom field that does not exist.
    """
    match wanted:
        case Compare():
            return _compared(wanted, catalog, arg)
        case Not(item):
            return f"({condition(item, catalog, arg)}) is not true"
        case And(()):
            return "true"
        case Or(()):
            return "false"
        case And(items):
            return f"({' and '.join(condition(item, catalog, arg) for item in items)})"
        case Or(items):
            return f"({' or '.join(condition(item, catalog, arg) for item in items)})"


def _compared(leaf: Compare, catalog: Catalog, arg: Arg) -> str:
    if isinstance(leaf.value, AvailableAt):
        return f"({' and '.join(leaf.value.conditions(arg))})"
    (place, key), operator = operator_of(leaf.field, leaf.operator, catalog)
    sql, values = operator.condition(place, leaf.value, catalog)
    return sql.format(*map(arg, (*key, *values)))


# What a list can use an index for.

_FIRST = datetime.min.replace(tzinfo=UTC)
_WIDE = {
    "createdAt": {"after", "before", "from", "until"},
    "updatedAt": {"before", "until"},
    "tags": {"lacks", "empty"},
    "deletedAt": {"empty"},
}
"""Comparisons that are true of most contacts, as a rule."""


class Clauses:
    """A filter as parts that must all be true, and what a list can use an index for.

    It is about active contacts, unless one of the parts is a comparison of the deletion; below `Or` and `Not`
    such a comparison does not count.
    """

    def __init__(self, wanted: Filter) -> None:
        self.parts: list[Filter] = []
        """All except `available_at`."""
        self.active = True
        """Whether no part is a comparison of the deletion."""
        self.available_at: AvailableAt | None = None
        self.updated_after: datetime | None = None
        """The parts let through only contacts that changed after this; `updated_before` likewise."""
        self.updated_before: datetime | None = None
        self.selective = False
        """Whether another index than that of the order probably finds the contacts."""
        self._take(wanted)

    def _take(self, part: Filter) -> None:
        if isinstance(part, And):
            for item in part.items:
                self._take(item)
        elif isinstance(part, Compare):
            self._take_comparison(part)
        else:
            self.parts.append(part)
            self.selective = True

    def _take_comparison(self, leaf: Compare) -> None:
        if self.available_at is None and isinstance(leaf.value, AvailableAt):
            self.available_at = leaf.value
            return
        self.parts.append(leaf)
        self.selective = self.selective or leaf.operator not in _WIDE.get(leaf.field, ())
        if leaf.field == "deletedAt":
            self.active = False
        elif leaf.field == "updatedAt":
            self._bound(leaf.operator, leaf.value)

    def _bound(self, operator: str, moment: datetime) -> None:
        if operator == "from" and moment > _FIRST:
            operator, moment = "after", moment - timedelta(microseconds=1)
        if operator == "after" and (self.updated_after is None or moment > self.updated_after):
            self.updated_after = moment
        elif operator == "before" and (self.updated_before is None or moment < self.updated_before):
            self.updated_before = moment
