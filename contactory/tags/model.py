"""A tag: its JSON shape, and what it may be called."""

import base64
import unicodedata
from datetime import datetime

import msgspec

from contactory.checks import Json, Rule, trimmed_pattern
from contactory.invalid import Invalid


class Tag(msgspec.Struct, rename="camel"):
    """A tag as the API shows it; `contact_count` counts active contacts."""

    name: str
    contact_count: int
    created_at: datetime


class TagCursor(msgspec.Struct):
    """Where reading the list of tags stands: after the tag of this name."""

    name: str

    def text(self) -> str:
        """The cursor as a client carries it."""
        return base64.urlsafe_b64encode(self.name.encode()).decode().rstrip("=")


def parse_tag_cursor(text: object) -> TagCursor:
    """A cursor that a client brings back. Raises Invalid."""
    try:
        raw = base64.b64decode(str(text) + "=" * (-len(str(text)) % 4), altchars=b"-_", validate=True)
        if raw and b"\0" not in raw:
            return TagCursor(raw.decode())
    except ValueError:
        pass
    raise Invalid(
        "invalid_cursor", "is no cursor that this API gave: take it from the Link header, unchanged"
    )


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def display_name(value: Json) -> str:
    """A name as it is stored and compared: NFC (Unicode Annex 15), trimmed, 1 to 255 characters."""
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string")
    name = _nfc(value).strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("wrong_length", f"must have 1 to 255 characters, not {len(name)}")
    return name


def prefix(value: Json) -> str:
    """The beginning of a name, compared as names are."""
    return _nfc(str(value)).lstrip()


NAME = Rule(display_name, {"type": "string", "pattern": trimmed_pattern(255, blank=False)})
