"""How many of a thing a workspace may have: so many, and not one more when several come at once."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from contactory.contacts.pages.saved_views import MOST_VIEWS
from tests.conftest import client_of
from tests.servers import Sql, running, sql_at
from tests.waiting import until_waiting
from tests.world import Caller, Person, World, at_once

MOST = 3


@pytest.fixture(scope="module")
def limited(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[list[httpx.Client]]:
    """Two server processes with low limits."""
    limits: dict[str, Any] = {"max_tags": MOST, "max_custom_fields": MOST, "max_send_windows": MOST + 1}
    folder = tmp_path_factory.mktemp("limits")
    with (
        running(folder / "one.log", database_url=database_url, **limits) as one,
        running(folder / "two.log", database_url=database_url, **limits) as two,
        client_of(one) as first,
        client_of(two) as second,
    ):
        yield [first, second]


def a_field(caller: Caller, name: str) -> int:
    return caller.post("/v1/custom-fields", {"name": name, "type": "text"}).status_code


def a_window(caller: Caller, name: str) -> int:
    days = [{"day": "mon", "from": "09:00", "to": "17:00"}]
    body = {"name": name, "channels": ["sms"], "days": days}
    return caller.post("/v1/send-windows", body).status_code


def a_tag(caller: Caller, name: str) -> int:
    return caller.create({"firstName": "Jane", "tags": [name]}).status_code


def a_tag_by_key(caller: Caller, name: str) -> int:
    answer = caller.create({"firstName": "Jane", "tags": [name]}, headers={"idempotency-key": name})
    return answer.status_code


def a_tag_by_patch(caller: Caller, name: str) -> int:
    return caller.patch(caller.made()["id"], {"tags": [name]}).status_code


@pytest.mark.parametrize("make", [a_field, a_window, a_tag, a_tag_by_key, a_tag_by_patch])
def test_no_more_are_made_at_once_than_there_may_be(
    world: World, limited: list[httpx.Client], make: Callable[[Caller, str], int]
) -> None:
    callers = [world.alice.at(http) for http in limited]
    statuses = at_once(*(lambda n=n: make(callers[n % 2], f"name {n}") for n in range(12)))
    assert sorted(statuses) == [201 if make is not a_tag_by_patch else 200] * MOST + [409] * (12 - MOST)


@contextmanager
def made_meanwhile(world: World, insert: str) -> Generator[None]:
    """The block goes on beside another transaction that holds the workspace and makes one more."""
    with sql_at(world.sql.url) as other:
        other.execute("begin")
        other.execute("select from workspaces where id = $1 for no key update", world.acme)
        other.execute(insert, world.acme)
        yield
        until_waiting(world.sql)
        other.execute("commit")


def test_a_tag_that_is_being_made_counts(world: World, limited: list[httpx.Client]) -> None:
    alice, statuses = world.alice.at(limited[0]), list[int]()
    alice.made(tags=["one", "two"])
    asking = threading.Thread(target=lambda: statuses.append(a_tag(alice, "four")))
    insert = "insert into tags (workspace_id, name, created_at) values ($1, 'three', now())"
    with made_meanwhile(world, insert):
        asking.start()
    asking.join()
    assert statuses == [409]


def test_a_view_that_is_being_made_counts(world: World) -> None:
    olive, statuses = world.person(), list[int]()
    _fill_views(world.sql, world.acme, MOST_VIEWS - 1)
    insert = """insert into saved_views (workspace_id, id, user_id, name, query, created_at)
                values ($1, gen_random_uuid(), null, 'A view', '', now())"""
    asking = threading.Thread(target=lambda: statuses.append(_view(world, olive)))
    with made_meanwhile(world, insert):
        asking.start()
    asking.join()
    assert statuses == [409]


def test_the_last_view_is_kept_and_the_next_one_refused(world: World) -> None:
    olive = world.person()
    _fill_views(world.sql, world.acme, MOST_VIEWS - 1)
    statuses = at_once(*(lambda: _view(world, olive) for _ in range(5)))
    assert sorted(statuses) == [303] + [409] * 4


def _fill_views(sql: Sql, workspace_id: str, count: int) -> None:
    sql.execute(
        """insert into saved_views (workspace_id, id, user_id, name, query, created_at)
           select $1, gen_random_uuid(), null, 'A view', '', now() from generate_series(1, $2::int)""",
        workspace_id,
        count,
    )


def _view(world: World, person: Person) -> int:
    return person.post(f"/w/{world.acme}/contacts/views", {"name": "Mine", "back": ""}).status_code


def changed(caller: Caller, contact_id: str, **values: Any) -> tuple[int, str | None]:
    """The status of a PATCH, and what is wrong with it."""
    answer = caller.patch(contact_id, values)
    code = answer.json()["errors"][0]["code"] if answer.status_code == 400 else None
    return answer.status_code, code


TOO_MANY, TOO_LONG, DONE = (400, "too_many_tags"), (400, "too_long"), (200, None)


@pytest.fixture
def low(world: World, private_server: Callable[..., httpx.Client]) -> Caller:
    """Alice, where a contact may carry two tags and a thousand characters."""
    for name in ("A", "B"):
        world.field(name)
    return world.alice.at(private_server(max_tags_per_contact=2, max_custom_characters=1000))


def test_a_contact_may_be_just_at_its_limits_and_not_beyond(low: Caller) -> None:
    full = {"tags": ["a", "b"], "customFields": {"A": "x" * 600, "B": "y" * 400}}
    beyond = {"tags": ["a", "b", "c"], "customFields": {"A": "x" * 600, "B": "y" * 401}}
    contact_id = low.made()["id"]
    assert low.create(full).status_code == 201
    assert low.create(full, headers={"idempotency-key": "full"}).status_code == 201
    assert changed(low, contact_id, **full) == DONE
    for name, code in (("tags", "too_many_tags"), ("customFields", "too_long")):
        assert low.create({name: beyond[name]}).json()["errors"][0]["code"] == code
        assert changed(low, low.made()["id"], **{name: beyond[name]}) == (400, code)
    assert changed(low, contact_id, tags=["b", "c"]) == TOO_MANY
    assert changed(low, contact_id, customFields={"B": "y" * 401}) == TOO_LONG
    assert low.read(contact_id)["tags"] == ["a", "b"]


def test_a_contact_over_limits_that_were_lowered_may_come_nearer_to_them(world: World, low: Caller) -> None:
    values = {"A": "x" * 2000, "B": "y" * 2000}
    contact_id = world.alice.made(tags=["a", "b", "c", "d"], customFields=values)["id"]
    assert changed(low, contact_id, firstName="June") == DONE
    assert changed(low, contact_id, tags=["a"]) == DONE
    assert changed(low, contact_id, tags=["e"]) == TOO_MANY
    assert low.set_tags(contact_id, ["a", "b", "c", "e"]).status_code == 200
    assert low.set_tags(contact_id, ["a", "b", "e"]).status_code == 200
    assert low.set_tags(contact_id, ["a", "b", "c", "d"]).status_code == 400
    assert changed(low, contact_id, customFields={"A": "z" * 2000}) == DONE
    assert changed(low, contact_id, customFields={"A": "z" * 2001}) == TOO_LONG
    assert changed(low, contact_id, customFields={"A": "z" * 1999}) == DONE
    assert changed(low, contact_id, customFields={"A": "z" * 2000}) == TOO_LONG
