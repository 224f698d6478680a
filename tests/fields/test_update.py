"""PATCH /v1/custom-fields/{id}: names and positions; types are in test_change_type.py."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.servers import sql_at
from tests.waiting import until_waiting
from tests.world import World, at_once, pointers

PATH = "/v1/custom-fields"


def make(world: World, *names: str) -> list[dict[str, Any]]:
    return [world.alice.post(PATH, {"name": name, "type": "text"}).json() for name in names]


def patch(caller: Any, field: dict[str, Any], changes: Any, **more: Any) -> Any:
    return caller.request("PATCH", f"{PATH}/{field['id']}", changes, **more)


def names(world: World) -> list[str]:
    fields = world.alice.get(PATH).json()
    assert [field["position"] for field in fields] == list(range(len(fields)))
    return [field["name"] for field in fields]


def test_a_rename_keeps_the_values(world: World) -> None:
    [field] = make(world, "Lead Source")
    made = world.alice.made(customFields={"Lead Source": "Website"})
    answer = patch(world.wendy, field, {"name": "Source"})
    assert answer.status_code == 200
    assert answer.json() == {**field, "name": "Source", "updatedAt": answer.json()["updatedAt"]}
    assert answer.json()["updatedAt"] > field["updatedAt"]
    assert world.alice.read(made["id"])["customFields"] == {"Source": "Website"}
    assert pointers(world.alice.patch(made["id"], {"customFields": {"Lead Source": "x"}})) == {
        "/customFields/Lead Source": "unknown_custom_field"
    }


def test_the_name_of_another_field_is_refused(world: World) -> None:
    a, _ = make(world, "a", "b")
    answer = patch(world.alice, a, {"name": "b", "position": 1})
    assert (answer.status_code, pointers(answer)) == (409, {"/name": "taken"})
    assert names(world) == ["a", "b"]
    assert patch(world.alice, a, {"name": "B"}).status_code == 200


@pytest.mark.parametrize(
    ("moved", "position", "order"), [("a", 2, "bcad"), ("d", 0, "dabc"), ("b", 1, "abcd"), ("b", 50, "acdb")]
)
def test_a_move_shifts_the_others(world: World, moved: str, position: int, order: str) -> None:
    fields = {field["name"]: field for field in make(world, *"abcd")}
    answer = patch(world.alice, fields[moved], {"position": position})
    assert answer.json()["position"] == order.index(moved)
    assert names(world) == list(order)


def test_moves_at_once_leave_no_gap(world: World) -> None:
    fields = make(world, *"abcdef")
    moves = [lambda f=f, n=n: patch(world.alice, f, {"position": n}) for n, f in enumerate(reversed(fields))]
    assert {answer.status_code for answer in at_once(*moves)} == {200}
    assert sorted(names(world)) == list("abcdef")


def test_what_changes_nothing_leaves_updated_at_alone(world: World) -> None:
    [field] = make(world, "a")
    assert patch(world.alice, field, {"name": "a", "type": "text", "position": 0}).json() == field


def test_at_least_one_field_must_be_provided(world: World) -> None:
    [field] = make(world, "a")
    assert pointers(patch(world.alice, field, {})) == {"": "no_fields"}
    assert pointers(patch(world.alice, field, {"name": None, "type": "x"})) == {
        "/name": "wrong_type",
        "/type": "unknown_value",
    }


def test_a_dry_run_keeps_nothing(world: World) -> None:
    [field] = make(world, "a")
    answer = patch(world.alice, field, {"name": "b"}, dryRun=True)
    assert (answer.status_code, answer.json()["name"]) == (200, "b")
    assert world.alice.get(f"{PATH}/{field['id']}").json() == field


def test_an_outsider_changes_nothing(world: World) -> None:
    [field] = make(world, "a")
    assert patch(world.carol, field, {"name": "b"}).status_code == 404
    assert patch(world.tom, field, {"name": "b"}).status_code == 404
    assert patch(world.ada, field, {"name": "b"}).status_code == 200


def test_writes_during_renames_all_find_the_field(world: World) -> None:
    [field] = make(world, "f0")
    contacts = [world.alice.made() for _ in range(4)]

    def write(contact: dict[str, Any]) -> None:
        for n in range(10):
            name = next(iter(world.alice.get(PATH).json()))["name"]
            answer = world.alice.patch(contact["id"], {"customFields": {name: str(n)}})
            assert answer.status_code == 200 or pointers(answer) == {
                f"/customFields/{name}": "unknown_custom_field"
            }

    def rename() -> None:
        for n in range(10):
            assert patch(world.alice, field, {"name": f"f{n + 1}"}).status_code == 200

    at_once(rename, *[lambda c=c: write(c) for c in contacts])
    for contact in contacts:
        assert list(world.alice.read(contact["id"])["customFields"]) in ([], ["f10"])


def test_a_read_under_way_does_not_bring_an_old_name_back(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    field_id = world.field("Old")
    contact_id = world.alice.made(customFields={"Old": "x"})["id"]
    alice = world.alice.at(private_server(statement_timeout=60))
    with sql_at(world.sql.url) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("begin")
        holder.execute("lock table send_windows in access exclusive mode")  # The last that a catalogue reads.
        reading = pool.submit(alice.fetch, contact_id)
        until_waiting(world.sql, "relation")
        assert alice.request("PATCH", f"/v1/custom-fields/{field_id}", {"name": "New"}).status_code == 200
        holder.execute("commit")
        assert reading.result().status_code == 200
        assert alice.read(contact_id)["customFields"] == {"New": "x"}
