"""GET /v1/timezones."""

from datetime import UTC, datetime, timedelta

import pytest

from contactory.local_time.zones import TZDATA_VERSION, ZONES
from contactory.timezones.model import matching, time_zones, valid_until
from tests.world import World, pointers

WINTER = datetime(2026, 1, 15, tzinfo=UTC)


def test_every_accepted_name_is_listed_in_order(world: World) -> None:
    listed = world.bob.get("/v1/timezones")
    assert listed.status_code == 200
    assert [zone["name"] for zone in listed.json()] == sorted(ZONES)
    keys = ["name", "offset", "abbreviation", "aliasOf", "aliases", "nextChange"]
    assert all(list(zone) == keys for zone in listed.json())


def test_a_zone_tells_its_offset_its_aliases_and_its_next_change(world: World) -> None:
    now = datetime.now(UTC)
    [zone] = world.bob.get("/v1/timezones", q="los_angeles").json()
    assert zone["name"] == "America/Los_Angeles"
    assert zone["aliasOf"] is None
    assert "US/Pacific" in zone["aliases"]
    assert {zone["offset"], zone["nextChange"]["offset"]} == {"-08:00", "-07:00"}
    assert {zone["abbreviation"], zone["nextChange"]["abbreviation"]} == {"PST", "PDT"}
    assert now < datetime.fromisoformat(zone["nextChange"]["at"]) < now + timedelta(days=366)
    [india] = world.bob.get("/v1/timezones", q="kolkata").json()
    assert (india["offset"], india["aliases"], india["nextChange"]) == ("+05:30", ["Asia/Calcutta"], None)


def test_an_alias_names_the_zone_of_its_place() -> None:
    zones = {zone.name: zone for zone in time_zones(WINTER)}
    assert zones["US/Pacific"].alias_of == "America/Los_Angeles"
    assert zones["US/Pacific"].next_change == zones["America/Los_Angeles"].next_change
    assert zones["US/Pacific"].aliases == []
    # Accra has the clock of Abidjan, and is another place.
    assert zones["Africa/Accra"].alias_of is None
    for zone in zones.values():
        assert all(zones[alias].alias_of == zone.name for alias in zone.aliases)
        assert zone.alias_of is None or zone.name in zones[zone.alias_of].aliases


@pytest.mark.parametrize("text", ["Calcutta", "kolkata", "ASIA/CALC"])
def test_a_zone_is_found_by_part_of_any_of_its_names(world: World, text: str) -> None:
    found = world.bob.get("/v1/timezones", q=text).json()
    assert [zone["name"] for zone in found] == ["Asia/Kolkata"]


def test_spaces_stand_for_what_names_have_in_their_place() -> None:
    assert [zone.name for zone in matching(time_zones(WINTER), " new  york")] == ["America/New_York"]
    assert matching(time_zones(WINTER), "nowhere") == []


def test_what_is_kept_is_made_again_when_a_clock_changes() -> None:
    before = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)  # Half an hour before the Pacific coast's clocks do.
    assert valid_until(time_zones(before), before) == datetime(2026, 3, 8, 10, tzinfo=UTC)
    assert valid_until(time_zones(WINTER), WINTER) == WINTER + timedelta(hours=1)


def test_a_search_has_an_end(world: World) -> None:
    assert pointers(world.bob.get("/v1/timezones", q="x" * 65)) == {"q": "wrong_length"}
    assert world.bob.get("/v1/timezones", q="x" * 64).json() == []


def test_a_key_is_needed(world: World) -> None:
    assert world.stranger().get("/v1/timezones").status_code == 401
    assert world.ada.get("/v1/timezones", q="utc").status_code == 200


def test_the_metrics_name_the_release_of_the_data(world: World) -> None:
    text = world.http.get("/metrics").text
    samples = [line for line in text.splitlines() if line.startswith("contactory_tzdata_info")]
    assert samples == [f'contactory_tzdata_info{{version="{TZDATA_VERSION}"}} 1.0']
