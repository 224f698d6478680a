"""What a write leaves in the memory of the process comes after its commit, and without one never."""

import secrets
import threading
from typing import Any

import httpx
import pytest

from tests.servers import sql_at
from tests.waiting import until, until_waiting
from tests.world import World, a_phone

WORDS = "select words::text from contact_search where workspace_id = $1 and contact_id = $2"


def keyed() -> dict[str, str]:
    return {"idempotency-key": secrets.token_hex(8)}


def let_the_search_look(world: World) -> None:
    """Returns once the search has looked at all contacts that were noted for it until now."""
    last = world.alice.made(firstName="Last")["id"]
    until(lambda: world.sql.value(WORDS, world.acme, last))


def words(world: World, contact_id: str) -> str:
    return world.sql.value(WORDS, world.acme, contact_id) or ""


def test_a_large_batch_with_an_idempotency_key_is_found_at_once(world: World) -> None:
    made = [{"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(1000)]
    answer = world.alice.batch(*made, headers=keyed())
    assert [each["status"] for each in answer.json()["results"]] == [201] * 1000
    let_the_search_look(world)
    person = world.person()
    assert "1,000" in person.get(f"/w/{world.acme}/contacts/count", script=True, q="Jane").text


@pytest.mark.parametrize("op", ["create", "upsert", "update", "delete"])
def test_what_is_committed_long_after_it_was_written_is_found(world: World, op: str) -> None:
    contact_id = world.alice.made(phone="+14155550100", firstName="Jane")["id"]
    let_the_search_look(world)
    operation = {
        "create": {"op": "create", "data": {"firstName": "Zoe"}},
        "upsert": {"op": "upsert", "data": {"phone": a_phone(), "firstName": "Zoe"}},
        "update": {"op": "update", "id": contact_id, "data": {"firstName": "Zoe"}},
        "delete": {"op": "delete", "id": contact_id},
    }[op]
    first, _ = held_up(world, operation).json()["results"]
    assert first["status"] == {"update": 200, "delete": 204}.get(op, 201)
    let_the_search_look(world)
    if op == "delete":
        assert words(world, contact_id) == ""
    else:
        assert "zoe" in words(world, first["contact"]["id"])


def held_up(world: World, operation: dict[str, Any]) -> httpx.Response:
    """The answer to a batch with a key, between whose first operation and commit the search has its turns."""
    second = {"op": "create", "data": {"firstName": "Second", "tags": ["held"]}}
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(world.alice.batch(operation, second, headers=keyed()))
    )
    with sql_at(world.sql.url) as other:
        other.execute("begin")
        other.execute(
            "insert into tags (workspace_id, name, created_at) values ($1, 'held', now())", world.acme
        )
        asking.start()
        until_waiting(world.sql)
        let_the_search_look(world)
        other.execute("rollback")
    asking.join()
    return answers[0]


def test_a_tag_renamed_with_a_key_has_its_new_name_at_once(world: World) -> None:
    contact_id = world.alice.made(tags=["vip"])["id"]
    for name, new in (("vip", "gold"), ("gold", "vip")):
        renamed = world.alice.request("PATCH", f"/v1/tags/{name}", {"name": new}, headers=keyed())
        assert renamed.status_code == 200
        assert world.alice.read(contact_id)["tags"] == [new]


def test_what_is_only_tried_leaves_keys_names_and_the_search_as_they_are(world: World) -> None:
    contact_id = world.alice.made(firstName="Jane", tags=["vip"])["id"]
    let_the_search_look(world)
    for tried in (
        world.alice.delete(f"/v1/api-keys/{world.wendy.key_id}", dryRun=True),
        world.alice.request("PATCH", "/v1/tags/vip", {"name": "gold"}, dryRun=True),
        world.ada.delete(f"/v1/workspaces/{world.acme}", dryRun=True),
        world.alice.remove(contact_id, purge=True, dryRun=True),
    ):
        assert tried.status_code in (200, 204)
        assert tried.headers["x-dry-run"] == "true"
    let_the_search_look(world)
    assert world.wendy.read(contact_id)["tags"] == ["vip"]
    assert "jane" in words(world, contact_id)


def test_a_refusal_after_a_write_with_a_key_leaves_nothing(world: World) -> None:
    refused = world.alice.batch(
        {"op": "create", "data": {"firstName": "Jane", "tags": ["never kept"], "phone": "+14155550100"}},
        {"op": "create", "data": {"firstName": "June", "phone": "+14155550100", "tags": ["kept neither"]}},
        headers=keyed(),
    )
    assert [each["status"] for each in refused.json()["results"]] == [201, 409]
    let_the_search_look(world)
    found = world.alice.list(tag="kept neither")
    assert (found.status_code, found.json()) == (200, [])
