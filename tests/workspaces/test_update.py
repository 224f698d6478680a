"""PATCH /v1/workspaces/{id}."""

from typing import Any

import httpx
import pytest

from tests.world import Caller, World, a_phone, pointers


def update(caller: Caller, workspace_id: str, changes: Any, **more: Any) -> httpx.Response:
    return caller.request("PATCH", f"/v1/workspaces/{workspace_id}", changes, **more)


def test_only_what_is_sent_changes(world: World) -> None:
    before = world.alice.get(f"/v1/workspaces/{world.acme}").json()
    after = update(world.alice, world.acme, {"state": " NY ", "country": "US"}).json()
    assert after == {**before, "state": "NY", "country": "US", "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] > before["updatedAt"]


def test_null_and_an_empty_string_clear(world: World) -> None:
    update(world.alice, world.acme, {"zip": "1", "timezone": "Europe/Paris", "contactPhone": a_phone()})
    cleared = update(world.alice, world.acme, {"zip": "", "timezone": None, "contactPhone": None}).json()
    assert (cleared["zip"], cleared["timezone"], cleared["contactPhone"]) == (None, None, None)


def test_what_changes_nothing_leaves_the_time_of_the_last_change(world: World) -> None:
    after = update(world.alice, world.acme, {"state": "NY"}).json()
    assert update(world.alice, world.acme, {"state": "NY"}).json() == after


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, {"": "no_fields"}),
        ({"name": None}, {"/name": "wrong_type"}),
        ({"name": "  "}, {"/name": "wrong_length"}),
        ({"mode": "live"}, {"/mode": "fixed", "": "no_fields"}),
        ({"mode": "test", "zip": "1"}, {"/mode": "fixed"}),
        ({"timezone": ""}, {"/timezone": "unknown_timezone"}),
    ],
)
def test_what_cannot_be_is_refused(world: World, changes: Any, wrong: dict[str, str]) -> None:
    answer = update(world.alice, world.acme, changes)
    assert (answer.status_code, pointers(answer)) == (400, wrong)


def test_the_phone_is_read_in_the_country_that_comes_with_it_else_in_the_stored_one(world: World) -> None:
    assert pointers(update(world.alice, world.acme, {"contactPhone": "020 7946 0958"})) == {
        "/contactPhone": "no_country_code"
    }
    both = update(world.alice, world.acme, {"contactPhone": "020 7946 0958", "country": "GB"})
    assert both.json()["contactPhone"] == "+442079460958"
    stored = update(world.alice, world.acme, {"contactPhone": "020 7946 0959"})
    assert stored.json()["contactPhone"] == "+442079460959"


def test_contacts_are_made_by_the_new_country_and_zone_at_once(
    world: World, second_http: httpx.Client
) -> None:
    elsewhere = world.wendy.at(second_http)
    for caller in (world.wendy, elsewhere):
        assert caller.create({"phone": "020 7946 0960"}).status_code == 400
        assert caller.made(firstName="Jane")["timezone"] is None
    update(world.alice, world.acme, {"country": "GB", "timezone": "Asia/Tokyo"})
    for caller, phone in ((world.wendy, "020 7946 0961"), (elsewhere, "020 7946 0962")):
        assert caller.made(phone=phone)["timezone"] == "Europe/London"
        assert caller.made(firstName="Jane")["timezone"] == "Asia/Tokyo"


def test_it_needs_admin_and_reaches_only_what_the_key_sees(world: World) -> None:
    assert update(world.wendy, world.acme, {"zip": "1"}).status_code == 403
    assert update(world.alice, world.acme_two, {"zip": "1"}).status_code == 404
    assert update(world.carol, world.acme, {"zip": "1"}).status_code == 404
    assert update(world.ada, world.acme_test, {"zip": "1"}).status_code == 404
    assert update(world.ada, world.acme_two, {"zip": "1"}).status_code == 200


def test_a_dry_run_keeps_nothing(world: World) -> None:
    before = world.alice.get(f"/v1/workspaces/{world.acme}").json()
    assert update(world.alice, world.acme, {"country": "GB"}, dryRun=True).json()["country"] == "GB"
    assert world.alice.get(f"/v1/workspaces/{world.acme}").json() == before
    assert world.alice.create({"phone": "020 7946 0963"}).status_code == 400
