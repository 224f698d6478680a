"""POST /v1/send-windows/{id}/plan."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from contactory.base.ids import new_id
from tests.availability.test_get import NOON, verdict, window
from tests.world import Caller, World, a_phone, an_email, pointers

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


@pytest.fixture
def office(world: World) -> Any:
    return window(world, "Office", *[(day, "09:00", "17:00") for day in DAYS[:5]])


def ask(caller: Caller, office: Any, body: dict[str, Any] | None = None, **more: Any) -> Any:
    return caller.post(f"/v1/send-windows/{office['id']}/plan", {"at": NOON, **(body or {})}, **more)


def plan(caller: Caller, office: Any, **body: Any) -> Any:
    answer = ask(caller, office, body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert len(found["hours"]) == 168
    return found


def at(found: Any, hour: str) -> Any:
    return next(each for each in found["hours"] if each["hour"] == hour)


def test_each_hour_says_who_becomes_available_and_who_is(world: World, office: Any) -> None:
    for zone in ("America/Los_Angeles", "America/Los_Angeles", "America/New_York", "Asia/Kolkata"):
        world.alice.made(phone=a_phone(), timezone=zone)
    found = plan(world.bob, office)
    assert list(found) == ["sendWindowId", "channel", "at", "contacts", "unavailable", "hours"]
    assert (found["sendWindowId"], found["channel"], found["at"]) == (office["id"], "call", NOON)
    assert (found["contacts"], found["unavailable"]) == (4, {})
    hours = [each["hour"] for each in found["hours"]]
    assert (hours[0], hours[-1]) == (NOON, "2026-03-09T19:00:00Z")
    # Noon in Los Angeles, three in New York: open already, so nobody becomes available.
    assert at(found, NOON) == {
        "hour": NOON,
        "becomeAvailable": 0,
        "available": 3,
        "zones": [
            {"timezones": ["America/Los_Angeles"], "becomeAvailable": 0, "available": 2},
            {"timezones": ["America/New_York"], "becomeAvailable": 0, "available": 1},
        ],
    }
    # India opens at half past three, UTC.
    assert at(found, "2026-03-03T03:00:00Z")["becomeAvailable"] == 1
    assert at(found, "2026-03-03T03:00:00Z")["zones"] == [
        {"timezones": ["Asia/Kolkata"], "becomeAvailable": 1, "available": 1}
    ]
    assert at(found, "2026-03-03T11:00:00Z")["available"] == 1
    assert at(found, "2026-03-03T12:00:00Z")["zones"] == []
    # The clocks of America go forward on the 8th: nine o'clock comes an hour earlier.
    assert at(found, "2026-03-06T14:00:00Z")["becomeAvailable"] == 1
    assert at(found, "2026-03-09T13:00:00Z")["becomeAvailable"] == 1


def test_what_opens_at_the_moment_asked_about_becomes_available(world: World, office: Any) -> None:
    world.alice.made(phone=a_phone(), timezone="Etc/UTC")
    for moment, count in (("08:59:59", 1), ("09:00:00", 1), ("09:00:01", 0)):
        found = plan(world.bob, office, at=f"2026-03-03T{moment}Z")
        assert at(found, "2026-03-03T09:00:00Z")["becomeAvailable"] == count, moment


def test_the_plan_and_the_verdict_agree(world: World, office: Any) -> None:
    zones = ("America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Paris", "Pacific/Chatham")
    people = [world.alice.made(phone=a_phone(), timezone=zone) for zone in zones]
    people.append(world.alice.made(phone="+12085550155"))
    start = datetime(2026, 3, 2, 20, 40, tzinfo=UTC)
    found = plan(world.bob, office, at=start.isoformat())
    assert found["hours"][0]["hour"] == "2026-03-02T20:00:00Z"
    for n in range(0, 168, 23):
        hour = datetime(2026, 3, 2, 20, tzinfo=UTC) + timedelta(hours=n)
        minutes = [hour + timedelta(minutes=m) for m in range(0, 60, 15)]
        open_at = [
            [verdict(world.bob, each, minute.isoformat(), window="Office")["allowed"] for each in people]
            for minute in minutes
            if minute >= start - timedelta(minutes=9)
        ]
        assert found["hours"][n]["available"] == sum(map(any, zip(*open_at, strict=True)))


def test_a_contact_of_several_zones_is_counted_under_all_of_them(world: World, office: Any) -> None:
    world.alice.made(phone="+12085550155")
    [shown] = at(plan(world.bob, office), NOON)["zones"]
    assert shown["timezones"] == ["America/Boise", "America/Los_Angeles"]
    found = plan(world.bob, office)
    assert at(found, "2026-03-03T16:00:00Z")["available"] == 0
    assert at(found, "2026-03-03T17:00:00Z")["becomeAvailable"] == 1


def test_who_is_never_available_is_counted_by_the_reason(world: World, office: Any) -> None:
    world.alice.made(email=an_email(), timezone="Europe/Paris")
    world.alice.made(phone=a_phone(), consent={"call": {"status": "denied"}})
    world.alice.made(phone=a_phone(), consent={"doNotContact": True, "call": {"status": "denied"}})
    without = world.alice.made(phone=a_phone())
    world.alice.patch(without["id"], {"timezone": None})
    gone = world.alice.made(phone=a_phone())
    world.alice.remove(gone["id"])
    found = plan(world.bob, office)
    assert found["contacts"] == 4
    assert found["unavailable"] == {
        "do_not_contact": 1,
        "consent_denied": 1,
        "no_address": 1,
        "no_timezone": 1,
    }
    assert {each["available"] for each in found["hours"]} == {0}
    mail = plan(world.bob, office, channel="email")
    assert mail["unavailable"] == {"do_not_contact": 1, "no_address": 2}


def test_the_filter_says_which_contacts(world: World, office: Any) -> None:
    world.field("Plan")
    world.field("Size", "number")
    zone = {"timezone": "America/Los_Angeles"}
    gold = world.alice.made(
        phone=a_phone(), tags=["vip", "gold"], customFields={"Plan": "pro", "Size": 5}, **zone
    )
    vip = world.alice.made(phone=a_phone(), tags=["vip"], customFields={"Plan": "free"}, **zone)
    plain = world.alice.made(phone=a_phone(), **zone)
    world.carol.made(phone=a_phone(), **zone)
    for given, expected in (
        ({}, 3),
        ({"tag": "vip"}, 2),
        ({"tag": ["vip", "gold"]}, 1),
        ({"tag": "nobody"}, 0),
        ({"customFields": {"Plan": "pro"}}, 1),
        ({"customFields": {"Size": "5.0"}}, 1),
        ({"customFields": {"Plan": "pro", "Size": 6}}, 0),
        ({"customFields": {"Plan": None}}, 1),
        ({"ids": [vip["id"], plain["id"].upper(), new_id()]}, 2),
        ({"ids": [vip["id"], gold["id"]], "tag": "gold"}, 1),
    ):
        found = plan(world.bob, office, filter=given)
        assert (found["contacts"], found["hours"][0]["available"]) == (expected, expected), given


def test_now_is_now(world: World, office: Any) -> None:
    asked = datetime.now(UTC)
    answer = world.bob.post(f"/v1/send-windows/{office['id']}/plan", {})
    first = datetime.fromisoformat(answer.json()["hours"][0]["hour"])
    assert asked - timedelta(hours=1) < first <= datetime.now(UTC)


def test_a_tag_that_another_process_has_made_is_found_however_it_is_written(
    world: World, office: Any, second_http: httpx.Client
) -> None:
    assert plan(world.bob, office, filter={"tag": "new"})["contacts"] == 0
    world.alice.at(second_http).made(phone=a_phone(), tags=["new"])
    assert plan(world.bob, office, filter={"tag": "  new "})["contacts"] == 1


def test_all_that_is_wrong_is_said_at_once(world: World, office: Any) -> None:
    world.field("Plan")
    given = {"tag": ["vip", ""], "customFields": {"Plam": "x"}, "ids": ["1"], "color": 1}
    answer = ask(world.bob, office, {"channel": "fax", "at": "0001-01-01T00:00:00Z", "filter": given, "x": 1})
    assert pointers(answer) == {
        "/channel": "unknown_value",
        "/at": "out_of_range",
        "/x": "unknown_field",
        "/filter/tag/1": "wrong_length",
        "/filter/customFields/Plam": "unknown_custom_field",
        "/filter/ids/0": "invalid_id",
        "/filter/color": "unknown_field",
    }
    assert pointers(ask(world.bob, office, {"filter": "vip"})) == {"/filter": "wrong_type"}
    too_many = {"ids": [new_id()] * 10_001, "tag": ["x"] * 101}
    assert pointers(ask(world.bob, office, {"filter": too_many})) == {
        "/filter/ids": "too_many",
        "/filter/tag": "too_many_tags",
    }
    calls = window(world, "Calls", ("mon", "09:00", "17:00"), channels=["sms"])
    assert plan(world.bob, calls)["channel"] == "sms"
    assert pointers(ask(world.bob, calls, {"channel": "call"})) == {"/channel": "wrong_channel"}


def test_what_a_key_cannot_see_does_not_exist(world: World, office: Any) -> None:
    for caller in (world.carol, world.tom, world.caller(world.acme_two)):
        assert ask(caller, office).status_code == 404
    assert ask(world.ada, office).status_code == 200
    assert ask(world.bob, {"id": new_id()}).status_code == 404


def test_a_client_that_leaves_early_does_no_harm(world: World, office: Any) -> None:
    world.alice.made(phone=a_phone(), timezone="Europe/Paris")
    path = f"/v1/send-windows/{office['id']}/plan"
    headers = {"authorization": f"Bearer {world.bob.key}"}
    for _ in range(5):
        with world.http.stream("POST", path, json={}, headers=headers) as answer:
            assert answer.status_code == 200
            assert "content-length" not in answer.headers
            next(answer.iter_raw())
    assert plan(world.bob, office)["contacts"] == 1
