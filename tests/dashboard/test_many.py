"""Many contacts at once, over HTTP: piece by piece, each contact as by itself, and back again."""

import json
from typing import Any

import pytest

from contactory.contacts.pages.bulk import PIECE
from tests.dashboard.test_search import settle
from tests.world import Person, World, a_phone


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def do(
    person: Person, world: World, action: str, status: int = 200, form: Any = None, **more: Any
) -> dict[str, Any]:
    given = {"action": action, **(form or {}), **more}
    answer = person.post(f"/w/{world.acme}/contacts/many", given, hx_request="true")
    assert answer.status_code == status, answer.text
    return answer.json()


def some(world: World, count: int = 3, **fields: Any) -> list[str]:
    operations = ({"op": "create", "data": {"firstName": f"{i}", **fields}} for i in range(count))
    results = world.alice.batch(*operations).json()["results"]
    return [result["contact"]["id"] for result in results]


def named(ids: list[str], version: int = 1) -> list[str]:
    return [f"{contact_id}:{version}" for contact_id in ids]


def test_tags_are_added_and_taken_off(world: World, olive: Person) -> None:
    ids = some(world)
    world.alice.set_tags(ids[0], ["new", "old"])
    found = do(olive, world, "addTags", contact=named(ids), tags=["new", "old"])
    assert (len(found["changed"]), found["same"], found["refused"]) == (2, 1, {})
    assert all(world.alice.read(i)["tags"] == ["new", "old"] for i in ids)
    found = do(olive, world, "removeTags", contact=named(ids), tags=["old", "never"])
    assert len(found["changed"]) == 3
    assert all(world.alice.read(i)["tags"] == ["new"] for i in ids)


def test_a_field_is_set_and_cleared(world: World, olive: Person) -> None:
    world.field("MRR", "number")
    number = world.sql.value("select 'field-' || num from custom_fields where workspace_id = $1", world.acme)
    ids = some(world)
    assert len(do(olive, world, "set", contact=named(ids), form={number: "5"})["changed"]) == 3
    assert world.alice.read(ids[0])["customFields"] == {"MRR": "5"}
    assert len(do(olive, world, "set", contact=named(ids), form={number: ""})["changed"]) == 3
    assert world.alice.read(ids[0])["customFields"] == {}


def test_what_is_refused_is_said_and_the_others_go_on(world: World, olive: Person) -> None:
    ids = some(world)
    world.alice.remove(ids[1])
    found = do(olive, world, "addTags", contact=named(ids), tags=["x"])
    assert len(found["changed"]) == 2
    assert list(found["refused"].values()) == [1]
    assert "The resource does not exist" in next(iter(found["refused"]))


def test_what_is_wrong_for_all_is_refused_at_once(world: World, olive: Person) -> None:
    ids = named(some(world))
    do(olive, world, "addTags", 400, contact=ids)
    do(olive, world, "addTags", 400, contact=ids, tags=[" "])
    do(olive, world, "set", 400, contact=ids)
    do(olive, world, "set", 400, contact=ids, timezone="Nowhere")
    do(olive, world, "drop", 400, contact=ids)
    do(olive, world, "delete", 400)
    do(olive, world, "delete", 400, contact=[f"{ids[0]}x", "nonsense", ""])
    do(olive, world, "delete", 400, all="1", cursor="x")
    do(olive, world, "delete", 400, all="1", back="where=nobody:is:x")
    assert len(world.alice.list().json()) == 3


def test_all_that_match_are_changed_piece_by_piece(world: World, olive: Person) -> None:
    count = PIECE + 5
    some(world, count, tags=["mine"])
    others = some(world, 2)
    changed, cursor = 0, ""
    for _ in range(2):
        found = do(
            olive, world, "removeTags", all="1", back="where=tags:has:mine", cursor=cursor, tags="mine"
        )
        changed += len(found["changed"])
        cursor = found["next"]
    assert (changed, cursor) == (count, None)
    assert world.alice.list(tag="mine", count=True).headers["x-total-count"] == "0"
    assert all(world.alice.read(i)["tags"] == [] for i in others)


def test_all_that_a_search_finds_are_changed(world: World, olive: Person) -> None:
    some(world, 3, lastName="Doe")
    some(world, 2, lastName="Roe")
    settle(world, 5)
    found = do(olive, world, "addTags", all="1", back="q=doe", tags="doe")
    assert len(found["changed"]) == 3


@pytest.mark.parametrize("action", ["addTags", "set", "delete"])
def test_what_was_done_is_undone(world: World, olive: Person, action: str) -> None:
    ids = some(world, 3, lastName="Doe", tags=["old"])
    before = [world.alice.read(i) for i in ids]
    form = {"addTags": {"tags": "new"}, "set": {"lastName": "Roe"}, "delete": {}}[action]
    done = do(olive, world, action, form=form, contact=named(ids))
    assert len(done["changed"]) == 3
    undone = do(olive, world, "undo", contact=done["changed"])
    assert (len(undone["changed"]), undone["refused"]) == (3, {})
    keys = ("lastName", "tags")
    assert [[world.alice.read(i)[k] for k in keys] for i in ids] == [[b[k] for k in keys] for b in before]


def test_an_undo_leaves_alone_what_was_changed_since(world: World, olive: Person) -> None:
    ids = some(world)
    done = do(olive, world, "set", contact=named(ids), lastName="Roe")
    world.alice.patch(ids[0], {"lastName": "Poe"})
    undone = do(olive, world, "undo", contact=done["changed"])
    assert len(undone["changed"]) == 2
    assert "changed again since" in next(iter(undone["refused"]))
    assert world.alice.read(ids[0])["lastName"] == "Poe"


def test_nothing_of_another_workspace_is_touched(world: World, olive: Person) -> None:
    theirs = world.carol.made(firstName="Carol", phone=a_phone())
    found = do(olive, world, "delete", contact=[f"{theirs['id']}:1"])
    assert (found["changed"], list(found["refused"].values())) == ([], [1])
    do(olive, world, "delete", all="1", back="")
    assert world.carol.read(theirs["id"]) == theirs


def test_too_many_named_at_once_are_refused(world: World, olive: Person) -> None:
    [contact_id] = some(world, 1)
    many = [contact_id, *(f"019297c4-0000-7000-8000-{i:012}" for i in range(PIECE))]
    problem = do(olive, world, "delete", 400, contact=named(many))
    assert json.dumps(PIECE) in problem["detail"]
