"""Filters in words, for people."""

from datetime import UTC, datetime
from typing import Any, cast

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CHANNEL_TITLES, CONSENT_TITLES, columns_of
from contactory.contacts.read.available import Reachable
from contactory.contacts.read.filter import And, Compare, Filter, Not, Or
from contactory.contacts.read.filter_fields import operator_of

_SHOWN = 3
_TITLES = {
    "id": "Contact",
    "deletedAt": "Deleted",
    "search": "Words",
    **{f"consent.{name}": title for name, title in CONSENT_TITLES.items()},
}


def question(leaf: Compare, catalog: Catalog) -> str:
    """What a comparison asks, without the value. Raises Invalid where its field is not there any more."""
    if isinstance(leaf.value, Reachable):
        reach = leaf.value
        moment = "now" if leaf.operator == "now" else f"at {_shown(reach.at)}"
        return f"{CHANNEL_TITLES[reach.channel]}: available {moment}"
    _, operator = operator_of(leaf.field, leaf.operator, catalog)
    title = next((c.title for c in columns_of(catalog) if c.key == leaf.field), None)
    return f"{title or _TITLES[leaf.field]} {operator.words}"


def words(wanted: Filter, catalog: Catalog) -> str:
    """The whole filter as a sentence without a full stop. Raises Invalid as `question` does."""
    match wanted:
        case Compare(_, _, Reachable() as reach):
            by = f" by {reach.window}" if reach.window else ""
            return question(wanted, catalog) + by
        case Compare(_, _, None) | Compare("search"):
            return question(wanted, catalog)
        case Compare():
            return f"{question(wanted, catalog)} {_shown(wanted.value)}"
        case Not(item):
            return f"not ({words(item, catalog)})"
        case And(()):
            return "all contacts"
        case Or(()):
            return "no contacts"
        case And(items):
            return " and ".join(_part(item, Or, catalog) for item in items)
        case Or(items):
            return " or ".join(_part(item, And, catalog) for item in items)


def _part(item: Filter, other: type[And | Or], catalog: Catalog) -> str:
    """A part, in brackets where it is joined by the other word."""
    said = words(item, catalog)
    return f"({said})" if isinstance(item, other) and len(item.items) > 1 else said


def _shown(value: Any) -> str:
    match value:
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        case bool():
            return "true" if value else "false"
        case tuple():
            several = cast(tuple[str, ...], value)
            more = len(several) - _SHOWN
            return ", ".join(several[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        case _:
            return str(value)
