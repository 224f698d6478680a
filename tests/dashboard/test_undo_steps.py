"""Undo and redo by id and version: also deletions, restorations and creations, over HTTP."""

import pytest

from contactory.contacts.write.undo import DELETED, TOUCHED
from tests.dashboard.test_contact_page import at, take_back
from tests.dashboard.test_many import do, named, some
from tests.world import Person, World


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def shows(world: World, contact_id: str) -> bool:
    return world.alice.fetch(contact_id).status_code == 200


def test_every_step_goes_back_and_forth_again(world: World, olive: Person) -> None:
    ids = some(world, 3, lastName="Doe")
    steps = [do(olive, world, "set", contact=named(ids), lastName="Roe")["changed"]]
    steps.append(do(olive, world, "addTags", contact=steps[0], tags="x")["changed"])
    steps.append(do(olive, world, "delete", contact=steps[1])["changed"])
    for _ in range(2):
        for end in (False, True):
            # What an undo returns undoes the undo.
            for place in (0, 1, 2) if end else (2, 1, 0):
                found = do(olive, world, "undo", contact=steps[place])
                assert (len(found["changed"]), found["refused"]) == (3, {}), (end, place)
                steps[place] = found["changed"]
            assert [shows(world, i) for i in ids] == [not end] * 3
            if not end:
                shown = [world.alice.read(i) for i in ids]
                assert [(c["lastName"], c["tags"]) for c in shown] == [("Doe", [])] * 3


def test_a_creation_is_undone_unless_the_contact_has_been_changed(world: World, olive: Person) -> None:
    one, two, three = some(world)
    world.alice.patch(one, {"lastName": "Roe"})
    world.alice.patch(two, {"lastName": "Roe"})
    assert take_back(olive, world, two, 2).status_code == 303
    found = do(olive, world, "undo", contact=named([one, two, three]))
    assert found["refused"] == {TOUCHED: 1}
    assert [shows(world, i) for i in (one, two, three)] == [True, False, False]
    again = do(olive, world, "undo", contact=found["changed"])
    assert len(again["changed"]) == 2
    world.alice.patch(three, {"lastName": "Poe"})
    assert do(olive, world, "undo", contact=again["changed"])["refused"] == {TOUCHED: 1}
    assert [shows(world, i) for i in (one, two, three)] == [True, False, True]
    world.alice.remove(one)
    assert do(olive, world, "undo", contact=[f"{one}:2"])["refused"] == {DELETED: 1}


def test_a_change_that_was_undone_and_redone_counts_as_a_change_since(world: World, olive: Person) -> None:
    [one] = some(world, 1)
    world.alice.patch(one, {"lastName": "Roe"})
    for version in (2, 3):
        assert take_back(olive, world, one, version).status_code == 303
    assert world.alice.read(one)["lastName"] == "Roe"
    assert do(olive, world, "undo", contact=[f"{one}:1"])["refused"] == {TOUCHED: 1}
    assert take_back(olive, world, one, 4).status_code == 303
    assert len(do(olive, world, "undo", contact=[f"{one}:1"])["changed"]) == 1


def test_the_undo_of_an_earlier_change_counts_as_a_change_since(world: World, olive: Person) -> None:
    [one] = some(world, 1)
    world.alice.patch(one, {"lastName": "Roe"})
    world.alice.remove(one)
    [restored] = do(olive, world, "undo", contact=[f"{one}:3"])["changed"]
    assert take_back(olive, world, one, 2).status_code == 303
    assert do(olive, world, "undo", contact=[restored])["refused"] == {TOUCHED: 1}
    assert shows(world, one)


def test_a_page_lets_its_scripts_undo_what_its_form_has_done(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    kinds = [
        ("", {"firstName": "June"}, f"changed.{made['id']}.2.0"),
        ("", {"firstName": "June"}, None),
        ("undo", {"version": "2"}, f"undone.{made['id']}.3.2"),
        ("delete", {}, f"deleted.{made['id']}.4.0"),
        ("restore", {}, f"restored.{made['id']}.5.0"),
    ]
    for what, form, step in kinds:
        answer = olive.post(at(world, made["id"], what), form)
        assert answer.status_code == 303
        assert answer.cookies.get("contactory-step") == step
    answer = olive.post(at(world, "new"), {"firstName": "June"})
    assert (answer.cookies.get("contactory-step") or "").startswith("created.")
