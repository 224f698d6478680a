"""When a schedule is open on the clocks of time zones: the only place where this is computed.

A schedule has opening times on a wall clock. A time on the wall clock means the first moment at which the
zone's clock shows that time or a later one. So

- a time that the clock skips (a gap, or a whole date) means the moment at which the gap ends;
- a time that the clock shows twice (an overlap) means the first of the two;
- openings never run backwards, whatever the clock does.

Moments are whole seconds since 1970 in UTC, dates are ordinals (`date.toordinal`). An opening lasts from its
first second to the second before its end.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contactory.local_time.clocks import clock, clocks

DAY = 24 * 60
"""Minutes of a day on the wall clock."""
HORIZON = 14 * 86_400
"""How far ahead the next opening, or the end of one, is searched, in seconds."""
_EPOCH = date(1970, 1, 1).toordinal()
_MINUTES = [time(minute // 60, minute % 60) for minute in range(DAY)]


class Range(NamedTuple):
    """Open from `start` to `end`, in minutes after midnight, on a weekday (0 is Monday).

    If `end` is more than 24 hours, the range continues after midnight; it belongs to the day on which it
    starts.
    """

    weekday: int
    start: int
    end: int


class Opening(NamedTuple):
    """A period in which a schedule is open; `end` is None if it does not end within the horizon."""

    start: int
    end: int | None


class Schedule:
    """Opening hours on the wall clock. Use `schedule_of` to get one: each object caches its results."""

    def __init__(self, ranges: Sequence[Range], holidays: frozenset[int]) -> None:
        self._ranges = ranges
        self.holidays = holidays
        self._own: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        self._late: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for weekday, start, end in ranges:
            self._own[weekday].append((start, min(end, DAY)))
            if end > DAY:
                self._late[(weekday + 1) % 7].append((0, end - DAY))

    @cached_property
    def every_day(self) -> "Schedule":
        """The same hours without holidays."""
        return schedule_of(tuple(self._ranges), frozenset[int]()) if self.holidays else self

    def pieces(self, day: int) -> list[tuple[int, int]]:
        """The opening times on a date, in minutes after its midnight.

        None on a holiday; a range that starts on a holiday is also closed after midnight.
        """
        if day in self.holidays:
            return []
        weekday = (day - 1) % 7
        late = [] if day - 1 in self.holidays else self._late[weekday]
        return sorted(late + self._own[weekday])


@lru_cache(maxsize=4096)
def schedule_of(ranges: tuple[Range, ...], holidays: frozenset[int]) -> Schedule:
    """The schedule of these hours: the same object for the same hours."""
    return Schedule(ranges, holidays)


def first_moment(zone: ZoneInfo, day: int, minute: int) -> int:
    """The first moment at which a clock shows that time of that date, or a later one."""
    if minute == DAY:
        day, minute = day + 1, 0
    shown = datetime.combine(date.fromordinal(day), _MINUTES[minute], zone)
    before, after = _offset(shown), _offset(shown.replace(fold=1))
    seconds = (day - _EPOCH) * 86_400 + minute * 60
    if before >= after:
        return seconds - before
    # The clock skips this time (PEP 495): the change is between these two moments.
    return _jump(zone, seconds - after, seconds - before)


def _offset(shown: datetime) -> int:
    offset = shown.utcoffset()
    assert offset is not None  # noqa: S101 - a clock always has one
    return offset.days * 86_400 + offset.seconds


def _jump(zone: ZoneInfo, low: int, high: int) -> int:
    """The moment after `low`, and not after `high`, at which the clock's offset changes."""
    old = _offset(datetime.fromtimestamp(low, zone))
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, zone)) == old:
            low = middle
        else:
            high = middle
    return high


def local_time(zone: str, moment: float) -> datetime:
    """The time that the clock of `zone` shows."""
    return datetime.fromtimestamp(moment, clock(zone))


def _day_openings(schedule: Schedule, zone: str, day: int) -> list[tuple[int, int]]:
    return _openings_of(schedule, clock(zone), day)


