"""The number that a user has seen is the number that a bulk change changes, over HTTP."""

from typing import Any

import pytest

from contactory.contacts.pages.bulk import PIECE
from tests.dashboard.test_many import do, some
from tests.dashboard.test_search import settle
from tests.world import Person, World


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def count(person: Person, world: World, query: str = "") -> Any:
    return person.get(f"/w/{world.acme}/contacts/count?exact=1&{query}", script=True).json()["count"]


def test_another_number_than_the_one_seen_changes_nothing(world: World, olive: Person) -> None:
    ids = some(world, 3, lastName="Doe")
    some(world, 2, lastName="Roe")
    settle(world, 5)
    assert (count(olive, world), count(olive, world, "q=doe")) == (5, 3)
    # The search was cleared after the number was read.
    for action, more in (("addTags", {"tags": "x"}), ("delete", {}), ("set", {"firstName": "x"})):
        problem = do(olive, world, action, 409, all="1", back="", expected="3", form=more)
        [error] = problem["errors"]
        assert (error["code"], error["suggestion"]) == ("count_changed", "5")
        assert error["detail"].startswith("5 contacts match now, not 3, so nothing was changed")
    assert all(len(world.alice.history(i).json()) == 1 for i in ids)
    found = do(olive, world, "addTags", all="1", back="q=doe", expected="3", tags="x")
    assert (len(found["changed"]), found["next"]) == (3, None)
    do(olive, world, "delete", 400, all="1", back="", expected="x")
    do(olive, world, "delete", 400, all="1", back="", expected="0")
    do(olive, world, "delete", 400, all="1", back="", until="yesterday")


def test_contacts_that_are_created_in_the_middle_are_left_alone(world: World, olive: Person) -> None:
    number = PIECE + 3
    some(world, number)
    first = do(olive, world, "addTags", all="1", back="", expected=f"{number}", tags="x")
    assert len(first["changed"]) == PIECE
    [late] = some(world, 1)
    form = {"back": "", "until": first["until"], "cursor": first["next"], "tags": "x"}
    # Neither because of their time, nor, without it, because of the number.
    rest = do(olive, world, "addTags", all="1", expected="3", form=form)
    assert (len(rest["changed"]), rest["next"]) == (3, None)
    form = {**form, "until": "", "tags": "y"}
    rest = do(olive, world, "addTags", all="1", expected="3", form=form)
    assert (len(rest["changed"]), rest["next"]) == (3, None)
    assert world.alice.read(late)["tags"] == []


def test_a_long_list_is_counted_exactly(world: World, olive: Person) -> None:
    world.sql.execute(
        """insert into contacts (workspace_id, id, tag_ids, fields, version, created_at, updated_at)
           select $1, gen_random_uuid(), '{}', '{}', 1, now(), now() from generate_series(1, 10002)""",
        world.acme,
    )
    assert "more than 10,000" in olive.get(f"/w/{world.acme}/contacts/count", script=True).text
    assert count(olive, world) == 10002
