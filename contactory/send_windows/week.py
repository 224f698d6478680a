"""A week of opening hours, as bands for a drawing and as text."""

from collections.abc import Sequence
from itertools import groupby

import msgspec

from contactory.local_time.openings import DAY
from contactory.local_time.windows import WEEKDAYS, DayRange

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TITLES: dict[str, str] = dict(zip(WEEKDAYS, _NAMES, strict=True))
_TO = "\N{EN DASH}"


class Band(msgspec.Struct, frozen=True):
    """An open part of a day, in hundredths of the day."""

    left: float
    width: float


class Row(msgspec.Struct, frozen=True):
    """A day of the week in the drawing: past midnight, an opening continues in the next row."""

    day: str
    title: str
    bands: list[Band]


def week_of(days: Sequence[DayRange]) -> list[Row]:
    """The seven rows of a week."""
    pieces: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for weekday, start, end in sorted(each.to_range() for each in days):
        pieces[weekday].append((start, min(end, DAY)))
        if end > DAY:
            pieces[(weekday + 1) % len(WEEKDAYS)].append((0, end - DAY))
    return [
        Row(day, TITLES[day], [Band(_percent(start), _percent(end - start)) for start, end in found])
        for day, found in zip(WEEKDAYS, pieces, strict=True)
    ]


def _percent(minutes: int) -> float:
    return round(100 * minutes / DAY, 4)


def in_words(days: Sequence[DayRange]) -> str:
    """The hours as text, with equal days together: "Mon-Fri 09:00-20:00"."""
    hours = [
        (day, ", ".join(f"{each.start}{_TO}{each.end}" for each in days if each.day == day))
        for day in WEEKDAYS
    ]
    groups = [(text, [day for day, _ in each]) for text, each in groupby(hours, key=lambda pair: pair[1])]
    return " · ".join(f"{_span(each)} {text}" for text, each in groups if text)


def _span(days: Sequence[str]) -> str:
    if len(days) == len(WEEKDAYS):
        return "Every day"
    first, last = TITLES[days[0]][:3], TITLES[days[-1]][:3]
    return first if len(days) == 1 else f"{first}{', ' if len(days) == 2 else _TO}{last}"
