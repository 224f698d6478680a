"""What cannot be read in the address of the grid: shown at its place with a sentence, and without effect."""

from collections.abc import Iterable

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.filter_url import comparisons_in, parts_of
from contactory.dashboard.html import sentence_of
from contactory.rules.checks import Errors
from contactory.rules.errors import FieldError
from contactory.rules.invalid import Invalid

_HARMLESS = ("sort", "cursor")
"""Parameters that do not change which contacts are meant."""
_WORDS = {"sort": "Order", "cursor": "Page", "q": "Search"}


class Unread(msgspec.Struct, frozen=True):
    """A part of the address that cannot be read."""

    name: str
    """The parameter."""
    words: str
    """What it is about."""
    error: str
    """A sentence: what is wrong, and what to do."""
    text: str = ""
    """The condition as the address has it."""
    value: str = ""
    column: str = ""
    """The column and the comparison, if another value could be entered."""
    operator: str = ""


class UnreadParts:
    """Collects what cannot be read in an address."""

    def __init__(self) -> None:
        self.found: list[Unread] = []
        self._errors = Errors()

    def add(self, name: str, error: Invalid, value: str) -> None:
        """Adds a parameter."""
        self.found.append(Unread(name, _WORDS.get(name, "Filter"), self._sentence(error, name), value=value))

    def add_available(self, errors: Iterable[FieldError], value: str) -> None:
        """Adds the filter for availability now if it has errors."""
        if sentences := [sentence_of(error) for error in errors]:
            self.found.append(Unread("availableNow", "Available now", ". ".join(sentences), value=value))

    def add_condition(self, text: str, error: Invalid, catalog: Catalog) -> None:
        """Adds a condition that parse_condition refuses."""
        key, name, value = parts_of(text, catalog)
        try:
            title, operators = comparisons_in(key, catalog)
        except Invalid:
            self.found.append(Unread("where", "Filter", self._sentence(error, "filter"), text, value))
            return
        sentence = self._sentence(error, title)
        if name in operators:
            words = f"{title} {operators[name].words}"
            self.found.append(Unread("where", words, sentence, text, value, key, name))
        else:
            self.found.append(Unread("where", title, sentence, text, value))

    def _sentence(self, error: Invalid, label: str) -> str:
        self._errors.add(error, label)
        return sentence_of(self._errors.found.pop())


def unread_parameters(errors: Iterable[FieldError]) -> list[Unread]:
    """The parameters of a page's address that are left out (Visit.unread)."""
    return [
        Unread(name, _WORDS.get(name, "Filter"), sentence_of(error))
        for error in errors
        if (name := error.parameter or "")
    ]


def widens(unread: Iterable[Unread]) -> bool:
    """Whether the list may have more contacts than the user wants."""
    return any(each.name not in _HARMLESS for each in unread)
