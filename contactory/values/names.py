"""Names of tags, custom fields and send windows."""

import unicodedata

from contactory.rules.checks import SOMETHING, SPACE, Json, Rule, quote, trimmed_pattern
from contactory.rules.invalid import Invalid

_DOTS = (".", "..")


_LONGEST_SENT = 4 * 255  # Longer names are too long in NFC too, and normalising them takes a long time.


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def display_name(value: Json) -> str:
    """A name as it is stored and compared: NFC (Unicode Annex 15), trimmed, 1 to 255 characters."""
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string")
    name = value.strip()
    if len(name) <= _LONGEST_SENT:
        name = _nfc(name)
    if not 1 <= len(name) <= 255:
        raise Invalid("wrong_length", f"must have 1 to 255 characters, not {len(name)}")
    return name


def new_name(value: Json) -> str:
    """A name that a tag may have. Clients change the path /v1/tags/.. to /v1, also if it is encoded."""
    name = display_name(value)
    if name in _DOTS:
        raise Invalid("reserved_name", f"{quote(name)} cannot be a tag, because a URL cannot contain it")
    return name


def prefix(value: Json) -> str:
    """The beginning of a name, in the form that is compared."""
    return _nfc(str(value).lstrip()[:_LONGEST_SENT])


PREFIX = {"type": "string", "pattern": SOMETHING, "description": "The beginning of the names."}
"""JSON Schema of the values that `prefix` accepts."""


NAME = Rule(display_name, {"type": "string", "pattern": trimmed_pattern(255, blank=False)})


NEW_NAME = Rule(new_name, {**NAME.schema, "not": {"pattern": rf"^[{SPACE}]*\.\.?[{SPACE}]*$"}})
