"""The engine's twin: it walks minute by minute through the clock and asks the plain rule at each.

It shares nothing with the engine but the words of a window. It reads the files of the zones by itself, knows
no edges and no intervals, and is slow.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import tzdata

Hours = list[tuple[str, str, str]]
"""Weekday, from, to, as the API writes them."""
_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_NOTHING_SHOWN = datetime(1, 1, 1)  # noqa: DTZ001 - the face of a clock has no zone


@cache
def zone_file(name: str) -> ZoneInfo:
    with (Path(tzdata.__file__).parent / "zoneinfo" / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def changes(name: str) -> list[datetime]:
    """Days, from 2020 to 2035, in which the clock of a zone is put forward or back."""
    zone = zone_file(name)
    days = [datetime(2020, 1, 1, tzinfo=UTC) + n * _DAY for n in range(16 * 365 + 5)]
    offsets = [day.astimezone(zone).utcoffset() for day in days]
    return [day for day, before, after in zip(days, offsets, offsets[1:], strict=False) if before != after]


def plainly_open(shown: datetime, hours: Hours, holidays: set[date]) -> bool:
    """Whether a window is open when a clock on a wall, which knows nothing of zones, shows that."""
    today, yesterday = shown.date(), shown.date() - _DAY
    if today in holidays:
        return False
    name, name_before = _NAMES[today.weekday()], _NAMES[yesterday.weekday()]
    clock = f"{shown.hour:02}:{shown.minute:02}"
    for day, start, end in hours:
        past_midnight = end <= start
        if day == name and start <= clock and (clock < end or past_midnight):
            return True
        if past_midnight and day == name_before and clock < end and yesterday not in holidays:
            return True
    return False


def walk(
    zone: str, hours: Hours, holidays: set[date], start: datetime, minutes: int, run_up: int = 180
) -> list[bool]:
    """For each minute from `start` (a whole minute, UTC) on, whether the window is open in the zone.

    What the clock shows a second time changes nothing: until it shows something new, what held goes on. So
    the walk begins some minutes before.
    """
    clock = zone_file(zone)
    latest = _NOTHING_SHOWN
    open_now = False
    found: list[bool] = []
    for minute in range(-run_up, minutes):
        shown = (start + minute * _MINUTE).astimezone(clock).replace(tzinfo=None)
        if shown > latest:
            latest = shown
            open_now = plainly_open(shown, hours, holidays)
        if minute >= 0:
            found.append(open_now)
    return found
