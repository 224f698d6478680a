"""Cursors of contact lists: the position of a walk, as text that the client sends back unchanged.

A regular expression matches exactly the possible cursors, so that the API's description is exact: a letter
for the order, then the microseconds since 1970 and the id of the last contact. A walk by the last change also
has the moment and PostgreSQL's snapshot of its beginning.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from uuid import UUID

import msgspec

from contactory.rules.checks import Json, Rule
from contactory.rules.invalid import invalid_cursor

SORTS = ("createdAt", "-createdAt", "updatedAt", "-updatedAt")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = "[0-9a-f]{14}"  # To the year 4253.
_ID = "[0-9a-f]{32}"
_STEP = "-[1-9a-f][0-9a-f]{0,11}"
# xmin, the transactions that were running, and xmax, each as the difference from the previous one.
_SNAPSHOT = f"[1-9a-f][0-9a-f]{{0,11}}(?:-0|{_STEP})(?:{_STEP}){{0,1000}}"
PATTERN = f"^(?:[ab]{_MOMENT}{_ID}|[cd]{_MOMENT}{_ID}{_MOMENT}{_SNAPSHOT})$"
_cursor = re.compile(PATTERN.removesuffix("$"))


class Cursor(msgspec.Struct):
    """The position of a walk: after the contact `id`, whose place in the order is `at`."""

    sort: str
    at: datetime
    id: str
    snapshot: str | None = None
    """For sort updatedAt: PostgreSQL's snapshot at the beginning of the walk, and its time."""
    begun: datetime | None = None

    def text(self) -> str:
        """The cursor as a text for the client."""
        start = "abcd"[SORTS.index(self.sort)] + _hex(self.at) + self.id.replace("-", "")
        if self.snapshot is None or self.begun is None:
            return start
        low, high, running = self.snapshot.split(":")
        line = [int(low), *(int(xid) for xid in running.split(",") if xid), int(high)]
        steps = [line[0], *(after - before for before, after in pairwise(line))]
        return f"{start}{_hex(self.begun)}{'-'.join(f'{step:x}' for step in steps)}"


def parse_cursor(text: Json) -> Cursor:
    """The cursor in a text from a client. Raises Invalid."""
    if not _cursor.fullmatch(text):
        raise invalid_cursor()
    cursor = Cursor(SORTS["abcd".index(text[0])], _moment(text[1:15]), str(UUID(text[15:47])))
    if len(text) > 47:
        low, *line = accumulate(int(step, 16) for step in text[61:].split("-"))
        cursor.begun = _moment(text[47:61])
        cursor.snapshot = f"{low}:{line[-1]}:{','.join(map(str, line[:-1]))}"
    return cursor


def _hex(moment: datetime) -> str:
    return f"{(moment - _EPOCH) // timedelta(microseconds=1):014x}"


def _moment(text: str) -> datetime:
    return _EPOCH + timedelta(microseconds=int(text, 16))


CURSOR = Rule(parse_cursor, {"type": "string", "pattern": PATTERN})
