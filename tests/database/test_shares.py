"""The connections of the pool are shared out: no workspace, and nothing slow, has them all."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from contactory.database.db import Database
from contactory.database.shares import PATIENCE, QUICK, SLOW, Shares, Use
from contactory.rules.errors import Unavailable
from tests.servers import Sql

A, B, C = (Use(f"workspace {name}", "list") for name in "ABC")
SEARCH_A, SEARCH_B = Use(A.owner, "search"), Use(B.owner, "search")
"""A search of the same workspaces."""


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(work(), 20))  # pyright: ignore[reportArgumentType]


class Many:
    """Uses that have a connection until they are told to end."""

    def __init__(self, shares: Shares, seconds: float = QUICK / 2) -> None:
        """`seconds`: how long each of them is said to have taken."""
        self.shares = shares
        self._seconds = seconds
        self.running: list[Use] = []
        self._ends: dict[asyncio.Task[None], tuple[Use, asyncio.Event]] = {}

    async def start(self, use: Use, count: int = 1) -> None:
        for _ in range(count):
            end = asyncio.Event()
            self._ends[asyncio.create_task(self._hold(use, end))] = (use, end)
        await asyncio.sleep(0)

    async def _hold(self, use: Use, end: asyncio.Event) -> None:
        slow = await self.shares.enter(use)
        self.running.append(use)
        await end.wait()
        self.running.remove(use)
        self.shares.leave(use, slow, self._seconds)

    async def end_one(self, use: Use) -> None:
        """Ends the first use of this kind that runs."""
        task, (_, end) = next(each for each in self._ends.items() if each[1][0] == use)
        del self._ends[task]
        end.set()
        await task
        await asyncio.sleep(0)


async def proven_slow(shares: Shares, use: Use) -> None:
    shares.leave(use, await shares.enter(use), SLOW)


def test_one_workspace_has_at_most_half_of_the_connections() -> None:
    async def work() -> None:
        many = Many(Shares(4))
        await many.start(A, 8)
        assert many.running == [A, A]
        assert many.shares.waiting == 6
        await many.start(B)
        assert many.running == [A, A, B], "another workspace does not wait behind the eight"

    run(work)


def test_the_process_itself_is_never_held_up_by_one_workspace() -> None:
    async def work() -> None:
        many = Many(Shares(4))
        await many.start(A, 8)
        await many.start(Use(), 2)
        assert many.running == [A, A, Use(), Use()]

    run(work)


def test_those_who_wait_get_their_turns_by_workspace() -> None:
    async def work() -> None:
        many = Many(Shares(4))
        await many.start(Use(), 4)
        await many.start(A, 10)
        await many.start(B)
        await many.start(C)
        for following in (A, B, C):
            await many.end_one(Use())
            assert many.running[-1] == following

    run(work)


def test_what_has_proven_slow_runs_once_for_each_workspace_and_leaves_room_for_the_rest() -> None:
    async def work() -> None:
        many = Many(Shares(8))
        await proven_slow(many.shares, SEARCH_A)
        await proven_slow(many.shares, SEARCH_B)
        await many.start(SEARCH_A, 5)
        assert many.running == [SEARCH_A]
        await many.start(SEARCH_B, 5)
        assert many.running == [SEARCH_A, SEARCH_B]
        await many.start(A, 9)
        assert many.running.count(A) == 3, "the same workspace's quick reads do not wait behind its slow ones"
        await many.start(C, 9)
        assert many.running.count(C) == 3

    run(work)


def test_all_slow_uses_together_have_a_quarter() -> None:
    async def work() -> None:
        many = Many(Shares(8), SLOW)
        for n in range(5):
            await proven_slow(many.shares, Use(f"{n}", "search"))
        for n in range(5):
            await many.start(Use(f"{n}", "search"), 2)
        assert many.running == [Use("0", "search"), Use("1", "search")]
        for n in range(5):
            await many.end_one(many.running[0])
            assert (len(many.running), many.running[-1]) == (2, Use(f"{n}", "search")), "in turn"

    run(work)


def test_what_is_fast_again_is_slow_no_longer() -> None:
    async def work() -> None:
        many = Many(Shares(8))
        await proven_slow(many.shares, SEARCH_A)
        await many.start(SEARCH_A, 6)
        assert len(many.running) == 1
        await many.end_one(SEARCH_A)
        assert len(many.running) == 4, "also for those who waited as slow ones"

    run(work)


def test_what_is_fast_only_because_it_runs_alone_stays_slow() -> None:
    async def work() -> None:
        many = Many(Shares(8), (QUICK + SLOW) / 2)
        await proven_slow(many.shares, SEARCH_A)
        await many.start(SEARCH_A, 6)
        await many.end_one(SEARCH_A)
        assert len(many.running) == 1

    run(work)


def test_uses_that_turn_out_to_be_slow_while_they_wait_run_as_slow_ones() -> None:
    async def work() -> None:
        shares = Shares(8)
        many = Many(shares)
        first = [await shares.enter(SEARCH_A) for _ in range(4)]
        await many.start(SEARCH_A, 6)
        for slow in first:
            shares.leave(SEARCH_A, slow, SLOW)
        await asyncio.sleep(0)
        assert many.running == [SEARCH_A]

    run(work)


def test_one_that_turns_out_to_be_slow_does_not_wait_beside_free_connections() -> None:
    async def work() -> None:
        shares = Shares(2)
        many = Many(shares)
        first = await shares.enter(SEARCH_A)
        await many.start(SEARCH_A)
        shares.leave(SEARCH_A, first, SLOW)
        await asyncio.sleep(0)
        assert many.running == [SEARCH_A], "no other use is left that could end and call it"

    run(work)


def test_one_that_gives_up_or_is_cancelled_leaves_no_trace() -> None:
    async def work() -> None:
        shares = Shares(2)
        first = await shares.enter(A)
        waiting = [asyncio.create_task(shares.enter(A)) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        shares.leave(A, first, 0)
        waiting[1].cancel()  # At the moment of its turn.
        await asyncio.wait(waiting)
        assert (shares.used, shares.waiting) == (0, 0)
        assert [await shares.enter(A), await shares.enter(B)] == [False, False]

    run(work)


@asynccontextmanager
async def database(sql: Sql, size: int) -> AsyncGenerator[Database]:
    db = Database(sql.url, size, 30)
    try:
        yield db
    finally:
        await db.close()


def test_a_workspace_whose_connections_stay_in_use_gets_an_error_and_others_do_not(
    sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contactory.database.shares.PATIENCE", PATIENCE / 30)

    async def work() -> None:
        async with database(sql, 4) as db, db.connection(A), db.connection(A):
            with pytest.raises(Unavailable) as refused:
                await db.connection(A).__aenter__()
            assert "send fewer at once" in refused.value.detail, "and not that the database is away"
            async with db.connection(B) as conn:
                assert await conn.fetchval("select 1") == 1
            assert (db.size, db.in_use) == (3, 2)

    run(work)


def test_a_database_that_is_away_uses_up_no_share(sql: Sql) -> None:
    async def work() -> None:
        db = Database("postgresql://nobody@127.0.0.1:1/nothing", 2, 5)
        for _ in range(5):
            with pytest.raises(Unavailable):
                await db.connection(A).__aenter__()
        assert (db.size, db.in_use) == (0, 0)

    run(work)
