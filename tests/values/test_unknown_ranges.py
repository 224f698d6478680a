"""The zones of numbers of ranges that the library does not know (yet)."""

import phonenumbers
import pytest

from contactory.local_time.zones import country_zones
from contactory.values.phones import Derived, derive_zone

ISLANDS = ("Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey", "Europe/London")
BRITISH_COLUMBIA = (
    "America/Creston",
    "America/Dawson_Creek",
    "America/Edmonton",
    "America/Fort_Nelson",
    "America/Vancouver",
)
AREAS = [
    # Area codes that the library does not know.
    ("357", ("America/Los_Angeles",)),
    ("436", ("America/New_York",)),
    ("457", ("America/Chicago",)),
    ("465", ("America/New_York",)),
    ("471", ("America/Chicago",)),
    ("483", ("America/Chicago",)),
    ("565", ("America/New_York",)),
    ("621", ("America/Chicago",)),
    ("624", ("America/New_York",)),
    ("679", ("America/Detroit",)),
    ("729", ("America/Chicago", "America/New_York")),
    ("837", ("America/Los_Angeles",)),
    ("861", ("America/Chicago",)),
    ("924", ("America/Chicago",)),
    # Those that it puts into the wrong zone, or into one of several.
    ("257", BRITISH_COLUMBIA),
    ("367", ("America/Blanc-Sablon", "America/Halifax", "America/Toronto")),
    ("448", ("America/Chicago", "America/New_York")),
    ("458", ("America/Boise", "America/Los_Angeles")),
    ("474", ("America/Edmonton", "America/Regina")),
    ("672", BRITISH_COLUMBIA),
    ("689", ("America/New_York",)),
    ("879", ("America/Goose_Bay", "America/St_Johns")),
    ("930", ("America/Chicago", "America/New_York")),
    # Those that it knows.
    ("235", ("America/Chicago",)),
    ("327", ("America/Chicago",)),
    ("341", ("America/Los_Angeles",)),
    ("353", ("America/Chicago",)),
    ("572", ("America/Chicago",)),
    ("584", ("America/Winnipeg",)),
    ("645", ("America/New_York",)),
    ("748", ("America/Denver",)),
    ("821", ("America/New_York",)),
    ("942", ("America/Toronto",)),
    ("983", ("America/Denver",)),
]


@pytest.mark.parametrize(("area", "zones"), AREAS)
def test_an_area_code_opened_lately_has_the_zones_of_its_area(area: str, zones: tuple[str, ...]) -> None:
    derived = derive_zone(f"+1{area}5550123", "Europe/Berlin", "DE")
    assert (derived.zones, derived.source) == (zones, "phone")


@pytest.mark.parametrize(
    ("e164", "main", "zones"),
    [
        ("+447700900123", "Europe/London", ISLANDS),
        ("+85245123456", "Asia/Hong_Kong", ("Asia/Hong_Kong",)),
        ("+33700000000", "Europe/Paris", ("Europe/Paris",)),
        ("+12422345678", "America/Nassau", ("America/Nassau",)),
        ("+34212345678", "Europe/Madrid", ("Africa/Ceuta", "Atlantic/Canary", "Europe/Madrid")),
        ("+38399999999", "Europe/Belgrade", ("Europe/Belgrade",)),
    ],
)
def test_a_number_of_an_unknown_range_is_in_every_zone_of_its_country(
    e164: str, main: str, zones: tuple[str, ...]
) -> None:
    assert phonenumbers.number_type(phonenumbers.parse(e164)) == phonenumbers.PhoneNumberType.UNKNOWN
    assert derive_zone(e164, "America/New_York", "US") == Derived(main, "phone", zones)


def test_countries_that_share_a_code_share_what_nobody_knows() -> None:
    zones = derive_zone("+15551234567", None).zones
    sharing = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]
    assert {"US", "CA", "DO", "GU"} < set(sharing)
    for country in sharing:
        assert set(zones) & set(country_zones()[country]), country
    assert {"America/New_York", "Pacific/Honolulu", "America/St_Johns", "Pacific/Guam"} < set(zones)


@pytest.mark.parametrize(
    ("zone", "country", "main"),
    [
        ("Europe/Berlin", "DE", "America/New_York"),
        (None, "CA", "America/Toronto"),
        ("US/Pacific", "US", "America/Los_Angeles"),
        (None, None, "America/New_York"),
    ],
)
def test_the_main_zone_of_them_is_the_workspace_s_else_that_of_the_first_country(
    zone: str | None, country: str | None, main: str
) -> None:
    assert derive_zone("+15551234567", zone, country).timezone == main


@pytest.mark.parametrize("country", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_no_possible_number_of_a_country_is_nowhere_unless_its_kind_says_so(country: str) -> None:
    code = phonenumbers.country_code_for_region(country)
    example = phonenumbers.example_number(country)
    assert example
    length = len(phonenumbers.national_significant_number(example))
    for first in "23456789":
        number = phonenumbers.parse(f"+{code}{first.ljust(length, first)}")
        if phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.UNKNOWN:
            e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
            assert derive_zone(e164, None).zones, e164
