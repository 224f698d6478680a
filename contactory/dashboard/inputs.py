"""How an input changes the value that it shows, and so which inputs were not touched.

A browser sends every input of a form, and not always with the original value: HTML has one kind of line
break, and an empty input means both an empty text and no value. Therefore a value that comes back as it was
shown is not part of the change: it is not rewritten, and not checked by rules that may be stricter than on
the day on which it was stored.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from contactory.rules.checks import Rule


def as_shown(value: str | None) -> str:
    """A value in the form in which an input shows and returns it: every kind of line break is `\\n`."""
    return (value or "").replace("\r\n", "\n").replace("\r", "\n")


def of_lines(value: str) -> bool:
    """Whether a value needs an input with several lines: a single line removes line breaks."""
    return "\n" in value or "\r" in value


def touched(sent: Mapping[str, str], stored: Mapping[str, str | None]) -> dict[str, str]:
    """The inputs whose values differ from the shown ones, by name; `stored` has the shown values."""
    held = {name: as_shown(text) for name, text in sent.items()}
    return {name: text for name, text in held.items() if text != as_shown(stored.get(name))}


def confirms(typed: str, name: str) -> bool:
    """Whether the name was typed as a confirmation, as far as an input with a single line can contain it."""
    return _one_line(typed) == _one_line(name)


def _one_line(text: str) -> str:
    return unicodedata.normalize("NFC", as_shown(text).replace("\n", "").strip())


_LONGEST = 300


def _as_text(value: Any) -> str:
    return str(value)[:_LONGEST]


TEXT = Rule(_as_text, {"type": "string"})
DONE = {"done": TEXT}
"""The query of a page that says what was done (visits.done_of)."""
