"""The clock of a place, for a page that keeps it running."""

from datetime import UTC, datetime

import msgspec

from contactory.local_time.transitions import Transition, next_change
from contactory.local_time.zones import zone_info


class WallClock(msgspec.Struct, frozen=True):
    """What the clock of a zone shows at a moment, and what a page needs to keep it running."""

    now: datetime
    """The moment in the time of the zone."""
    change: Transition | None
    """The next change of its offset from UTC."""

    @property
    def attributes(self) -> dict[str, float]:
        """The data attributes of its element: moments in seconds since 1970, offsets in seconds."""
        offset = self.now.utcoffset()
        found = {"data-at": self.now.timestamp(), "data-offset": offset.total_seconds() if offset else 0}
        if self.change:
            found["data-change"] = self.change.at.timestamp()
            found["data-then"] = self.change.offset.total_seconds()
        return {name: round(value, 3) for name, value in found.items()}


def wall_clock(zone: str | None, at: datetime | None = None) -> WallClock | None:
    """The clock of `zone` at a moment, or now; None if the zone is not known."""
    clock = zone_info(zone)
    if clock is None:
        return None
    at = at or datetime.now(UTC)
    return WallClock(at.astimezone(clock), next_change(clock, at))
