"""Which contacts are meant: one tree of conditions, whatever asks for them, and its SQL.

The grid, the API's list and the plan read what they were sent into this tree (filter_url.py, filter_json.py),
and filter_words.py puts it into words. What can be asked of each field stands in filter_fields.py.

A comparison with a value that the contact does not have does not hold, so `Not` of it holds: `Not`, like
`lacks`, is true of contacts without a value. In SQL such a comparison is null, and so may be what `And` and
`Or` make of it; only `is not true` makes the opposite of what does not hold.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.available import Reachable
from contactory.contacts.read.filter_fields import operator_of

Arg: TypeAlias = Callable[[Any], str]
"""Takes a value and gives its place in the statement."""


class Compare(msgspec.Struct, frozen=True):
    """Something is asked of one field."""

    field: str
    """One of filter_fields.FIELDS, `available`, or `field-` and the number of a custom field."""
    operator: str
    value: Any = None
    """As the operator takes it: tags by their names, a phone as it is stored, a custom value as it was typed.
    None where it takes none."""


class And(msgspec.Struct, frozen=True):
    """All of them hold; it holds where there are none."""

    items: tuple["Filter", ...]


class Or(msgspec.Struct, frozen=True):
    """At least one of them holds; it does not where there are none."""

    items: tuple["Filter", ...]


class Not(msgspec.Struct, frozen=True):
    """It does not hold, also for want of a value."""

    item: "Filter"


Filter: TypeAlias = Compare | And | Or | Not
EVERYTHING = And(())
ACTIVE = Compare("deletedAt", "empty")


def available(reach: Reachable, *, now: bool) -> Compare:
    """Those who may be contacted; `now` is how the moment was given, and matters to words alone."""
    return Compare("available", "now" if now else "at", reach)


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


def tag_names(wanted: Filter) -> list[str]:
    """The tags that it names, which the catalogue must know before `condition` resolves them."""
    named = (leaf.value for leaf in comparisons(wanted) if leaf.field == "tags" and leaf.value is not None)
    return [name for names in named for name in names]


def condition(wanted: Filter, catalog: Catalog, arg: Arg) -> str:
    """SQL on a contact `c`, true of those for whom it holds.

    Its text goes by the shape of the tree alone, so that trees of one shape share a prepared statement.
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
    if isinstance(leaf.value, Reachable):
        return f"({' and '.join(leaf.value.conditions(arg))})"
    (place, key), operator = operator_of(leaf.field, leaf.operator, catalog)
    sql, values = operator.condition(place, leaf.value, catalog)
    return sql.format(*map(arg, (*key, *values)))


# What leads a list to its contacts.

_FIRST = datetime.min.replace(tzinfo=UTC)
_WIDE = {
    "createdAt": {"after", "before", "from", "until"},
    "updatedAt": {"before", "until"},
    "tags": {"lacks", "empty"},
    "deletedAt": {"empty"},
}
"""What most contacts are, as a rule."""


class Clauses(NamedTuple):
    """A filter as parts that must all hold, and those of them that a list has a way of its own for."""

    parts: list[Filter]
    """All but `reachable`."""
    reachable: Reachable | None
    updated_after: datetime | None
    """All are changed later than this, which is implied by the parts; likewise `updated_before`."""
    updated_before: datetime | None
    selective: bool
    """Whether an index of another kind than that of the order probably leads to the contacts."""


def clauses_of(wanted: Filter) -> Clauses:
    """The parts of a filter, which is about active contacts unless one of them asks about deletion."""
    parts = list(_parts(wanted))
    leaves = [part for part in parts if isinstance(part, Compare)]
    reach = next((leaf for leaf in leaves if isinstance(leaf.value, Reachable)), None)
    if not any(leaf.field == "deletedAt" for leaf in leaves):
        parts.insert(0, ACTIVE)
    rest = [part for part in parts if part is not reach]
    return Clauses(
        rest,
        reach and reach.value,
        max((after for leaf in leaves for after in _updated_after(leaf)), default=None),
        min((before for leaf in leaves for before in _updated_before(leaf)), default=None),
        not all(map(_is_wide, rest)),
    )


def _parts(wanted: Filter) -> Iterator[Filter]:
    if isinstance(wanted, And):
        for item in wanted.items:
            yield from _parts(item)
    else:
        yield wanted


def _updated_after(leaf: Compare) -> Iterator[datetime]:
    if leaf.field == "updatedAt" and leaf.operator == "after":
        yield leaf.value
    elif leaf.field == "updatedAt" and leaf.operator == "from" and leaf.value > _FIRST:
        yield leaf.value - timedelta(microseconds=1)


def _updated_before(leaf: Compare) -> Iterator[datetime]:
    if leaf.field == "updatedAt" and leaf.operator == "before":
        yield leaf.value


def _is_wide(part: Filter) -> bool:
    return isinstance(part, Compare) and part.operator in _WIDE.get(part.field, ())
