"""The one exception of rules that check a single value."""

from collections.abc import Callable
from typing import TypeAlias

Suggestion: TypeAlias = str | Callable[[], str | None] | None

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""In the text of a damaged address, in place of bytes that are not text."""


class Invalid(ValueError):
    """A value that a rule refuses: a code for programs, a sentence for people, and possibly a suggestion."""

    def __init__(self, code: str, detail: str, suggestion: Suggestion = None) -> None:
        """`suggestion` is a function if finding it takes time: a request has time only for some of them."""
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self._suggestion = suggestion

    @property
    def is_costly(self) -> bool:
        """Whether finding the suggestion takes time."""
        return callable(self._suggestion)

    @property
    def suggestion(self) -> str | None:
        """What was probably meant."""
        return self._suggestion() if callable(self._suggestion) else self._suggestion


def invalid_cursor() -> Invalid:
    """The error of every list for a cursor of another list."""
    return Invalid("invalid_cursor", "is not a cursor of this list: take it from the Link header, unchanged")
