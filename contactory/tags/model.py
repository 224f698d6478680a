"""What a tag may be called."""

import unicodedata

import msgspec

from contactory.checks import Json, Rule
from contactory.invalid import Invalid


class Tag(msgspec.Struct, rename="camel"):
    """A tag as the API shows it; `contact_count` counts active contacts."""

    name: str
    contact_count: int
    created_at: str


def display_name(value: Json) -> str:
    """A name as it is stored and compared: NFC (Unicode Annex 15), trimmed, 1 to 255 characters."""
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string")
    name = (value if value.isascii() else unicodedata.normalize("NFC", value)).strip()
    if not 1 <= len(name) <= 255:
        raise Invalid("wrong_length", f"must have 1 to 255 characters, not {len(name)}")
    return name


NAME = Rule(display_name, {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"})
