"""PUT /v1/contacts/{id}/tags and DELETE /v1/contacts/{id}/tags/{name}."""

from urllib.parse import quote

import httpx
import pytest

from tests.world import Caller, World, pointers


def take_off(caller: Caller, contact_id: str, name: str) -> int:
    return caller.delete(f"/v1/contacts/{contact_id}/tags/{quote(name, safe='')}").status_code


def test_the_set_is_replaced(world: World) -> None:
    made = world.alice.made(tags=["gold", "vip"])
    answer = world.wendy.set_tags(made["id"], ["vip", " new "])
    assert (answer.status_code, answer.json()["tags"]) == (200, ["new", "vip"])
    assert world.alice.read(made["id"]) == answer.json()


def test_an_empty_set_takes_all_tags_off(world: World) -> None:
    made = world.alice.made(tags=["gold", "vip"])
    assert world.alice.set_tags(made["id"], []).json()["tags"] == []


def test_replacing_a_set_with_itself_leaves_no_trace(world: World) -> None:
    made = world.alice.made(tags=["gold", "vip"])
    answer = world.alice.set_tags(made["id"], ["vip", "gold", "vip"])
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, made, '"1"')
    assert len(world.alice.history(made["id"]).json()) == 1


@pytest.mark.parametrize(
    "body", [{}, {"tags": None}, {"tags": "vip"}, {"tags": [1]}, {"tags": [""]}, {"tags": [], "x": 1}]
)
def test_a_set_that_is_none_is_refused(world: World, body: object) -> None:
    made = world.alice.made(tags=["vip"])
    refused = world.alice.put(f"/v1/contacts/{made['id']}/tags", body)
    assert refused.status_code == 400
    assert pointers(refused)
    assert world.alice.read(made["id"]) == made


def test_a_tag_is_taken_off(world: World) -> None:
    made = world.alice.made(tags=["gold", "vip"])
    answer = world.wendy.delete(f"/v1/contacts/{made['id']}/tags/vip")
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.alice.read(made["id"])["tags"] == ["gold"]


def test_taking_off_what_was_not_attached_is_no_error_and_leaves_no_trace(world: World) -> None:
    made, other = world.alice.made(tags=["gold"]), world.alice.made(tags=["vip"])
    assert take_off(world.alice, made["id"], "vip") == 204
    assert take_off(world.alice, made["id"], "never seen") == 204
    assert take_off(world.alice, made["id"], "GOLD") == 204
    assert (world.alice.read(made["id"]), world.alice.read(other["id"])) == (made, other)
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 2


@pytest.mark.parametrize("name", ["a/b", "50%", "x y", "é", "😀", "?", "#1", "a/", "...", "+", "a//b", "%2F"])
def test_a_tag_of_any_name_can_be_taken_off(world: World, name: str) -> None:
    made = world.alice.made(tags=[name, "stays"])
    path = quote(name, safe="")
    assert world.alice.delete(f"/v1/contacts/{made['id']}/tags/{path}").status_code == 204
    assert world.alice.read(made["id"])["tags"] == ["stays"]


def test_taking_off_a_name_that_is_none_is_refused(world: World) -> None:
    made = world.alice.made()
    assert take_off(world.alice, made["id"], "x" * 256) == 400
    assert take_off(world.alice, made["id"], " ") == 400


def test_the_tags_of_a_foreign_contact_are_not_found(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    for outsider in (world.carol, world.tom, world.caller(world.acme_two)):
        assert outsider.set_tags(made["id"], ["mine"]).status_code == 404
        assert take_off(outsider, made["id"], "vip") == 404
        assert (
            world.sql.value(
                "select count(*) from tags where name = 'mine' and workspace_id = $1", outsider.workspace_id
            )
            == 0
        )
    assert world.bob.set_tags(made["id"], []).status_code == 403
    assert take_off(world.bob, made["id"], "vip") == 403
    assert world.alice.read(made["id"]) == made


def test_tags_made_by_another_process_are_shown(world: World, second_http: httpx.Client) -> None:
    made = world.alice.made()
    there = world.alice.at(second_http)
    for number in range(5):
        there.patch(made["id"], {"tags": [f"tag {number}"]})
        assert world.alice.read(made["id"])["tags"] == [f"tag {n}" for n in range(number + 1)]


def test_a_tag_made_by_another_process_can_be_taken_off(world: World, second_http: httpx.Client) -> None:
    made = world.alice.made(tags=["old"])
    world.alice.at(second_http).patch(made["id"], {"tags": ["brand new"]})
    assert take_off(world.alice, made["id"], "brand new") == 204
    assert world.alice.read(made["id"])["tags"] == ["old"]
