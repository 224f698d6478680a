"""Connections to PostgreSQL grow old and make way for new ones, so that no session grows for ever."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import httpx

from contactory.database.db import Database
from tests.servers import named
from tests.waiting import until
from tests.world import World

PID = "select pg_backend_pid()"
ALIVE = "select count(*) from pg_stat_activity where pid = any($1::int[])"


def with_database(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = Database(url, 3, 10)
        try:
            await work(database)
        finally:
            await database.close()

    asyncio.run(run())


def age(conn: Any) -> None:
    """The connection is old from now on."""
    conn.grow_old_in(-1)


async def pid_of(database: Database, *, then_old: bool = False) -> int:
    async with database.connection() as conn:
        if then_old:
            age(conn)
        return await conn.fetchval(PID)


def test_an_old_connection_is_replaced_between_two_uses(world: World) -> None:
    async def work(database: Database) -> None:
        first = await pid_of(database)
        assert await pid_of(database, then_old=True) == first, "a young one is used again"
        second = await pid_of(database)
        assert second != first
        assert (database.size, database.in_use) == (1, 0)
        await asyncio.to_thread(until, lambda: world.sql.value(ALIVE, [first]) == 0)

    with_database(world.sql.url, work)


def test_a_connection_that_grows_old_in_a_transaction_stays_to_its_end(world: World) -> None:
    async def work(database: Database) -> None:
        async with database.transaction() as conn:
            first = await conn.fetchval(PID)
            await conn.execute("create temporary table kept (n int) on commit drop")
            age(conn)
            database.retire()
            await conn.execute("insert into kept values (1)")
            assert await conn.fetchrow(f"select n, ({PID}) from kept") == (1, first)
        assert await pid_of(database) != first

    with_database(world.sql.url, work)


def test_one_that_waits_gets_a_new_connection_in_place_of_an_old_one(world: World) -> None:
    async def hold(database: Database) -> int:
        async with database.connection() as conn:
            age(conn)
            return await conn.fetchval(PID)

    async def work(database: Database) -> None:
        pids = await asyncio.gather(*(hold(database) for _ in range(9)))
        assert len(set(pids)) == 9
        assert database.size <= 3

    with_database(world.sql.url, work)


def test_old_connections_that_nobody_uses_are_closed(world: World) -> None:
    async def work(database: Database) -> None:
        async with database.connection() as one, database.connection() as other:
            pids = [await one.fetchval(PID), await other.fetchval(PID)]
        database.retire()
        assert database.size == 2
        for conn in database._idle:
            age(conn)
        database.retire()
        assert database.size == 0
        await asyncio.to_thread(until, lambda: world.sql.value(ALIVE, pids) == 0)
        assert await pid_of(database) not in pids

    with_database(world.sql.url, work)


def test_a_lane_takes_a_new_connection_and_keeps_the_old_one_where_there_is_none(world: World) -> None:
    async def work(database: Database) -> None:
        lane = database.lane()
        first = await (await lane.connection()).fetchval(PID)
        lane._url = named(world.sql.url, "none")
        age(lane._conn)
        assert await (await lane.connection()).fetchval(PID) == first
        lane._url = world.sql.url
        age(lane._conn)
        second = await (await lane.connection()).fetchval(PID)
        assert second != first
        assert await (await lane.connection()).fetchval(PID) == second
        await asyncio.to_thread(until, lambda: world.sql.value(ALIVE, [first]) == 0)
        await lane.close()

    with_database(world.sql.url, work)


def test_no_request_notices_that_connections_are_replaced(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    begun = world.sql.value("select clock_timestamp()")
    alice = world.alice.at(private_server(connection_lifetime=1))
    contact_ids = [alice.made()["id"] for _ in range(8)]
    pids, enough = set[int](), Event()

    def use(contact_id: str) -> set[int]:
        statuses = set[int]()
        while not enough.is_set():
            statuses.add(alice.patch(contact_id, {"firstName": str(time.monotonic())}).status_code)
            statuses |= {alice.fetch(contact_id).status_code, alice.list(limit=1).status_code}
        return statuses

    def seen() -> int:
        rows = world.sql.fetch(
            "select pid from pg_stat_activity where datname = current_database() and backend_start > $1",
            begun,
        )
        pids.update(row[0] for row in rows)
        return len(pids)

    with ThreadPoolExecutor(8) as pool:
        working = [pool.submit(use, contact_id) for contact_id in contact_ids]
        try:
            until(lambda: seen() > 30)  # A process has 14 at one time.
        finally:
            enough.set()
        assert [each.result() for each in working] == [{200}] * 8
