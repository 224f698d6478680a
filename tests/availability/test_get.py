"""GET /v1/contacts/{id}/availability."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.world import Caller, World, a_phone, pointers

NOON = "2026-03-02T20:00:00Z"
"""A Monday, noon in Los Angeles."""
KEYS = [
    "allowed",
    "reason",
    "reasons",
    "localTime",
    "timezones",
    "timezoneSource",
    "windowCloses",
    "nextAllowed",
]


def ask(caller: Caller, contact: Any, channel: str = "call", **more: Any) -> Any:
    return caller.get(f"/v1/contacts/{contact['id']}/availability", channel=channel, **more)


def verdict(caller: Caller, contact: Any, at: str = NOON, channel: str = "call", **more: Any) -> Any:
    answer = ask(caller, contact, channel, at=at, **more)
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == KEYS
    return answer.json()


@pytest.fixture
def jane(world: World) -> dict[str, Any]:
    return world.alice.made(phone=a_phone(), timezone="America/Los_Angeles")


def window(world: World, name: str, *ranges: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    days = [{"day": day, "from": start, "to": end} for day, start, end in ranges]
    body = {"name": name, "channels": ["call", "sms", "email"], "days": days, **more}
    answer = world.alice.post("/v1/send-windows", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_while_the_window_is_open_it_is_allowed(world: World, jane: Any) -> None:
    assert verdict(world.bob, jane) == {
        "allowed": True,
        "reason": None,
        "reasons": [],
        "localTime": "2026-03-02T12:00:00-08:00",
        "timezones": ["America/Los_Angeles"],
        "timezoneSource": "caller",
        "windowCloses": "2026-03-03T04:00:00Z",
        "nextAllowed": NOON,
    }


def test_before_it_opens_the_next_opening_is_named(world: World, jane: Any) -> None:
    assert verdict(world.bob, jane, "2026-03-02T16:59:59.999Z") == {
        "allowed": False,
        "reason": "outside_window",
        "reasons": ["outside_window"],
        "localTime": "2026-03-02T08:59:59.999000-08:00",
        "timezones": ["America/Los_Angeles"],
        "timezoneSource": "caller",
        "windowCloses": None,
        "nextAllowed": "2026-03-02T17:00:00Z",
    }


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-03-02T17:00:00Z", True),
        ("2026-03-03T03:59:59.999999Z", True),
        ("2026-03-03T04:00:00Z", False),
        ("2026-03-02T12:00:00-08:00", True),
        ("2026-03-03T05:00:00+09:00", True),
    ],
)
def test_it_is_right_to_the_second(world: World, jane: Any, at: str, allowed: bool) -> None:
    assert verdict(world.bob, jane, at)["allowed"] is allowed


def test_the_moment_is_now_unless_given(world: World, jane: Any) -> None:
    window(
        world,
        "Always",
        *[(day, "00:00", "24:00") for day in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]],
    )
    asked = datetime.now(UTC).replace(microsecond=0)
    shown = ask(world.bob, jane, window="Always").json()
    assert shown["allowed"] is True
    assert asked <= datetime.fromisoformat(shown["nextAllowed"]) <= datetime.now(UTC)
    assert shown["windowCloses"] is None


def test_across_daylight_saving(world: World, jane: Any) -> None:
    window(world, "Gap", ("sun", "02:30", "04:00"))
    shown = verdict(world.bob, jane, "2026-03-08T09:59:59Z", window="Gap")
    assert (shown["localTime"], shown["nextAllowed"]) == ("2026-03-08T01:59:59-08:00", "2026-03-08T10:00:00Z")
    shown = verdict(world.bob, jane, "2026-03-08T10:00:00Z", window="Gap")
    assert (shown["allowed"], shown["localTime"]) == (True, "2026-03-08T03:00:00-07:00")
    assert shown["windowCloses"] == "2026-03-08T11:00:00Z"


def test_a_holiday_is_a_reason_of_its_own(world: World, jane: Any) -> None:
    window(world, "Closed", ("mon", "09:00", "17:00"), holidays=["2026-03-02"])
    shown = verdict(world.bob, jane, window="Closed")
    assert (shown["reason"], shown["reasons"]) == ("holiday", ["holiday"])
    assert shown["nextAllowed"] == "2026-03-09T16:00:00Z"
    night = verdict(world.bob, jane, "2026-03-03T07:59:00Z", window="Closed")
    assert night["reasons"] == ["holiday", "outside_window"]
    assert verdict(world.bob, jane, "2026-03-03T08:00:00Z", window="Closed")["reasons"] == ["outside_window"]


def test_where_nothing_opens_within_two_weeks_there_is_no_next_moment(world: World, jane: Any) -> None:
    days = [f"2026-03-{day:02}" for day in (2, 9, 16)]
    window(world, "Far", ("mon", "09:00", "17:00"), holidays=days)
    assert verdict(world.bob, jane, window="Far")["nextAllowed"] is None
    assert verdict(world.bob, jane, "2026-03-10T00:00:00Z", window="Far")["nextAllowed"] == (
        "2026-03-23T16:00:00Z"
    )


def test_a_number_of_several_zones_is_allowed_while_all_of_them_are(world: World) -> None:
    boise = world.alice.made(phone="+12085550155")
    zones = ["America/Boise", "America/Los_Angeles"]
    early = verdict(world.bob, boise, "2026-03-02T16:30:00Z")
    assert (early["timezones"], early["timezoneSource"]) == (zones, "phone")
    assert (early["allowed"], early["nextAllowed"]) == (False, "2026-03-02T17:00:00Z")
    assert early["localTime"] == "2026-03-02T09:30:00-07:00"
    noon = verdict(world.bob, boise)
    assert (noon["allowed"], noon["windowCloses"]) == (True, "2026-03-03T03:00:00Z")
    assert verdict(world.bob, boise, "2026-03-03T03:30:00Z")["allowed"] is False


def test_the_zone_of_the_workspace_is_named_as_such(world: World) -> None:
    made = world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"timezone": "Europe/Berlin"})
    assert made.status_code == 200
    somebody = world.alice.made(email="zone@example.com")
    shown = verdict(world.bob, somebody, channel="email")
    assert (shown["timezones"], shown["timezoneSource"]) == (["Europe/Berlin"], "workspace")


def test_without_an_address_or_a_zone_it_is_not_allowed(world: World) -> None:
    nobody = world.alice.made(firstName="Nobody")
    shown = verdict(world.bob, nobody)
    assert (shown["reason"], shown["reasons"]) == ("no_address", ["no_address", "no_timezone"])
    assert (shown["localTime"], shown["timezones"], shown["nextAllowed"]) == (None, [], None)
    mailed = world.alice.made(email="only@example.com", timezone="Europe/Paris")
    assert verdict(world.bob, mailed, channel="email")["reasons"] == ["outside_window"]
    assert verdict(world.bob, mailed, channel="sms")["reasons"] == ["no_address", "outside_window"]
    assert verdict(world.bob, mailed, channel="sms")["nextAllowed"] is None


def test_a_consent_that_was_denied_counts_for_its_channel(world: World) -> None:
    consent = {"call": {"status": "denied"}, "sms": {"status": "granted"}}
    contact = world.alice.made(phone=a_phone(), timezone="America/Los_Angeles", consent=consent)
    shown = verdict(world.bob, contact)
    assert (shown["allowed"], shown["reason"], shown["nextAllowed"]) == (False, "consent_denied", None)
    assert shown["windowCloses"] == "2026-03-03T04:00:00Z"
    night = verdict(world.bob, contact, "2026-03-02T10:00:00Z")
    assert (night["reasons"], night["nextAllowed"]) == (["consent_denied", "outside_window"], None)
    assert verdict(world.bob, contact, channel="sms")["allowed"] is True
    world.alice.put(f"/v1/contacts/{contact['id']}/consent", {"call": {"status": "unknown"}})
    assert verdict(world.bob, contact)["allowed"] is True


def test_who_asked_to_be_left_alone_is_contacted_on_no_channel(world: World) -> None:
    consent = {"doNotContact": True, "email": {"status": "denied"}}
    contact = world.alice.made(phone=a_phone(), consent=consent)
    for channel in ("call", "sms"):
        assert verdict(world.bob, contact, channel=channel)["reasons"] == ["do_not_contact"]
    mail = verdict(world.bob, contact, channel="email")
    assert (mail["reason"], mail["reasons"]) == (
        "do_not_contact",
        ["do_not_contact", "consent_denied", "no_address"],
    )


def test_a_deleted_contact_is_answered_and_shows_nothing(world: World, jane: Any) -> None:
    world.alice.remove(jane["id"])
    assert verdict(world.bob, jane) == {
        "allowed": False,
        "reason": "deleted",
        "reasons": ["deleted"],
        "localTime": None,
        "timezones": [],
        "timezoneSource": None,
        "windowCloses": None,
        "nextAllowed": None,
    }


def test_a_zone_that_the_installed_data_does_not_know_is_none(world: World, jane: Any) -> None:
    world.sql.execute(
        "update contacts set timezone = 'America/New_Split' where workspace_id = $1 and id = $2",
        world.acme,
        jane["id"],
    )
    shown = verdict(world.bob, jane)
    assert (shown["reasons"], shown["timezones"]) == (["no_timezone"], ["America/New_Split"])
    assert (shown["localTime"], shown["nextAllowed"]) == (None, None)
    assert world.bob.list(availableAt=NOON, channel="call").json() == []
    [default] = world.bob.get("/v1/send-windows").json()
    plan = world.bob.post(f"/v1/send-windows/{default['id']}/plan", {"at": NOON}).json()
    assert plan["unavailable"] == {"no_timezone": 1}


def test_the_default_window_counts_unless_it_is_for_other_channels(world: World, jane: Any) -> None:
    window(world, "Morning", ("mon", "09:00", "11:00"), channels=["call"], isDefault=True)
    window(world, "Zzz", ("mon", "00:00", "24:00"), channels=["sms"])
    assert verdict(world.bob, jane)["allowed"] is False
    # For text messages it is the first by name that is for them.
    assert verdict(world.bob, jane, channel="sms")["windowCloses"] == "2026-03-03T04:00:00Z"
    shown = verdict(world.bob, jane, channel="sms", window="Zzz")
    assert shown["windowCloses"] == "2026-03-03T08:00:00Z"


def test_a_change_of_the_window_counts_at_once_and_elsewhere_soon(
    world: World, jane: Any, second_http: Any
) -> None:
    assert verdict(world.bob, jane)["allowed"] is True
    world.alice.post("/v1/send-windows", {"preset": "fr", "channels": ["call"], "isDefault": True})
    assert verdict(world.bob, jane, "2026-03-02T21:30:00Z")["reasons"] == ["outside_window"]
    elsewhere = world.bob.at(second_http)
    assert verdict(elsewhere, jane, window="France démarchage téléphonique")["allowed"] is True


def test_all_that_is_wrong_is_said_at_once(world: World, jane: Any) -> None:
    answer = ask(world.bob, jane, "cal", at="yesterday", color="red")
    assert pointers(answer) == {
        "channel": "unknown_value",
        "at": "invalid_timestamp",
        "color": "unknown_parameter",
    }
    missing = world.bob.get(f"/v1/contacts/{jane['id']}/availability", at="2026-03-02T20:00:00")
    assert pointers(missing) == {"channel": "required", "at": "invalid_timestamp"}
    assert pointers(world.bob.get(f"/v1/contacts/{jane['id']}/availability")) == {"channel": "required"}


@pytest.mark.parametrize(
    "at",
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1999-06-01T00:00:00Z", "2100-06-01T00:00:00Z"],
)
def test_a_moment_too_long_ago_or_too_far_ahead_is_refused(world: World, jane: Any, at: str) -> None:
    answer = ask(world.bob, jane, at=at)
    assert (answer.status_code, pointers(answer)) == (400, {"at": "out_of_range"})


def test_every_second_of_those_years_is_answered(world: World, jane: Any) -> None:
    for at in ("2000-01-01T00:00:00+14:00", "2099-12-31T23:59:59-12:00"):
        verdict(world.bob, jane, at)


def test_a_window_that_is_unknown_or_for_other_channels_is_refused(world: World, jane: Any) -> None:
    window(world, "Office", ("mon", "09:00", "17:00"), channels=["email"])
    unknown = ask(world.bob, jane, window="Ofice")
    assert pointers(unknown) == {"window": "unknown_send_window"}
    assert unknown.json()["errors"][0]["suggestion"] == "Office"
    assert pointers(ask(world.bob, jane, window="Office")) == {"window": "wrong_channel"}
    [default] = [w for w in world.bob.get("/v1/send-windows").json() if w["isDefault"]]
    path = f"/v1/send-windows/{default['id']}"
    assert world.alice.request("PATCH", path, {"channels": ["email"]}).status_code == 200
    assert pointers(ask(world.bob, jane)) == {"channel": "wrong_channel"}


def test_what_a_key_cannot_see_does_not_exist(world: World, jane: Any) -> None:
    for caller in (world.carol, world.tom, world.caller(world.acme_two)):
        assert ask(caller, jane).status_code == 404
    assert ask(world.ada, jane).status_code == 200
    assert ask(world.bob, {"id": "0192"}).status_code == 404
    assert ask(world.bob, {"id": jane["id"].upper()}).status_code == 200
