"""DELETE /v1/workspaces/{id}."""

import time

import httpx
import pytest

from tests.waiting import until
from tests.world import World, a_phone


def delete(world: World, workspace_id: str) -> httpx.Response:
    return world.ada.delete(f"/v1/workspaces/{workspace_id}")


def test_everything_in_it_is_gone_at_once(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    assert world.ada.fetch(made["id"]).status_code == 200
    assert delete(world, world.acme).status_code == 204
    assert world.alice.fetch(made["id"]).status_code == 401
    assert world.ada.fetch(made["id"]).status_code == 404
    assert world.ada.patch(made["id"], {"firstName": "Jo"}).status_code == 404
    assert world.ada.list(workspaceId=world.acme).status_code == 404
    assert world.ada.create({"workspaceId": world.acme, "firstName": "Jo"}).status_code == 404
    assert world.ada.get(f"/v1/workspaces/{world.acme}").status_code == 404
    assert [w["id"] for w in world.ada.get("/v1/workspaces").json()] == [world.acme_two]
    assert delete(world, world.acme).status_code == 404


def test_its_keys_stop_everywhere_within_a_second(world: World, second_http: httpx.Client) -> None:
    elsewhere = world.alice.at(second_http)
    assert elsewhere.list().status_code == 200
    delete(world, world.acme)
    time.sleep(1)
    assert elsewhere.list().status_code == 401
    keys = {key["name"]: key["revokedAt"] for key in world.ada.get("/v1/api-keys").json()}
    assert keys["Alice"] is not None
    assert keys["Ada"] is None


def test_a_key_of_the_account_finds_nothing_in_it_elsewhere_soon(
    world: World, second_http: httpx.Client
) -> None:
    elsewhere, made = world.ada.at(second_http), world.alice.made()
    assert elsewhere.fetch(made["id"]).status_code == 200
    delete(world, world.acme)
    until(lambda: elsewhere.fetch(made["id"]).status_code == 404)
    assert elsewhere.list(workspaceId=world.acme).status_code == 404


def test_it_needs_an_admin_key_of_the_account(world: World) -> None:
    assert world.alice.delete(f"/v1/workspaces/{world.acme}").status_code == 403
    assert world.caller(None, "write").delete(f"/v1/workspaces/{world.acme}").status_code == 403
    assert world.carol.list().status_code == 200


def test_another_account_or_mode_is_not_there(world: World) -> None:
    assert delete(world, world.globex).status_code == 404
    assert delete(world, world.acme_test).status_code == 404
    assert world.tom.list().status_code == 200


def test_a_dry_run_deletes_nothing(world: World) -> None:
    answer = world.ada.delete(f"/v1/workspaces/{world.acme}", dryRun=True)
    assert (answer.status_code, answer.headers["x-dry-run"]) == (204, "true")
    assert world.alice.list().status_code == 200


@pytest.mark.parametrize("write", ["create", "upsert", "patch", "field"])
def test_what_another_process_is_asked_to_write_just_then_is_not_written(
    world: World, second_http: httpx.Client, write: str
) -> None:
    elsewhere = world.alice.at(second_http)
    contact_id = elsewhere.made()["id"]
    assert delete(world, world.acme).status_code == 204
    answer = {
        "create": lambda: elsewhere.create({"firstName": "June"}),
        "upsert": lambda: elsewhere.upsert({"phone": a_phone()}),
        "patch": lambda: elsewhere.patch(contact_id, {"firstName": "June"}),
        "field": lambda: elsewhere.post("/v1/custom-fields", {"name": "Late", "type": "text"}),
    }[write]()
    assert answer.status_code in (401, 404), answer.text
    events = "select count(*) from contact_events where workspace_id = $1"
    assert world.sql.value(events, world.acme) <= 1, "none but that of before, which a job erases"
    fields = "select count(*) from custom_fields where workspace_id = $1"
    assert world.sql.value(fields, world.acme) == 0
