"""Whether something is over is told by one clock, the database's, and that one may be set back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from contactory.access.keys import Keys, write_last_used
from contactory.access.links import make_link
from contactory.database.db import Database
from contactory.fields.retype import end_abandoned
from tests.clocks import clock
from tests.world import Caller, World, pointers

Private = Callable[..., httpx.Client]


def soon(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def test_a_key_expires_by_the_clock_of_the_database(world: World, private_server: Private) -> None:
    later, earlier = (world.caller(world.acme, expires_at=soon(minutes)) for minutes in (30, -30))
    assert (later.list().status_code, earlier.list().status_code) == (200, 401)
    with clock(world.sql, "1 hour") as url:
        http = private_server(database_url=url)
        assert later.at(http).list().status_code == 401
        made = world.alice.at(http).post("/v1/api-keys", {"expiresAt": soon(30).isoformat()})
        assert (made.status_code, pointers(made)) == (409, {"/expiresAt": "in_the_past"})
    with clock(world.sql, "-1 hour") as url:
        http = private_server(database_url=url)
        assert earlier.at(http).list().status_code == 200
        made = world.alice.at(http).post("/v1/api-keys", {"expiresAt": soon(-30).isoformat()})
        assert made.status_code == 201


def test_a_session_ends_by_the_clock_of_the_database(world: World, private_server: Private) -> None:
    olive = world.person()
    path = f"/w/{world.acme}/contacts"
    assert olive.get(path).status_code == 200
    with clock(world.sql, "15 days") as url:
        olive.http = private_server(database_url=url)
        assert olive.get(path).status_code == 303


def test_a_session_seen_in_the_future_lasts_no_longer_than_others(world: World) -> None:
    olive = world.person()
    world.sql.execute(
        """update sessions
              set seen_at = seen_at + interval '1 year', expires_at = expires_at + interval '1 year'
            where user_id = $1""",
        olive.user_id,
    )
    assert olive.get("/").status_code in (200, 303)
    assert world.sql.value(
        "select expires_at <= now() + interval '14 days' from sessions where user_id = $1", olive.user_id
    )


def test_a_link_expires_by_the_clock_of_the_database(world: World, private_server: Private) -> None:
    path = world.sql.run(make_link(world.sql.conn, "reset", world.account_id, world.person().user_id))
    assert world.http.get(path).status_code == 200
    with clock(world.sql, "25 hours") as url:
        assert private_server(database_url=url).get(path).status_code == 404


def made_again(caller: Caller) -> bool:
    """Whether a request with a key that was used before is done once more."""
    answer = caller.create({"firstName": "Jane"}, headers={"idempotency-key": "again"})
    assert answer.status_code == 201
    return "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize(("ahead", "over"), [("23 hours", False), ("25 hours", True)])
def test_an_answer_is_kept_for_a_day_by_the_clock_of_the_database(
    world: World, private_server: Private, ahead: str, over: bool
) -> None:
    assert made_again(world.alice)
    with clock(world.sql, ahead) as url:
        assert made_again(world.alice.at(private_server(database_url=url))) is over


@pytest.mark.parametrize(("ahead", "over"), [("1 hour", False), ("23 hours", False), ("25 hours", True)])
def test_an_answer_of_the_future_is_kept_for_a_day_too(world: World, ahead: str, over: bool) -> None:
    assert made_again(world.alice)
    world.sql.execute(
        "update kept_answers set created_at = created_at + $2::text::interval where key_id = $1",
        world.alice.key_id,
        ahead,
    )
    assert made_again(world.alice) is over


@pytest.mark.parametrize("at", ["-11 minutes", "11 minutes"])
def test_a_change_of_type_that_a_crash_left_ends_although_the_clock_was_set_back(
    world: World, database_url: str, at: str
) -> None:
    field_id = world.field("Plan")
    world.sql.execute(
        """update custom_fields set next_type = 'number', next_type_at = now() + $2::text::interval
            where id = $1""",
        field_id,
        at,
    )

    with_database(database_url, end_abandoned)
    assert world.sql.value("select next_type is null from custom_fields where id = $1", field_id)


def test_the_last_use_of_a_key_is_written_although_the_clock_was_set_back(
    world: World, database_url: str
) -> None:
    key_id = world.bob.key_id
    world.sql.execute("update api_keys set last_used_at = now() + interval '1 hour' where id = $1", key_id)

    async def write(database: Database) -> None:
        keys = Keys(database)
        keys.used[key_id] = time.time()
        await write_last_used(database, keys)

    with_database(database_url, write)
    assert world.sql.value("select last_used_at <= now() from api_keys where id = $1", key_id)


def with_database(url: str, work: Callable[[Database], Awaitable[object]]) -> None:
    """Does what jobs do, at once."""

    async def run() -> None:
        database = Database(url, 2, 4)
        await work(database)
        await database.close()

    asyncio.run(run())
