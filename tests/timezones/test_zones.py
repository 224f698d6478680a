"""The names of time zones: which there are, which one zone.tab uses, and what was probably meant."""

import time
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactory.timezones.zones import (
    TZDATA_VERSION,
    ZONES,
    canonical_zone,
    country_zones,
    is_zone,
    suggest_zone,
)

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
def test_a_suggestion_costs_little_however_long_the_text(text: str) -> None:
    suggest_zone(text)
    fastest = min(_seconds(text) for _ in range(5))
    assert fastest < 0.02


def _seconds(text: str) -> float:
    start = time.perf_counter()
    suggest_zone(text)
    return time.perf_counter() - start
