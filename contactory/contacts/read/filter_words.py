"""Filters in words."""

from datetime import UTC, datetime
from typing import Any, cast

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CONSENT_TITLES, columns_of
from contactory.contacts.read.available import AvailableAt
from contactory.contacts.read.filter import And, Compare, Filter, Not, Or
from contactory.contacts.read.filter_fields import operator_of
from contactory.local_time.windows import CHANNEL_TITLES

_SHOWN = 3
_TITLES = {
    "id": "Contact",
    "deletedAt": "Deleted",
    "search": "Words",
    "clock": "Local time",
    "reach": "Can be reached",
    **{f"consent.{name}": title for name, title in CONSENT_TITLES.items()},
}


def question(leaf: Compare, catalog: Catalog) -> str:
    """A comparison in words, without the value. Raises Invalid if its field does not exist any more."""
    if isinstance(leaf.value, AvailableAt):
        return availability(leaf.value, now=leaf.operator == "now")
    _, operator = operator_of(leaf.field, leaf.operator, catalog)
    return f"{title_of(leaf.field, catalog)} {operator.words}"


def title_of(field: str, catalog: Catalog) -> str:
    """The title of a field."""
    title = next((c.title for c in columns_of(catalog) if c.key == field), None)
    return title or _TITLES[field]


def availability(asked: AvailableAt, *, now: bool) -> str:
    """The question whether a contact is available, in words, without the window."""
    moment = "now" if now else f"at {_shown(asked.at)}"
    return f"{CHANNEL_TITLES[asked.channel]}: available {moment}"


def words(wanted: Filter, catalog: Catalog) -> str:
    """The whole filter in words. Raises Invalid as `question` does."""
    match wanted:
        case Compare(_, _, AvailableAt() as asked):
            by = f" by {asked.window}" if asked.window else ""
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
    """One item in words, in brackets if its own items are joined by the other word."""
    text = words(item, catalog)
    return f"({text})" if isinstance(item, other) and len(item.items) > 1 else text


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
