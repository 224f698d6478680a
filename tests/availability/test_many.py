"""POST /v1/availability."""

from typing import Any

from contactory.base.ids import new_id
from tests.availability.test_get import NOON, verdict
from tests.world import Caller, World, a_phone, pointers

PATH = "/v1/availability"


def ask(caller: Caller, ids: Any, channel: str = "call", at: str = NOON, **more: Any) -> Any:
    return caller.post(PATH, {"ids": ids, "channel": channel, "at": at, **more})


def test_each_is_answered_in_the_order_asked(world: World) -> None:
    zones = ("America/Los_Angeles", "Asia/Tokyo", "Europe/Paris", None)
    made = [world.alice.made(phone=a_phone(), timezone=zone) for zone in zones]
    gone = world.alice.made(phone=a_phone())
    world.alice.remove(gone["id"])
    asked = [*reversed(made), gone, made[0]]
    answer = ask(world.bob, [contact["id"] for contact in asked])
    assert answer.status_code == 200, answer.text
    assert answer.json()["results"] == [
        {"id": contact["id"], "status": 200, "availability": verdict(world.bob, contact)} for contact in asked
    ]


def test_an_id_that_the_key_cannot_see_is_404_in_its_place(world: World) -> None:
    mine, theirs = world.alice.made(), world.carol.made()
    sibling = world.ada.made(workspaceId=world.acme_two, firstName="x")
    unknown = new_id()
    results = ask(world.bob, [theirs["id"], unknown, mine["id"].upper(), sibling["id"]]).json()["results"]
    assert [each["status"] for each in results] == [404, 404, 200, 404]
    assert [each["id"] for each in results] == [theirs["id"], unknown, mine["id"], sibling["id"]]
    problem = results[1]["problem"]
    assert (problem["type"], problem["instance"]) == ("/errors/not-found", "/v1/availability#/ids/1")
    assert "errors" not in problem


def test_a_thousand_are_answered_at_once(world: World) -> None:
    contact = world.alice.made(phone=a_phone())
    ids = [contact["id"], *[new_id() for _ in range(999)]]
    results = ask(world.bob, ids).json()["results"]
    assert [each["status"] for each in results] == [200] + [404] * 999
    assert pointers(ask(world.bob, [*ids, new_id()])) == {"/ids": "too_many"}


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    body = {"ids": ["0192", new_id(), 5], "channel": "fax", "at": "2026-03-02T20:00:00", "color": "red"}
    assert pointers(world.bob.post(PATH, body)) == {
        "/ids/0": "invalid_id",
        "/ids/2": "invalid_id",
        "/channel": "unknown_value",
        "/at": "invalid_timestamp",
        "/color": "unknown_field",
    }
    assert pointers(world.bob.post(PATH, {})) == {"/ids": "required", "/channel": "required"}
    assert pointers(ask(world.bob, [], window="Nope")) == {
        "/ids": "required",
        "/window": "unknown_send_window",
    }
    assert ask(world.ada, [new_id()], workspaceId=world.globex).status_code == 404


def test_an_account_key_need_not_say_in_which_workspace_the_contacts_are(world: World) -> None:
    mine = [world.alice.made(phone=a_phone(), timezone="Europe/Paris") for _ in range(2)]
    sibling = world.ada.made(workspaceId=world.acme_two, phone=a_phone(), timezone="Asia/Tokyo")
    others = [world.carol.made()["id"], world.tom.made()["id"], new_id()]
    asked = [mine[0], sibling, mine[1]]
    for workspace in ({}, {"workspaceId": ""}):
        answer = ask(world.ada, [*(contact["id"] for contact in asked), *others], **workspace)
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        assert [each["status"] for each in results] == [200, 200, 200, 404, 404, 404]
        assert [each["availability"] for each in results[:3]] == [verdict(world.ada, each) for each in asked]
    assert [each["status"] for each in ask(world.ada, others).json()["results"]] == [404] * 3
    assert pointers(ask(world.ada, [mine[0]["id"]], window="Nope")) == {"/window": "unknown_send_window"}
    assert pointers(ask(world.ada, ["x"], window="Nope")) == {"/ids/0": "invalid_id"}


def test_it_is_a_question_and_takes_no_dry_run(world: World) -> None:
    answer = world.bob.post(PATH, {"ids": [new_id()], "channel": "call"}, dryRun=True)
    assert pointers(answer) == {"dryRun": "unknown_parameter"}
