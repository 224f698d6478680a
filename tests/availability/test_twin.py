"""The engine agrees with its twin (twin.py) on thousands of random cases: all zones, years 2020 to 2035."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from contactory.local_time.openings import Schedule, is_open, next_opening, openings_between, schedule_of
from contactory.local_time.windows import WEEKDAYS, DayRange
from contactory.local_time.zones import ZONES
from contactory.rules.checks import Errors
from contactory.send_windows.model import parse_window
from tests.availability.twin import Hours, changes, walk

PARTS = 50
ROUNDS = 9
"""Cases of each zone; of some 600 zones, that makes more than 5,000."""
MINUTES = 6 * 60
NAMES = sorted(ZONES)
QUARTERS = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 30, 45)]


def schedule(hours: Hours, holidays: set[date] | None = None) -> Schedule:
    ranges = tuple(DayRange(*each).to_range() for each in hours)
    return schedule_of(ranges, frozenset(day.toordinal() for day in holidays or ()))


def some_hours(chance: random.Random) -> Hours:
    """Hours that the API takes: as many of some random ranges as do not overlap."""
    hours: Hours = []
    for _ in range(chance.randint(1, 6)):
        odd = f"{chance.randrange(24):02}:{chance.randrange(60):02}"
        start = odd if chance.random() < 0.2 else chance.choice(QUARTERS)
        end = "24:00" if chance.random() < 0.1 else chance.choice(QUARTERS)
        tried = [*hours, (chance.choice(WEEKDAYS), start, end)]
        errors = Errors()
        parse_window({"days": [{"day": d, "from": f, "to": t} for d, f, t in tried]}, errors)
        hours = hours if errors.found else tried
    return hours


def some_moment(chance: random.Random, zone: str) -> datetime:
    """A whole minute, mostly near one at which the clock is put forward or back."""
    if changes(zone) and chance.random() < 0.7:
        return chance.choice(changes(zone)) + timedelta(minutes=chance.randrange(-360, 1440))
    return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(16 * 365 * 1440))


def compare(chance: random.Random, zone: str) -> None:
    hours, moment = some_hours(chance), some_moment(chance, zone)
    near = [(moment + timedelta(days=n)).date() for n in (-1, 0, 1)]
    holidays = {day for day in near if chance.random() < 0.15}
    zones = [zone] if chance.random() < 0.7 else [zone, *chance.sample(NAMES, chance.randint(1, 2))]
    case = f"{zones} {moment} {hours} {holidays}"
    start = int(moment.timestamp())
    found = schedule(hours, holidays)
    each = [walk(name, hours, holidays, moment, MINUTES) for name in zones]
    for name, expected in zip(zones, each, strict=True):
        assert [is_open(found, name, start + 60 * n) for n in range(MINUTES)] == expected, case
    together = [all(minute) for minute in zip(*each, strict=True)]
    compare_together(found, zones, start, together, chance.randrange(MINUTES), case)


def compare_together(
    found: Schedule, zones: list[str], start: int, expected: list[bool], at: int, case: str
) -> None:
    """In all zones at once: every opening, to the second, and the first one after some minute."""
    last = start + 60 * MINUTES - 1
    edges = [0, *(n for n in range(1, MINUTES) if expected[n] != expected[n - 1])]
    opened = [start + 60 * n for n in edges if expected[n]]
    closed = [start + 60 * n for n in edges[1:] if not expected[n]]
    openings = list(openings_between(found, zones, start, last))
    assert [each.start for each in openings] == opened, case
    assert [each.end for each in openings if each.end is not None and each.end <= last] == closed, case
    following = next_opening(found, zones, start + 60 * at)
    if True in expected[at:]:
        assert following is not None, case
        assert following.start == start + 60 * expected.index(True, at), case
    else:
        assert following is None or following.start > last, case


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_agrees_with_its_twin(part: int) -> None:
    chance = random.Random(part)
    for zone in NAMES[part::PARTS]:
        for _ in range(ROUNDS):
            compare(chance, zone)


def test_that_makes_five_thousand_cases() -> None:
    assert len(NAMES) * ROUNDS >= 5_000


# Beyond those years: a date that a zone skipped (Samoa, 30 December 2011), and one that another began twice.


@pytest.mark.parametrize(
    ("zone", "moment"),
    [
        ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Pacific/Kwajalein", datetime(1993, 8, 21, 12, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(1994, 12, 31, 10, tzinfo=UTC)),
        ("Pacific/Enderbury", datetime(1994, 12, 31, 11, tzinfo=UTC)),
        ("America/Havana", datetime(2025, 11, 2, 5, tzinfo=UTC)),
        ("America/St_Johns", datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
        ("Africa/Monrovia", datetime(2020, 1, 7, 0, 44, tzinfo=UTC)),
    ],
)
def test_a_date_that_is_skipped_or_begins_twice_is_no_exception(zone: str, moment: datetime) -> None:
    chance = random.Random(zone)
    start = moment - timedelta(hours=40)
    for _ in range(8):
        hours = some_hours(chance)
        days = [(moment + timedelta(days=n)).date() for n in (-1, 0, 1)]
        holidays = {day for day in days if chance.random() < 0.3}
        expected = walk(zone, hours, holidays, start, 80 * 60, run_up=24 * 60)
        found = schedule(hours, holidays)
        got = [is_open(found, zone, int(start.timestamp()) + 60 * n) for n in range(80 * 60)]
        assert got == expected, (hours, holidays)
