"""DELETE /v1/api-keys/{id}."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from contactory.access.keys import Keys
from contactory.database.db import Database
from contactory.rules.errors import Unauthorized
from tests.clocks import functions
from tests.servers import sql_at
from tests.waiting import until_waiting
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


LOCK = 20_261_128
HELD = f"""
begin
    if current_query() like '%k.hash = $1%' then
        perform pg_advisory_xact_lock_shared({LOCK});
    end if;
    return pg_catalog.clock_timestamp();
end
"""


@pytest.mark.parametrize("by", ["this process", "another"])
def test_a_read_under_way_does_not_bring_a_revoked_key_back(
    world: World, private_server: Callable[..., httpx.Client], by: str
) -> None:
    with functions(world.sql, {"clock_timestamp": HELD}, "plpgsql") as url, sql_at(world.sql.url) as holder:
        http = private_server(database_url=url)
        bob, alice = world.bob.at(http), world.alice.at(http)
        assert alice.list().status_code == 200
        holder.execute(f"select pg_advisory_lock({LOCK})")
        with ThreadPoolExecutor(1) as pool:
            asked_before = pool.submit(bob.list)
            until_waiting(world.sql, "advisory")
            assert revoke(alice if by == "this process" else world.alice, bob.key_id) == 204
            if by == "another":
                time.sleep(1)
            holder.execute(f"select pg_advisory_unlock({LOCK})")
            assert asked_before.result().status_code == 200
            assert [bob.list().status_code for _ in range(3)] == [401] * 3


def test_a_revoked_key_stops_within_a_second_although_nothing_polls(world: World, database_url: str) -> None:
    async def run() -> None:
        database = Database(database_url, 2, 10)
        keys = Keys(database)
        await keys.find(world.bob.key)
        await keys.poll()
        assert (await keys.find(world.bob.key)).id == world.bob.key_id
        await asyncio.to_thread(revoke, world.alice, world.bob.key_id)
        await asyncio.sleep(1)
        with pytest.raises(Unauthorized):
            await keys.find(world.bob.key)
        await database.close()

    asyncio.run(run())
