"""The engine's twin: it walks minute by minute through the clock and asks the plain rule at each.

It shares nothing with the engine but the words of a window: it reads `zoneinfo` by itself, knows no edges and
no intervals, and is slow.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Hours = list[tuple[str, str, str]]
"""Weekday, from, to, as the API writes them."""
_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_MINUTE = timedelta(minutes=1)
_RUN_UP = timedelta(hours=30)


def plainly_open(shown: datetime, hours: Hours, holidays: set[date]) -> bool:
    """Whether a window is open when a clock on the wall, which knows nothing of zones, shows that."""
    today, clock = shown.date(), shown.strftime("%H:%M")
    yesterday = today - timedelta(days=1)
    if today in holidays:
        return False
    for day, start, end in hours:
        past_midnight = end <= start
        if _NAMES[today.weekday()] == day and start <= clock and (clock < end or past_midnight):
            return True
        begun = _NAMES[yesterday.weekday()] == day and yesterday not in holidays
        if past_midnight and begun and clock < end:
            return True
    return False


def walk(zone: ZoneInfo, hours: Hours, holidays: set[date], start: datetime, minutes: int) -> list[bool]:
    """For each minute from `start` (a whole minute, UTC) on, whether the window is open in the zone.

    What the clock shows a second time changes nothing: until it shows something new, what held goes on.
    """
    moment = start - _RUN_UP
    latest = datetime.min  # noqa: DTZ901 - the face of a clock has no zone
    open_now = False
    found: list[bool] = []
    for _ in range(minutes + int(_RUN_UP / _MINUTE)):
        shown = moment.astimezone(zone).replace(tzinfo=None)
        if shown > latest:
            latest = shown
            open_now = plainly_open(shown, hours, holidays)
        if moment >= start:
            found.append(open_now)
        moment += _MINUTE
    return found


def in_utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]
