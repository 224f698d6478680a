"""The offset and name of a zone's time, and its next change."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

_AHEAD = timedelta(days=731)
_STEP = timedelta(days=7)  # No clock changes and changes back within a week.
_EXACT = timedelta(seconds=1)


class Transition(NamedTuple):
    """A change of a zone's offset: the moment, and the new offset and name."""

    at: datetime
    offset: timedelta
    abbreviation: str


def offset_of(zone: ZoneInfo, at: datetime) -> timedelta:
    """The offset of the zone from UTC at a moment."""
    return at.astimezone(zone).utcoffset() or timedelta()


def show_offset(offset: timedelta) -> str:
    """An offset in the form of RFC 3339: `-08:00`. Seconds, which no clock has since 1972, are removed."""
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def abbreviation(zone: ZoneInfo, at: datetime) -> str:
    """The abbreviation of the zone's time at a moment: `PST`, or the offset if it has none (`+03`)."""
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
