"""The names of time zones: which there are, which one zone.tab uses, and what was probably meant."""

import re
import zoneinfo
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import tzdata
from hypothesis import given
from hypothesis import strategies as st

from contactory.local_time import zones
from contactory.local_time.zones import (
    TZDATA_VERSION,
    ZONES,
    canonical_zone,
    country_zones,
    data_since,
    is_outdated,
    is_zone,
    suggest_zone,
    zone_info,
)
from tests.yardstick import times

OF_COUNTRIES = {zone for zones in country_zones().values() for zone in zones}


@pytest.mark.parametrize(
    "name", ["America/New_York", "US/Pacific", "Asia/Calcutta", "UTC", "EST", "Etc/GMT+5"]
)
def test_zones_and_links_are_zones(name: str) -> None:
    assert is_zone(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "America",
        "america/new_york",
        "posix/America/New_York",
        "right/UTC",
        "localtime",
        "Factory",
        "Etc/Unknown",
    ],
)
def test_what_is_no_zone_of_the_database_is_no_zone(name: str) -> None:
    assert not is_zone(name)


def test_every_zone_can_be_loaded() -> None:
    for name in ZONES:
        zoneinfo.ZoneInfo(name)


def test_the_release_of_the_database_is_known() -> None:
    assert TZDATA_VERSION[:4].isdigit()
    assert TZDATA_VERSION[4:].isalpha()


def test_the_zones_of_countries_are_those_of_zone_tab() -> None:
    assert OF_COUNTRIES < ZONES
    assert country_zones()["NZ"] == ("Pacific/Auckland", "Pacific/Chatham")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("America/Godthab", "America/Nuuk"),
        ("Asia/Choibalsan", "Asia/Ulaanbaatar"),
        ("Etc/UCT", "Etc/UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ],
)
def test_a_link_gives_the_name_that_zone_tab_uses(name: str, canonical: str) -> None:
    assert canonical_zone(name) == canonical


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Europe/Amsterdam", "Europe/Amsterdam"),
        ("Pacific/Truk", "Pacific/Chuuk"),
        ("Iceland", "Atlantic/Reykjavik"),
    ],
)
def test_a_link_across_a_border_stays_in_its_country(name: str, canonical: str) -> None:
    assert canonical_zone(name) == canonical


def test_canonical_names_are_final_and_of_a_country_or_of_none() -> None:
    for name in ZONES:
        canonical = canonical_zone(name)
        assert canonical_zone(canonical) == canonical
        assert canonical in OF_COUNTRIES or canonical.startswith("Etc/") or "/" not in canonical


@pytest.mark.parametrize("zone", sorted(ZONES)[::7])
def test_another_case_suggests_the_zone(zone: str) -> None:
    assert suggest_zone(zone.swapcase()) == zone


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("america/new_york", "America/New_York"),
        ("New York", "America/New_York"),
        (" new_york ", "America/New_York"),
        ("America/Los Angeles", "America/Los_Angeles"),
        ("posix/America/New_York", "America/New_York"),
        ("Saigon", "Asia/Ho_Chi_Minh"),
        ("Louisville", "America/Kentucky/Louisville"),
        ("PST", "America/Los_Angeles"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("W. Europe Standard Time", "Europe/Berlin"),
    ],
)
def test_usual_other_names_suggest_the_zone(text: str, zone: str) -> None:
    assert suggest_zone(text) == zone


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("America/New_Yrok", "America/New_York"),
        ("Amercia/Chicago", "America/Chicago"),
        ("Londn", "Europe/London"),
        ("Europe/Zürich", "Europe/Zurich"),
        ("US/Pacfic", "US/Pacific"),
    ],
)
def test_a_misspelling_suggests_the_zone(text: str, zone: str) -> None:
    assert suggest_zone(text) == zone


@pytest.mark.parametrize(
    "text", ["", "xyzzy", "America", "Factory", "UTC+1", "GMT+5", "Asia/Pune", "Etc/GMT+25"]
)
def test_nothing_close_suggests_nothing(text: str) -> None:
    assert suggest_zone(text) is None


@given(st.text() | st.sampled_from(sorted(ZONES)).flatmap(lambda z: st.text(z, max_size=40)))
def test_a_suggestion_is_a_zone(text: str) -> None:
    assert suggest_zone(text) in ZONES | {None}


@pytest.mark.parametrize(
    "text", ["a" * 2**20, "America/New_Yrok" * 2**16, "a/an/or/in/er/ia_on_ar_la_st_" * 9]
)
def test_a_suggestion_costs_no_more_for_a_long_text_than_for_a_short_one(text: str) -> None:
    assert times(lambda: suggest_zone(text), lambda: suggest_zone(text[:64])) < 3


# The clocks, and the age of the data.


def test_every_zone_has_a_clock() -> None:
    for name in ZONES:
        clock = zone_info(name)
        assert clock is not None
        assert clock.key == name


@pytest.mark.parametrize(
    "name", [None, "", "America/New_Split", "America", "../../../etc/hostname", "/etc/hostname", "posix/UTC"]
)
def test_what_is_no_zone_has_no_clock(name: str | None) -> None:
    assert zone_info(name) is None


def test_the_clocks_are_those_of_the_data_that_is_named() -> None:
    """Python prefers the operating system's data, of a release that nobody knows."""
    package = Path(tzdata.__file__).parent / "zoneinfo"
    when = datetime(2027, 1, 15, 12)  # noqa: DTZ001 - the clocks' own
    for name in sorted(ZONES):
        with (package / name).open("rb") as file:
            expected = zoneinfo.ZoneInfo.from_file(file)
        clock = zone_info(name)
        assert clock
        assert when.replace(tzinfo=clock).utcoffset() == when.replace(tzinfo=expected).utcoffset(), name


def test_no_module_asks_python_for_a_clock() -> None:
    package = Path(zones.__file__).parents[1]
    asking = [
        path.name for path in package.rglob("*.py") if re.search(r"\bZoneInfo\(", path.read_text("utf-8"))
    ]
    assert asking == []


def test_the_data_is_outdated_after_a_year() -> None:
    assert data_since().year == int(TZDATA_VERSION[:4])
    assert not is_outdated(data_since())
    assert not is_outdated(data_since() + timedelta(days=365))
    assert is_outdated(data_since() + timedelta(days=366))
    assert is_outdated(date(int(TZDATA_VERSION[:4]) + 2, 1, 1))
