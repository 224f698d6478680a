"""A twin of the filter: which contacts a tree lets through, by what the API shows of them.

It knows no SQL and no three-valued logic: a comparison holds or it does not.
"""

import unicodedata
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from contactory.contacts.read.filter import And, Compare, Filter, Not, Or

NAMES = {"firstName", "lastName"}
MOMENTS = {"createdAt", "updatedAt", "deletedAt"}
PLACES = {"Japan": "Asia/Tokyo"}
"""Zones of the tests that are other names of one place."""
ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "is": lambda has, value: has == value,
    "exactly": lambda has, value: has == value,
    "least": lambda has, value: has >= value,
    "most": lambda has, value: has <= value,
    "from": lambda has, value: has >= value,
    "after": lambda has, value: has > value,
    "before": lambda has, value: has < value,
    "until": lambda has, value: has <= value,
}


class Twin:
    """One workspace: its custom fields by number, each with a name and a type, and who may be called when."""

    def __init__(self, fields: dict[str, tuple[str, str]], allowed: dict[datetime, set[str]]) -> None:
        self.fields = fields
        self.allowed = allowed

    def holds(self, wanted: Filter, contact: dict[str, Any]) -> bool:
        match wanted:
            case And(items):
                return all(self.holds(item, contact) for item in items)
            case Or(items):
                return any(self.holds(item, contact) for item in items)
            case Not(item):
                return not self.holds(item, contact)
            case Compare("tags", operator, names):
                return carries(contact["tags"], operator, names)
            case Compare("id", _, ids):
                return contact["id"] in ids
            case Compare("available", _, reach):
                return contact["id"] in self.allowed[reach.at]
            case Compare("search", _, typed):
                return contact["deletedAt"] is None and searched(contact, typed)
            case Compare():
                return self.compares(wanted, contact)

    def compares(self, leaf: Compare, contact: dict[str, Any]) -> bool:
        has, kind = self.value_of(leaf.field, contact)
        if leaf.operator in ("filled", "empty"):
            return (has is not None) == (leaf.operator == "filled")
        if has is None:
            return False
        value = leaf.value
        if leaf.operator == "contains":
            return contains(kind, has, value)
        if leaf.operator != "exactly":
            has, value = comparable(kind, has), comparable(kind, value)
        return ORDER[leaf.operator](has, value)

    def value_of(self, field: str, contact: dict[str, Any]) -> tuple[Any, str]:
        """What a contact has in a field, None for nothing, and of what kind that is."""
        if field.startswith("field-"):
            name, kind = self.fields[field.removeprefix("field-")]
            return contact["customFields"].get(name), kind
        if field.startswith("consent."):
            consent = contact["consent"][field.removeprefix("consent.")]
            return (consent if isinstance(consent, bool) else consent["status"]), "consent"
        kind = "text" if field in NAMES | {"email"} else "moment" if field in MOMENTS else field
        return contact[field], kind


def comparable(kind: str, value: Any) -> Any:
    """A value as it is compared."""
    if kind == "text":
        return value.lower()
    if kind == "number":
        return Decimal(value)
    if kind == "timezone":
        return PLACES.get(value, value)
    return datetime.fromisoformat(value) if kind == "moment" and isinstance(value, str) else value


def contains(kind: str, has: str, value: str) -> bool:
    return value in has if kind == "phone" else bare(value) in bare(has)


def bare(text: str) -> str:
    """Letters without their case and accents."""
    marks = "".join(c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", marks).lower().replace("ł", "l").replace("ø", "o").replace("đ", "d")


def carries(tags: list[str], operator: str, names: tuple[str, ...] | None) -> bool:
    if names is None:
        return bool(tags) == (operator == "filled")
    return any(name in tags for name in names) == (operator == "has")


def searched(contact: dict[str, Any], typed: str) -> bool:
    """Whether a word of the names begins so."""
    words = f"{contact['firstName'] or ''} {contact['lastName'] or ''}".lower().split()
    bare = (
        "".join(c for c in unicodedata.normalize("NFKD", w) if not unicodedata.combining(c)) for w in words
    )
    return any(word.startswith(typed) for word in bare)
