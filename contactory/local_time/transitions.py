"""What a zone's clock shows, and when it is next put forward or back."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_AHEAD = timedelta(days=731)
_STEP = timedelta(days=7)  # No clock is changed and changed back within a week.
_EXACT = timedelta(seconds=1)


class Transition(NamedTuple):
    """A change of a zone's offset: when, and what its clock shows from then on."""

    at: datetime
    offset: timedelta
    abbreviation: str


def offset_of(zone: ZoneInfo, at: datetime) -> timedelta:
    """How far the zone's clock is ahead of UTC at a moment."""
    return at.astimezone(zone).utcoffset() or timedelta()


def show_offset(offset: timedelta) -> str:
    """An offset as RFC 3339 writes it: `-08:00`. Seconds, which no clock has had since 1972, are dropped."""
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def abbreviation(zone: ZoneInfo, at: datetime) -> str:
    """What the zone's time is called at a moment: `PST`, or the offset where it has no name (`+03`)."""
    return at.astimezone(zone).tzname() or ""


def next_change(zone: ZoneInfo, after: datetime) -> Transition | None:
    """The first change of the zone's offset after a moment in UTC; None if there is none within two years."""
    offset = offset_of(zone, after)
    low = after
    while low < after + _AHEAD:
        high = low + _STEP
        if offset_of(zone, high) != offset:
            at = _bisect(zone, low, high, offset)
            return Transition(at, offset_of(zone, at), abbreviation(zone, at))
        low = high
    return None


def _bisect(zone: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """The first whole second at which the offset is no longer `offset`, as it is at `low`."""
    low = low.astimezone(UTC).replace(microsecond=0)
    while high - low > _EXACT:
        middle = low + (high - low) // 2
        if offset_of(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
