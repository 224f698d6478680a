"""PATCH and DELETE /v1/send-windows/{id}."""

from typing import Any

import pytest

from tests.send_windows.test_create import OFFICE, PATH
from tests.world import World, at_once, pointers


@pytest.fixture
def office(world: World) -> dict[str, Any]:
    return world.alice.post(PATH, OFFICE).json()


def patch(world: World, window: dict[str, Any], changes: Any, **more: Any) -> Any:
    return world.alice.request("PATCH", f"{PATH}/{window['id']}", changes, **more)


def default(world: World) -> dict[str, Any]:
    [found] = [window for window in world.bob.get(PATH).json() if window["isDefault"]]
    return found


def test_only_what_is_sent_changes(world: World, office: dict[str, Any]) -> None:
    days = [{"day": "fri", "from": "22:00", "to": "02:00"}]
    changed = patch(world, office, {"days": days}).json()
    assert changed["days"] == days
    assert changed["updatedAt"] > office["updatedAt"]
    assert {**changed, "days": 0, "updatedAt": 0} == {**office, "days": 0, "updatedAt": 0}
    renamed = patch(world, office, {"name": " Desk ", "holidays": ["2026-12-25"], "channels": ["sms"]}).json()
    assert (renamed["name"], renamed["holidays"], renamed["channels"]) == ("Desk", ["2026-12-25"], ["sms"])
    assert world.bob.get(f"{PATH}/{office['id']}").json() == renamed


def test_a_change_that_changes_nothing_leaves_it_alone(world: World, office: dict[str, Any]) -> None:
    same = {name: office[name] for name in ("name", "channels", "days", "holidays", "isDefault")}
    assert patch(world, office, same).json() == office


def test_making_it_the_default_takes_that_from_the_other(world: World, office: dict[str, Any]) -> None:
    before = default(world)
    assert patch(world, office, {"isDefault": True}).json()["isDefault"] is True
    assert default(world)["name"] == "Office"
    assert world.bob.get(f"{PATH}/{before['id']}").json()["updatedAt"] > before["updatedAt"]


def test_one_window_has_to_be_the_default(world: World, office: dict[str, Any]) -> None:
    answer = patch(world, default(world), {"isDefault": False})
    assert (answer.status_code, pointers(answer)) == (409, {"/isDefault": "default_window"})
    assert patch(world, office, {"isDefault": False}).json() == office


def test_of_many_that_want_to_be_the_default_one_is(world: World) -> None:
    made = [world.alice.post(PATH, {**OFFICE, "name": f"w{n}"}).json() for n in range(5)]
    answers = at_once(*[lambda w=window: patch(world, w, {"isDefault": True}) for window in made])
    assert {answer.status_code for answer in answers} == {200}
    default(world)


def test_a_name_that_is_taken_is_a_conflict(world: World, office: dict[str, Any]) -> None:
    answer = patch(world, office, {"name": "Default"})
    assert (answer.status_code, pointers(answer)) == (409, {"/name": "taken"})


def test_all_that_is_wrong_is_said_at_once(world: World, office: dict[str, Any]) -> None:
    body = {"name": "", "days": [{"day": "mon", "from": "25:00", "to": "x"}], "channels": ["x"], "y": 1}
    assert pointers(patch(world, office, body)) == {
        "/name": "wrong_length",
        "/days/0/from": "invalid_time",
        "/days/0/to": "invalid_time",
        "/channels/0": "unknown_value",
        "/y": "unknown_field",
    }
    assert pointers(patch(world, office, {})) == {"": "no_fields"}


def test_a_dry_run_keeps_nothing(world: World, office: dict[str, Any]) -> None:
    assert patch(world, office, {"name": "Desk", "isDefault": True}, dryRun=True).json()["name"] == "Desk"
    assert world.alice.delete(f"{PATH}/{office['id']}", dryRun=True).status_code == 204
    assert world.bob.get(f"{PATH}/{office['id']}").json() == office
    assert default(world)["name"] == "Default"


def test_a_window_is_deleted(world: World, office: dict[str, Any]) -> None:
    assert world.wendy.delete(f"{PATH}/{office['id']}").status_code == 204
    assert world.wendy.delete(f"{PATH}/{office['id']}").status_code == 404
    assert patch(world, office, {"name": "x"}).status_code == 404
    assert world.wendy.post(PATH, OFFICE).status_code == 201


def test_the_default_is_deleted_only_when_another_one_has_taken_its_place(
    world: World, office: dict[str, Any]
) -> None:
    first = default(world)
    answer = world.wendy.delete(f"{PATH}/{first['id']}")
    assert answer.status_code == 409
    assert "make another one the default" in answer.json()["detail"]
    patch(world, office, {"isDefault": True})
    assert world.wendy.delete(f"{PATH}/{first['id']}").status_code == 204
    assert [window["name"] for window in world.bob.get(PATH).json()] == ["Office"]