@lru_cache(maxsize=65_536)
def _openings_of(schedule: Schedule, zone: ZoneInfo, day: int) -> list[tuple[int, int]]:
    found = [
        (first_moment(zone, day, start), first_moment(zone, day, end)) for start, end in schedule.pieces(day)
    ]
    return [(start, end) for start, end in found if start < end]


def opening(schedule: Schedule, zone: str, moment: int, last: int) -> Opening | None:
    """The opening that contains `moment`, otherwise the next one that starts by `last`, otherwise None."""
    start, end = None, 0
    for begins, ends in _openings_from(schedule, zone, moment, last):
        if start is None:
            if begins > last:
                return None
            start = begins
        elif begins > end:
            break
        end = max(end, ends)
        if end > last:
            return Opening(start, None)
    return None if start is None else Opening(start, end)


def _openings_from(schedule: Schedule, zone: str, moment: int, last: int) -> Iterator[tuple[int, int]]:
    """The openings of each date that end after `moment`, in order, to beyond `last`."""
    today = local_time(zone, moment).toordinal()
    # A date lasts at most 50 hours, and may be skipped.
    for day in range(today, today + (last - moment) // 86_400 + 4):
        for found in _day_openings(schedule, zone, day):
            if found[1] > moment:
                yield found


def next_opening(
    schedule: Schedule, zones: Sequence[str], moment: int, last: int | None = None
) -> Opening | None:
    """The first period, from `moment` on, in which the schedule is open in all of `zones` at once.

    Its start is `moment` itself if the schedule is open then. None if no such period starts by `last`, or
    within the horizon.
    """
    last = moment + HORIZON if last is None else last
    while moment <= last:
        found = [opening(schedule, zone, moment, last) for zone in zones]
        openings = [each for each in found if each is not None]
        if len(openings) < len(found) or not openings:
            return None
        start = max(each.start for each in openings)
        if start <= moment:
            return Opening(moment, min((each.end for each in openings if each.end is not None), default=None))
        moment = start
    return None


def is_open(schedule: Schedule, zone: str, moment: int) -> bool:
    """Whether the schedule is open at `moment` by the clock of `zone`."""
    today = local_time(zone, moment)
    days = (today.toordinal(), today.toordinal() + 1) if today.fold else (today.toordinal(),)
    return any(start <= moment < end for day in days for start, end in _day_openings(schedule, zone, day))


def open_zones(schedule: Schedule, moment: int) -> tuple[str, ...]:
    """The zones in which the schedule is open at `moment`, sorted."""
    times, found = _timeline(schedule, moment // 86_400)
    return found[bisect_right(times, moment) - 1]


@lru_cache(maxsize=64)
def _timeline(schedule: Schedule, day: int) -> tuple[list[int], list[tuple[str, ...]]]:
    """The moments of a UTC day (counted from 1970) at which the schedule opens or closes in a zone, and the
    zones in which it is open from each moment on.
    """
    midnight, ordinal = day * 86_400, _EPOCH + day
    opens: dict[int, set[str]] = {midnight: set()}
    closes: dict[int, set[str]] = {}
    for zone, names in clocks().items():
        for local in (ordinal - 1, ordinal, ordinal + 1):
            for start, end in _openings_of(schedule, zone, local):
                if start < midnight + 86_400 and end > midnight:
                    opens.setdefault(max(start, midnight), set()).update(names)
                    closes.setdefault(end, set()).update(names)
    times = sorted(moment for moment in opens.keys() | closes.keys() if moment < midnight + 86_400)
    found: list[tuple[str, ...]] = []
    now: set[str] = set()
    for moment in times:
        now = (now - closes.get(moment, set())) | opens.get(moment, set())
        found.append(tuple(sorted(now)))
    return times, found


def openings_between(schedule: Schedule, zones: Sequence[str], moment: int, last: int) -> Iterator[Opening]:
    """All periods up to `last` in which the schedule is open in all of `zones`.

    A period that is running at `moment` starts there, and one that is running at `last` may end later.
    """
    found = next_opening(schedule, zones, moment, last)
    while found is not None:
        yield found
        if found.end is None or found.end > last:
            return
        found = next_opening(schedule, zones, found.end, last)
