"""DELETE /v1/api-keys/{id}."""

import time

import httpx

from tests.world import Caller, World


def revoke(caller: Caller, key_id: str) -> int:
    return caller.delete(f"/v1/api-keys/{key_id}").status_code


def revoked_at(world: World, key_id: str) -> str | None:
    return next(key["revokedAt"] for key in world.ada.get("/v1/api-keys").json() if key["id"] == key_id)


def test_a_revoked_key_stops_here_at_once_and_elsewhere_within_a_second(
    world: World, second_http: httpx.Client
) -> None:
    elsewhere = world.bob.at(second_http)
    assert (world.bob.list().status_code, elsewhere.list().status_code) == (200, 200)
    assert revoke(world.alice, world.bob.key_id) == 204
    assert world.bob.list().status_code == 401
    time.sleep(1)
    assert elsewhere.list().status_code == 401


def test_revoking_again_changes_nothing(world: World) -> None:
    revoke(world.alice, world.bob.key_id)
    first = revoked_at(world, world.bob.key_id)
    assert first is not None
    assert revoke(world.alice, world.bob.key_id) == 204
    assert revoked_at(world, world.bob.key_id) == first


def test_what_a_key_cannot_see_is_not_there(world: World) -> None:
    other = world.caller(world.acme_two)
    for key in (world.ada, world.carol, world.tom, other):
        assert revoke(world.alice, key.key_id) == 404
    assert revoke(world.ada, world.carol.key_id) == 404
    assert revoke(world.ada, world.tom.key_id) == 404
    assert revoke(world.ada, "x") == 404
    for key in (world.ada, world.carol, world.tom, other):
        assert key.get("/v1/workspaces").status_code == 200


def test_an_account_key_revokes_any_of_its_account_and_mode(world: World) -> None:
    assert revoke(world.ada, world.alice.key_id) == 204
    assert revoke(world.ada, world.ada.key_id) == 204
    assert world.ada.get("/v1/workspaces").status_code == 401


def test_it_needs_admin(world: World) -> None:
    assert revoke(world.wendy, world.bob.key_id) == 403
    assert world.bob.list().status_code == 200
