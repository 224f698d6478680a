"""When a window is open around the hours that clocks skip or show twice: what is promised, by name."""

import random
from datetime import UTC, date, datetime

import pytest

from contactory.local_time.openings import is_open, local_time, next_opening, open_zones, openings_between
from contactory.local_time.zones import ZONES
from tests.availability.test_twin import schedule, some_hours, some_moment
from tests.availability.twin import Hours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def shown(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def openings(
    zone: str, hours: Hours, day: str, holidays: set[date] | None = None
) -> list[tuple[str | None, str | None]]:
    """The openings that begin within a day and a half of midnight UTC of `day`, in UTC."""
    start = moment(f"{day}T00:00:00Z")
    found = openings_between(schedule(hours, holidays), [zone], start, start + 36 * 3600)
    return [(shown(each.start), shown(each.end)) for each in found]


def daily(start: str, end: str) -> Hours:
    return [(day, start, end) for day in DAYS]


CASES = {
    # New York, 8 March 2026: 02:00 to 03:00 is skipped, at 07:00Z. 1 November: 01:00 to 02:00 comes twice.
    "opens in a gap": ("America/New_York", ("sun", "02:30", "04:00"), "2026-03-08", ("07:00", "08:00")),
    "closes in a gap": ("America/New_York", ("sun", "01:00", "02:30"), "2026-03-08", ("06:00", "07:00")),
    "lies in a gap": ("America/New_York", ("sun", "02:10", "02:50"), "2026-03-08", None),
    "goes over a gap": ("America/New_York", ("sun", "01:30", "03:30"), "2026-03-08", ("06:30", "07:30")),
    "opens in an overlap": ("America/New_York", ("sun", "01:30", "04:00"), "2026-11-01", ("05:30", "09:00")),
    "closes in an overlap": ("America/New_York", ("sun", "00:30", "01:30"), "2026-11-01", ("04:30", "05:30")),
    "lies in an overlap": ("America/New_York", ("sun", "01:15", "01:45"), "2026-11-01", ("05:15", "05:45")),
    "goes over an overlap": ("America/New_York", ("sun", "00:30", "02:30"), "2026-11-01", ("04:30", "07:30")),
    "closes where an overlap ends": (
        "America/New_York",
        ("sun", "00:00", "02:00"),
        "2026-11-01",
        ("04:00", "07:00"),
    ),
    "half an hour is skipped": (
        "Australia/Lord_Howe",
        ("sun", "02:15", "03:00"),
        "2026-10-03",
        ("15:30", "16:00"),
    ),
    "three quarters of an hour": (
        "Asia/Kathmandu",
        ("sat", "09:00", "10:00"),
        "2026-03-07",
        ("03:15", "04:15"),
    ),
    "of an odd zone in summer": (
        "Pacific/Chatham",
        ("sun", "02:50", "05:00"),
        "2026-09-26",
        ("14:00", "15:15"),
    ),
    # Cuba goes from 00:00 to 01:00, and back from 01:00 to 00:00.
    "midnight is skipped": ("America/Havana", ("sun", "00:00", "02:00"), "2026-03-08", ("05:00", "06:00")),
    "midnight comes twice": ("America/Havana", ("sun", "00:00", "00:30"), "2026-11-01", ("04:00", "04:30")),
    # Egypt goes from 00:00 to 01:00 on a Friday, and on a Thursday back from 24:00 to 23:00.
    "to a midnight that is skipped": (
        "Africa/Cairo",
        ("thu", "22:00", "24:00"),
        "2026-04-23",
        ("20:00", "22:00"),
    ),
    "to a midnight that is put off": (
        "Africa/Cairo",
        ("thu", "22:00", "24:00"),
        "2026-10-29",
        ("19:00", "22:00"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_window_near_a_change_of_the_clock(
    case: tuple[str, tuple[str, str, str], str, tuple[str, str] | None],
) -> None:
    zone, hours, day, expected = case
    times = [] if expected is None else [tuple(f"{day}T{time}:00Z" for time in expected)]
    assert openings(zone, [hours], day) == times


def test_a_window_of_a_date_that_a_zone_skipped_never_opens() -> None:
    start = moment("2011-12-28T00:00:00Z")
    found = openings_between(schedule(daily("09:00", "17:00")), ["Pacific/Apia"], start, start + 4 * 86_400)
    # After the 29th, at -10, came the 31st, at +14.
    assert [shown(each.start) for each in found] == [
        "2011-12-28T00:00:00Z",
        "2011-12-28T19:00:00Z",
        "2011-12-29T19:00:00Z",
        "2011-12-30T19:00:00Z",
        "2011-12-31T19:00:00Z",
    ]
    friday = schedule([("fri", "09:00", "17:00")])
    opened = next_opening(friday, ["Pacific/Apia"], start)
    assert opened is not None
    assert shown(opened.start) == "2012-01-05T19:00:00Z"


def test_a_date_that_begins_before_its_eve_has_ended_is_open_in_its_eve_s_second_hour() -> None:
    # Newfoundland went back from 00:01 on Sunday to 23:01 on Saturday.
    found = schedule([("sun", "00:00", "01:00")])
    again = moment("2006-10-29T03:00:00Z")
    assert str(local_time("America/St_Johns", again)).startswith("2006-10-28 23:30")
    assert is_open(found, "America/St_Johns", again)
    assert openings("America/St_Johns", [("sun", "00:00", "01:00")], "2006-10-29") == [
        ("2006-10-29T02:30:00Z", "2006-10-29T04:30:00Z")
    ]


NIGHTS = [(day, "22:00", "02:00") for day in DAYS]


def test_on_a_holiday_it_is_closed_and_what_starts_on_one_stays_closed_after_midnight() -> None:
    start = moment("2026-12-24T12:00:00Z")
    found = openings_between(
        schedule(NIGHTS, {date(2026, 12, 25)}), ["Europe/London"], start, start + 3 * 86_400
    )
    assert [(shown(each.start), shown(each.end)) for each in found] == [
        ("2026-12-24T22:00:00Z", "2026-12-25T00:00:00Z"),
        ("2026-12-26T22:00:00Z", "2026-12-27T02:00:00Z"),
    ]


def test_a_holiday_is_a_date_of_the_place_not_of_greenwich() -> None:
    days = daily("00:00", "24:00")
    start = moment("2026-12-24T00:00:00Z")
    found = list(
        openings_between(
            schedule(days, {date(2026, 12, 25)}), ["Pacific/Auckland"], start, start + 86_400 * 3
        )
    )
    assert [(shown(each.start), shown(each.end)) for each in found] == [
        ("2026-12-24T00:00:00Z", "2026-12-24T11:00:00Z"),
        ("2026-12-25T11:00:00Z", None),
    ]


def test_ranges_that_touch_are_one_opening() -> None:
    hours: Hours = [("mon", "09:00", "12:00"), ("mon", "12:00", "24:00"), ("tue", "00:00", "03:00")]
    [found] = openings("Etc/UTC", hours, "2026-03-02")
    assert found == ("2026-03-02T09:00:00Z", "2026-03-03T03:00:00Z")


def test_a_week_without_an_end_has_none() -> None:
    found = next_opening(schedule(daily("00:00", "24:00")), ["Europe/Paris"], moment("2026-03-02T09:00:00Z"))
    assert found is not None
    assert (shown(found.start), found.end) == ("2026-03-02T09:00:00Z", None)


def test_several_zones_are_open_while_all_are() -> None:
    office = schedule(daily("09:00", "17:00"))
    start = moment("2026-03-02T00:30:00Z")
    found = next_opening(office, ["America/New_York", "America/Los_Angeles"], start)
    assert found is not None
    assert (shown(found.start), shown(found.end)) == ("2026-03-02T17:00:00Z", "2026-03-02T22:00:00Z")
    apart = ["Pacific/Auckland", "America/New_York", "Europe/Paris"]
    assert next_opening(office, apart, start) is None


def test_a_next_opening_is_looked_for_fourteen_days_ahead() -> None:
    days = {date.fromordinal(date(2026, 3, 2).toordinal() + n) for n in range(14)}
    found = schedule(daily("09:00", "10:00"), days)
    early, late = moment("2026-03-02T08:59:59Z"), moment("2026-03-02T09:00:00Z")
    assert next_opening(found, ["Etc/UTC"], early) is None
    opened = next_opening(found, ["Etc/UTC"], late)
    assert opened is not None
    assert shown(opened.start) == "2026-03-16T09:00:00Z"


def test_an_end_is_looked_for_fourteen_days_ahead() -> None:
    found = schedule(daily("00:00", "24:00"), {date(2026, 3, 16)})
    for start, end in (("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z"), ("2026-03-01T23:59:59Z", None)):
        opened = next_opening(found, ["Etc/UTC"], moment(start))
        assert opened is not None
        assert (shown(opened.start), shown(opened.end)) == (start, end)


def test_the_zones_that_are_open_are_those_in_which_it_is_open() -> None:
    chance = random.Random(4)
    for _ in range(25):
        found = schedule(some_hours(chance))
        at = int(some_moment(chance, chance.choice(sorted(ZONES))).timestamp())
        # Then at the edges of that day: the second before and the one at which it opens or closes somewhere.
        edge = next(openings_between(found, ["Asia/Kolkata"], at, at + 7 * 86_400), None)
        for moment in [at, at // 86_400 * 86_400, *([edge.start - 1, edge.start] if edge else [])]:
            expected = {zone for zone in ZONES if is_open(found, zone, moment)}
            assert set(open_zones(found, moment)) == expected


def test_the_zones_that_are_open_are_those_of_the_right_side_of_the_earth() -> None:
    found = set(open_zones(schedule(daily("09:00", "17:00")), moment("2026-03-02T12:00:00Z")))
    assert {"Europe/Paris", "Africa/Lagos", "Etc/UTC"} <= found
    assert not found & {"America/Los_Angeles", "Asia/Tokyo", "Pacific/Auckland"}
    assert set(open_zones(schedule(daily("00:00", "24:00")), moment("2026-03-02T12:00:00Z"))) == ZONES
