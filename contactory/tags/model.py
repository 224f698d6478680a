"""A tag: its JSON shape, and the rule for its name."""

import re
from datetime import datetime

import msgspec

from contactory.rules.checks import Rule
from contactory.rules.invalid import invalid_cursor

# The name's UTF-8 in hexadecimal: safe in a URL.
_CURSOR = re.compile("(?:0[1-9a-f]|[1-9a-f][0-9a-f]){1,1020}")


class Tag(msgspec.Struct, rename="camel"):
    """A tag as the API shows it; `contact_count` counts active contacts."""

    name: str
    contact_count: int
    created_at: datetime


class NamedTag(msgspec.Struct, frozen=True):
    """A tag with its number, without the count, which can take long."""

    id: int
    name: str


class TagCursor(msgspec.Struct):
    """The position in the list of tags: after the tag with this name."""

    name: str

    def text(self) -> str:
        """The cursor as a text for the client."""
        return self.name.encode().hex()


def parse_tag_cursor(text: str) -> TagCursor:
    """The cursor in a text from a client. Raises Invalid."""
    if not _CURSOR.fullmatch(text):
        raise invalid_cursor()
    return TagCursor(bytes.fromhex(text).decode("utf-8", "replace"))


CURSOR = Rule(parse_tag_cursor, {"type": "string", "pattern": f"^{_CURSOR.pattern}$"})
