"""The zones as they are now, computed again at the first change of a clock."""

import asyncio
from datetime import UTC, datetime

from contactory.timezones.model import ZoneListed, time_zones, valid_until
from contactory.timezones.search import Place, places_of


class _Known:
    """The zones of this process."""

    def __init__(self) -> None:
        self._until = datetime.min.replace(tzinfo=UTC)
        self._zones: list[ZoneListed] = []
        self._places: list[Place] = []

    async def refresh(self) -> None:
        now = datetime.now(UTC)
        if now >= self._until:
            zones = await asyncio.to_thread(time_zones, now)
            self._zones, self._places = zones, places_of(zones)
            self._until = valid_until(zones, now)

    async def zones(self) -> list[ZoneListed]:
        await self.refresh()
        return self._zones

    async def places(self) -> list[Place]:
        await self.refresh()
        return self._places


_known = _Known()


async def current_zones() -> list[ZoneListed]:
    """Every accepted name, in order."""
    return await _known.zones()


async def current_places() -> list[Place]:
    """Every place, to be searched."""
    return await _known.places()
