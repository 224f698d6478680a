"""GET /v1/send-windows/presets, and windows made from them."""

import pytest

from contactory.rules.checks import Errors
from contactory.send_windows.model import Preset, parse_window, presets
from contactory.values.countries import COUNTRIES
from tests.send_windows.test_create import PATH
from tests.world import World, pointers

WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def test_the_presets_are_listed_each_with_its_source(world: World) -> None:
    listed = world.bob.get(f"{PATH}/presets").json()
    assert len(listed) >= 8
    assert all(preset["source"] and preset["name"] for preset in listed)
    tcpa = next(preset for preset in listed if preset["id"] == "us-tcpa")
    assert tcpa["days"] == [{"day": day, "from": "08:00", "to": "21:00"} for day in WEEK]
    assert tcpa["source"].startswith("47 CFR 64.1200(c)(1)")


@pytest.mark.parametrize("preset", presets().values(), ids=presets())
def test_every_preset_makes_a_window(preset: Preset) -> None:
    errors = Errors()
    days = [{"day": each.day, "from": each.start, "to": each.end} for each in preset.days]
    parse_window({"name": preset.name, "channels": preset.channels, "days": days}, errors)
    assert errors.found == []
    assert preset.region.partition("-")[0] in COUNTRIES
    assert preset.id.upper().partition("-")[0] == preset.region.partition("-")[0]


def test_a_stricter_state_is_stricter_than_the_country() -> None:
    tcpa = {(each.day, each.start, each.end) for each in presets()["us-tcpa"].days}
    for name, preset in presets().items():
        if name.startswith("us-") and name != "us-tcpa":
            assert all(each.start >= "08:00" and each.end <= "21:00" for each in preset.days)
            assert {(each.day, each.start, each.end) for each in preset.days} != tcpa


def test_a_window_takes_from_its_preset_what_is_not_given(world: World) -> None:
    made = world.alice.post(PATH, {"preset": "us-tcpa"})
    assert made.status_code == 201, made.text
    assert made.json()["name"] == "US telemarketing (TCPA)"
    assert made.json()["days"][0] == {"day": "mon", "from": "08:00", "to": "21:00"}
    own = {"preset": "us-tcpa", "name": "Calls", "channels": ["call"], "holidays": ["2026-12-25"]}
    shown = world.alice.post(PATH, own).json()
    assert {name: shown[name] for name in ("name", "channels", "holidays")} == {
        name: own[name] for name in ("name", "channels", "holidays")
    }
    assert shown["days"] == made.json()["days"]


def test_the_same_preset_twice_needs_another_name(world: World) -> None:
    world.alice.post(PATH, {"preset": "fr"})
    assert pointers(world.alice.post(PATH, {"preset": "fr"})) == {"/name": "taken"}


def test_an_unknown_preset_is_refused_with_all_else_that_is_wrong(world: World) -> None:
    answer = world.alice.post(PATH, {"preset": "us-tcp", "channels": ["fax"]})
    assert pointers(answer) == {"/preset": "unknown_value", "/channels/0": "unknown_value"}
    assert answer.json()["errors"][0]["suggestion"] == "us-tcpa"
