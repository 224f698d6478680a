"""The operation on time zones."""

import asyncio
from datetime import UTC, datetime

from contactory.timezones.model import SEARCH, ZoneListed, matching, time_zones, valid_until
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

LIST_QUERY = {"q": SEARCH}


class _Known:
    """The current zones, computed again at the first change of a clock."""

    def __init__(self) -> None:
        self._zones: list[ZoneListed] = []
        self._until = datetime.min.replace(tzinfo=UTC)

    async def zones(self) -> list[ZoneListed]:
        now = datetime.now(UTC)
        if now >= self._until:
            zones = await asyncio.to_thread(time_zones, now)
            self._zones, self._until = zones, valid_until(zones, now)
        return self._zones


_known = _Known()


async def list_timezones(call: Call) -> Response:
    """Every accepted name of a time zone, with its current offset and its next change."""
    zones = await _known.zones()
    text: str = call.query.get("q", "")
    return json_response(200, matching(zones, text) if text else zones)
