"""GET /v1/availability?phone=."""

from typing import Any

from tests.availability.test_get import KEYS, NOON, verdict
from tests.world import World, a_phone, pointers

PATH = "/v1/availability"


def ask(world: World, phone: str, **more: Any) -> Any:
    answer = world.bob.get(PATH, **{"phone": phone, "channel": "call", "at": NOON, **more})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == KEYS
    return answer.json()


def test_a_number_that_is_no_contact_is_answered_by_its_zones(world: World) -> None:
    shown = ask(world, "+1 (415) 555-0177")
    assert (shown["allowed"], shown["timezones"], shown["timezoneSource"]) == (
        True,
        ["America/Los_Angeles"],
        "phone",
    )
    assert world.sql.fetch("select 1 from contacts where workspace_id = $1", world.acme) == []
    boise = ask(world, "+12085550155", at="2026-03-02T16:30:00Z")
    assert boise["timezones"] == ["America/Boise", "America/Los_Angeles"]
    assert boise["nextAllowed"] == "2026-03-02T17:00:00Z"


def test_a_number_without_a_place_takes_the_zone_of_the_workspace(world: World) -> None:
    assert ask(world, "+18005550199")["reasons"] == ["no_timezone"]
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"timezone": "America/Denver"})
    shown = ask(world, "+18005550199")
    assert (shown["timezones"], shown["timezoneSource"]) == (["America/Denver"], "workspace")


def test_a_number_of_an_unknown_range_is_not_asked_by_the_clock_of_the_workspace(world: World) -> None:
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"timezone": "America/New_York"})
    night = "2026-03-02T00:30:00Z"  # Half past midnight in London, and half past seven in New York.
    shown = ask(world, "+44 7700 900123", at=night)
    assert (shown["allowed"], shown["reason"], shown["timezoneSource"]) == (False, "outside_window", "phone")
    assert shown["localTime"].startswith("2026-03-02T00:30")
    contact = world.alice.made(phone="+44 7700 900123")
    assert contact["timezone"] == "Europe/London"
    assert verdict(world.bob, contact, at=night)["allowed"] is False


def test_a_number_that_may_be_anywhere_in_north_america_asks_every_clock_there(world: World) -> None:
    shown = ask(world, "+1 555 123 4567", at="2026-03-02T15:00:00Z")  # Ten in New York, seven in Denver.
    assert (shown["allowed"], shown["reason"]) == (False, "outside_window")
    assert {"America/New_York", "America/Denver", "Pacific/Honolulu"} < set(shown["timezones"])
    contact = world.alice.made(phone="+1 555 123 4567")
    assert verdict(world.bob, contact)["timezones"] == shown["timezones"]


def test_a_number_without_a_country_code_is_read_in_the_workspace_s_country(world: World) -> None:
    refused = world.bob.get(PATH, phone="030 901820", channel="call")
    assert pointers(refused) == {"phone": "no_country_code"}
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"country": "DE"})
    assert ask(world, "030 901820")["timezones"] == ["Europe/Berlin"]


def test_the_number_of_a_contact_is_answered_as_for_the_contact(world: World) -> None:
    phone = a_phone()
    contact = world.alice.made(phone=phone, timezone="Asia/Tokyo")
    shown = ask(world, phone)
    assert shown == verdict(world.bob, contact)
    assert (shown["timezones"], shown["timezoneSource"]) == (["Asia/Tokyo"], "caller")
    world.alice.remove(contact["id"])
    assert ask(world, phone)["timezoneSource"] == "phone"


def test_a_contact_s_consent_counts_whoever_asks_by_number(world: World) -> None:
    phone = a_phone()
    world.alice.made(phone=phone, consent={"doNotContact": True})
    assert ask(world, phone)["reasons"] == ["do_not_contact"]


def test_the_contact_of_another_workspace_is_not_asked(world: World) -> None:
    phone = a_phone()
    world.carol.made(phone=phone, timezone="Asia/Tokyo")
    assert ask(world, phone)["timezones"] == ["America/Los_Angeles"]


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    answer = world.bob.get(PATH, channel="email", at="0001-01-01T00:00:00Z")
    assert pointers(answer) == {"phone": "required", "channel": "unknown_value", "at": "out_of_range"}
    answer = world.bob.get(PATH, phone="+1415", channel="call", window="Nope")
    assert pointers(answer) == {"phone": "impossible_phone", "window": "unknown_send_window"}
    assert pointers(world.ada.get(PATH, phone="+14155550177", channel="call")) == {"workspaceId": "required"}
