"""Lists in pages by the id of the last row: their parameters, and the link to the next page."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from contactory.rules.checks import ID, Rule, integer
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.queries import parse_query

MOST = 1000
PAGE_QUERY: Mapping[str, Rule] = {"limit": integer(1, MOST, MOST), "cursor": ID}


class _Row(Protocol):
    @property
    def id(self) -> str: ...


def page_size(call: Call) -> int:
    """How many rows to read: one more than the answer shows, to know whether there are more."""
    return call.query.get("limit", MOST) + 1


def page_response(call: Call, rows: Sequence[_Row]) -> Response:
    """The requested rows as an array, with a Link (RFC 8288) if there are more."""
    limit = page_size(call) - 1
    shown: Sequence[Any] = rows[:limit]
    headers: list[tuple[str, str]] = []
    if len(rows) > limit:
        following = call.url(f"{call.request.path}?limit={limit}&cursor={shown[-1].id}")
        headers.append(("link", f'<{following}>; rel="next"'))
    return json_response(200, shown, headers)


LIMIT = integer(1, 1000, 20)


class ListCursor(Protocol):
    """The position in a list."""

    def text(self) -> str:
        """The cursor as a text for the client."""
        ...


def next_link(
    call: Call, cursor: ListCursor | None, instead: Mapping[str, str | None] = MappingProxyType({})
) -> list[tuple[str, str]]:
    """The Link header (RFC 8288) to the next page: the same request, with a cursor.

    `instead` has parameters with another value, or None to leave them out.
    """
    if cursor is None:
        return []
    given = [(name, value) for name, value in instead.items() if value is not None]
    again = _without_cursor(call.request.query_string, frozenset(instead))
    more = f"{urlencode(given)}&" if given else ""
    query = f"{again}{more}cursor={_quoted(cursor.text())}"
    return [("link", f'<{call.url(_quoted(call.request.path))}?{query}>; rel="next"')]


_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*")
_PLAIN_QUERY = re.compile(r"(?:[A-Za-z0-9_.~-]+=[A-Za-z0-9_.~:-]*(?:&|$))*")
"""Most queries: nothing in them is encoded, and at most colons would be."""
_OF_PAGE = frozenset({"cursor", "offset", "count"})
"""Parameters of one page only."""


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote(text)


def _without_cursor(query: str, besides: frozenset[str]) -> str:
    """A query without its cursor and offset, and without further parameters; ready for another parameter."""
    if not _PLAIN_QUERY.fullmatch(query):
        return _encoded_without_cursor(query, besides)
    out = [part for part in query.replace(":", "%3A").split("&") if part]
    same = [part for part in out if (name := part.partition("=")[0]) not in _OF_PAGE and name not in besides]
    return f"{'&'.join(same)}&" if same else ""


@lru_cache(maxsize=1024)
def _encoded_without_cursor(query: str, besides: frozenset[str]) -> str:
    same = [
        (name, value)
        for name, values in parse_query(query).items()
        for value in values
        if name not in _OF_PAGE and name not in besides
    ]
    return f"{urlencode(same)}&" if same else ""
