"""A tag: its JSON shape, and what it may be called."""

import re
from datetime import datetime

import msgspec

from contactory.rules.checks import Rule
from contactory.rules.invalid import invalid_cursor

# The name's UTF-8 in hexadecimal: in a URL no character of it can be taken for another.
_CURSOR = re.compile("(?:0[1-9a-f]|[1-9a-f][0-9a-f]){1,1020}")


class Tag(msgspec.Struct, rename="camel"):
    """A tag as the API shows it; `contact_count` counts active contacts."""

    name: str
    contact_count: int
    created_at: datetime


class NamedTag(msgspec.Struct, frozen=True):
    """A tag with its number, and without the count, which can take long."""

    id: int
    name: str


class TagCursor(msgspec.Struct):
    """Where reading the list of tags stands: after the tag of this name."""

    name: str

    def text(self) -> str:
        """The cursor as a client carries it."""
        return self.name.encode().hex()


def parse_tag_cursor(text: str) -> TagCursor:
    """A cursor that a client brings back. Raises Invalid."""
    if not _CURSOR.fullmatch(text):
        raise invalid_cursor()
    return TagCursor(bytes.fromhex(text).decode("utf-8", "replace"))


CURSOR = Rule(parse_tag_cursor, {"type": "string", "pattern": f"^{_CURSOR.pattern}$"})
