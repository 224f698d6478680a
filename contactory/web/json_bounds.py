"""Limits of JSON bodies, checked without much work even for malicious bodies."""

import re
from collections.abc import Generator, Iterable
from typing import Any, cast

from contactory.rules.checks import BodyPath

MOST_BRACKETS = 20_000
"""Objects and arrays in a body; a batch of a thousand full contacts has less than half as many."""

MOST_COMMAS = 500_000
"""Commas in a body, including those in texts: 8 MiB of tiny values take ten times as long as others."""
_TO_BRACKET = re.compile(rb'(?:[^"\[{]++|"(?:[^"\\]++|\\.)*+")*+[\[{]', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def brackets(body: bytes) -> int:
    """The number of objects and arrays in a body, or a lower bound above MOST_BRACKETS."""
    count = body.count(b"{") + body.count(b"[")
    if count <= MOST_BRACKETS:
        return count
    count, place = 0, 0  # Only brackets outside of strings.
    while count <= MOST_BRACKETS and (found := _TO_BRACKET.match(body, place)):
        count, place = count + 1, found.end()
    return count


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays are nested deeper than `levels`."""
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
    """Whether a string in the body has the escaped character U+0000; unescaped, it would not be JSON."""
    return b"\\u0000" in body and _NUL.search(body) is not None


def nul_paths(value: Any, path: BodyPath = ()) -> Generator[BodyPath]:
    """The places of the names and values with U+0000 in an object or an array."""
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
