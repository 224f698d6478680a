"""What a zone's clock shows, and when it changes next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactory.local_time.transitions import abbreviation, next_change, offset_of, show_offset
from contactory.local_time.zones import ZONES, zone_info

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
MOMENTS = st.integers(1_577_836_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC))
"""In the years 2020 to 2034."""


@pytest.mark.parametrize(
    ("name", "after", "at", "offset"),
    [
        ("America/Los_Angeles", "2026-01-15T00:00:00", "2026-03-08T10:00:00", "-07:00"),
        ("America/Los_Angeles", "2026-03-08T09:59:59", "2026-03-08T10:00:00", "-07:00"),
        ("America/Los_Angeles", "2026-03-08T10:00:00", "2026-11-01T09:00:00", "-08:00"),
        ("Australia/Lord_Howe", "2026-01-15T00:00:00", "2026-04-04T15:00:00", "+10:30"),
        ("Asia/Kathmandu", "1985-12-25T00:00:00", "1985-12-31T18:30:00", "+05:45"),
        # The Pacific island that left out 30 December 2011.
        ("Pacific/Apia", "2011-12-01T00:00:00", "2011-12-30T10:00:00", "+14:00"),
        ("Asia/Kolkata", "2026-01-15T00:00:00", None, None),
    ],
)
def test_the_next_change_is_known_to_the_second(
    name: str, after: str, at: str | None, offset: str | None
) -> None:
    zone = zone_info(name)
    assert zone
    change = next_change(zone, datetime.fromisoformat(after + "Z"))
    found = (change.at.isoformat()[:19], show_offset(change.offset)) if change else (None, None)
    assert found == (at, offset)


@given(name=st.sampled_from(sorted(ZONES)), after=MOMENTS)
@settings(max_examples=150, deadline=None)
def test_no_change_lies_before_the_next_one(name: str, after: datetime) -> None:
    zone = zone_info(name)
    assert zone
    change = next_change(zone, after)
    end = change.at if change else after + timedelta(days=731)
    offset, moment = offset_of(zone, after), after
    while moment < end:
        assert offset_of(zone, moment) == offset
        moment += HOUR
    if change:
        assert after < change.at
        assert offset_of(zone, change.at - SECOND) == offset
        assert offset_of(zone, change.at) == change.offset != offset


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(0, "+00:00"), (-480, "-08:00"), (345, "+05:45"), (-570, "-09:30"), (840, "+14:00")],
)
def test_an_offset_is_written_as_in_a_timestamp(minutes: int, shown: str) -> None:
    assert show_offset(timedelta(minutes=minutes)) == shown


def test_a_time_has_a_name() -> None:
    zone = zone_info("America/New_York")
    assert zone
    assert abbreviation(zone, datetime(2026, 7, 1, tzinfo=UTC)) == "EDT"
