"""Lists that are read in pages by the id of the last row: what they take, and the link to what follows."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from contactory.rules.checks import ID, Rule, integer
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

MOST = 1000
PAGE_QUERY: Mapping[str, Rule] = {"limit": integer(1, MOST, MOST), "cursor": ID}


class _Row(Protocol):
    @property
    def id(self) -> str: ...


def page_size(call: Call) -> int:
    """How many rows to read: one more than the answer shows, which tells whether more follow."""
    return call.query.get("limit", MOST) + 1


def page_response(call: Call, rows: Sequence[_Row]) -> Response:
    """The rows that were asked for as a bare array, with a Link (RFC 8288) where there are more."""
    limit = page_size(call) - 1
    shown: Sequence[Any] = rows[:limit]
    headers: list[tuple[str, str]] = []
    if len(rows) > limit:
        following = call.url(f"{call.request.path}?limit={limit}&cursor={shown[-1].id}")
        headers.append(("link", f'<{following}>; rel="next"'))
    return json_response(200, shown, headers)
