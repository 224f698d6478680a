"""What a JSON body may not hold, found without work in proportion to the nonsense in it."""

import re
from collections.abc import Generator, Iterable
from typing import Any, cast

from contactory.rules.checks import BodyPath

MOST_BRACKETS = 20_000
"""Objects and arrays of one body; a batch of a thousand whole contacts has less than half of them."""

MOST_COMMAS = 500_000
"""Commas of one body, those in texts too: 8 MiB of tiny values take ten times as long as other ones."""
_TO_BRACKET = re.compile(rb'(?:[^"\[{]++|"(?:[^"\\]++|\\.)*+")*+[\[{]', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def brackets(body: bytes) -> int:
    """How many objects and arrays a body has, at least where these are more than MOST_BRACKETS."""
    count = body.count(b"{") + body.count(b"[")
    if count <= MOST_BRACKETS:
        return count
    count, place = 0, 0  # Those that stand in no string.
    while count <= MOST_BRACKETS and (found := _TO_BRACKET.match(body, place)):
        count, place = count + 1, found.end()
    return count


def is_deeper(value: Any, levels: int) -> bool:
    """Whether there is an object or an array within more than `levels` of them."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def has_nul(body: bytes) -> bool:
    """Whether a string in the body has the character U+0000; unescaped, it would be no JSON."""
    return b"\\u0000" in body and _NUL.search(body) is not None


def nul_paths(value: Any, path: BodyPath = ()) -> Generator[BodyPath]:
    """The places, within an object or an array, of the strings with U+0000: names and values."""
    items: Iterable[tuple[str | int, Any]] = enumerate(cast("list[Any]", value))
    if type(value) is dict:
        named = cast("dict[str, Any]", value)
        items = named.items()
        yield from ((*path, name) for name in named if "\0" in name)
    for key, inner in items:
        if type(inner) is str:
            if "\0" in inner:
                yield (*path, key)
        elif type(inner) is dict or type(inner) is list:
            yield from nul_paths(inner, (*path, key))
