"""What an input of a page makes of the value that it shows, and so which inputs were not touched.

A browser sends every input of a form, and not always the value that it was given: HTML has one kind of line
break, and an empty input stands for an empty text and for no value alike. A value that comes back as it was
shown is therefore left out of what a form changes: it is not rewritten, and not judged by rules that may be
stricter than on the day on which it was stored.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any

from contactory.rules.checks import Rule


def as_shown(value: str | None) -> str:
    """A value as its input has it, and as it comes back from there: every kind of line break is `\\n`."""
    return (value or "").replace("\r\n", "\n").replace("\r", "\n")


def of_lines(value: str) -> bool:
    """Whether a value needs an input of several lines: one of a single line takes line breaks out."""
    return "\n" in value or "\r" in value


def touched(sent: Mapping[str, str], stored: Mapping[str, str | None]) -> dict[str, str]:
    """The inputs that hold something else than they showed, by name; `stored` has what was to be shown."""
    held = {name: as_shown(text) for name, text in sent.items()}
    return {name: text for name, text in held.items() if text != as_shown(stored.get(name))}


def confirms(typed: str, name: str) -> bool:
    """Whether a name was typed to confirm something, as far as an input of a single line can hold it."""
    return _one_line(typed) == _one_line(name)


def _one_line(text: str) -> str:
    return unicodedata.normalize("NFC", as_shown(text).replace("\n", "").strip())


_LONGEST = 300


def _as_text(value: Any) -> str:
    return str(value)[:_LONGEST]


TEXT = Rule(_as_text, {"type": "string"})
DONE = {"done": TEXT}
"""The query of a page that says what was done (visits.done_of)."""
