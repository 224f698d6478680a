"""Recurring jobs: each on a task of its own, some in one process at a time, none stopped by another."""

import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from contactory.base import metrics
from contactory.database.db import Database
from contactory.rules.errors import TooSlow, Unavailable
from contactory.schedule import leases, runner
from contactory.schedule.job import Job, Piece
from contactory.schedule.leases import Lease
from contactory.schedule.runner import Schedule
from tests.servers import PATIENCE, PROJECT, Sql


@pytest.fixture
def name(sql: Sql) -> Generator[str]:
    """The name of a job of the test's own."""
    name = f"test_{secrets.token_hex(4)}"
    yield name
    sql.execute("delete from schedule where starts_with(name, $1)", name)


def with_database(sql: Sql, work: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        db = Database(sql.url, 6, 10)
        try:
            async with asyncio.timeout(PATIENCE):
                await work(db)
        finally:
            await db.close()

    asyncio.run(run())


async def until(happens: Callable[[], object]) -> None:
    while not happens():
        await asyncio.sleep(0.01)


async def counting(done: list[int]) -> Piece:
    done.append(1)
    return Piece(1)


async def failing(tries: list[int]) -> Piece:
    tries.append(1)
    raise ValueError("of a contact: jane@example.com")


def test_a_job_that_fails_or_takes_long_stops_no_other(sql: Sql, name: str) -> None:
    good: list[int] = []
    alone: list[int] = []
    bad: list[int] = []

    async def work(db: Database) -> None:
        jobs = [
            Job(f"{name}_bad", 0.01, lambda: failing(bad)),
            Job(f"{name}_bad_alone", 0.01, lambda: failing(bad), alone=True),
            Job(f"{name}_long", 0.01, lambda: asyncio.sleep(60, Piece())),
            Job(f"{name}_good", 0.01, lambda: counting(good)),
            Job(f"{name}_good_alone", 0.01, lambda: counting(alone), alone=True),
        ]
        schedule = Schedule(db, jobs, lambda: False)
        schedule.start()
        await until(lambda: len(good) > 5 and len(alone) > 5 and len(bad) > 2)
        await schedule.stop()

    with_database(sql, work)
    known = dict(sql.fetch("select name, last_success is not null from schedule where name ~ $1", name))
    assert known == {
        f"{name}_bad": False,
        f"{name}_bad_alone": False,
        f"{name}_long": False,
        f"{name}_good": True,
        f"{name}_good_alone": True,
    }


def test_a_failure_is_logged_without_what_it_says_and_tried_again_later_each_time(
    sql: Sql, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_jittered", lambda seconds: seconds)
    tries: list[int] = []

    async def work(db: Database) -> None:
        job = Job(name, 0.01, lambda: failing(tries), alone=True)
        schedule = Schedule(db, [job], lambda: False)
        schedule.start()
        await until(lambda: len(tries) >= 5)
        await schedule.stop()

    with capture_logs() as logs:
        with_database(sql, work)
    failed = [line for line in logs if line["event"] == "job failed"]
    assert all(line["job"] == name and line["error"] == "ValueError" for line in failed)
    assert "jane" not in str(logs)
    delays = [line["retry_seconds"] for line in failed]
    assert delays == sorted(delays)
    assert delays[-1] > delays[0]
    assert sql.value("select failures from schedule where name = $1", name) >= 4


def test_delays_grow_to_minutes_and_differ_and_the_frequent_never_wait_long(name: str) -> None:
    def delays(every: float) -> list[float]:
        keeper = runner.Keeper(None, Job(name, every, failing, alone=True), lambda: False)  # pyright: ignore
        return [keeper._failed(ValueError(), failures) for failures in range(9)]

    slow = delays(10)
    assert 15 <= slow[0] <= 25
    assert all(240 <= delay <= 400 for delay in slow[-5:])
    assert len(set(slow)) == len(slow)
    assert max(delays(3600)) <= leases.LONGEST_DELAY.total_seconds()
    assert max(delays(0.3)) <= 1.25


@pytest.mark.parametrize(("error", "counts"), [(Unavailable, False), (TooSlow, True)])
def test_a_database_that_is_away_is_not_the_job_s_failure(
    sql: Sql, name: str, error: type[Exception], counts: bool
) -> None:
    tries: list[int] = []

    async def away() -> Piece:
        tries.append(1)
        raise error

    async def work(db: Database) -> None:
        schedule = Schedule(db, [Job(name, 0.01, away, alone=True)], lambda: False)
        schedule.start()
        await until(lambda: len(tries) >= 3)
        await schedule.stop()

    with capture_logs() as logs:
        with_database(sql, work)
    assert bool([line for line in logs if line["event"] == "job failed"]) == counts
    assert (sql.value("select failures from schedule where name = $1", name) > 0) == counts


def test_what_a_run_has_done_is_logged_and_measured(sql: Sql, name: str) -> None:
    left = [3, 2, 1]

    async def piece() -> Piece:
        return Piece(left.pop(), more=bool(left)) if left else Piece()

    async def work(db: Database) -> None:
        schedule = Schedule(db, [Job(name, 0.01, piece, alone=True)], lambda: False)
        schedule.start()
        await until(lambda: not left and metrics.JOB_SUCCESS.series.get((name,)))
        await asyncio.sleep(0.1)
        await schedule.stop()

    begun = time.time()
    with capture_logs() as logs:
        with_database(sql, work)
    [line] = [line for line in logs if line["event"] == "job done"]
    assert {n: line[n] for n in ("job", "done", "pieces", "log_level")} == {
        "job": name,
        "done": 6,
        "pieces": 3,
        "log_level": "info",
    }
    assert begun - 1 < metrics.JOB_SUCCESS.series[name,][0] < time.time() + 1


@pytest.mark.parametrize("alone", [False, True])
def test_a_job_that_is_never_without_work_is_not_late(sql: Sql, name: str, alone: bool) -> None:
    async def endless() -> Piece:
        await asyncio.sleep(0.01)
        return Piece(1, more=True)

    known = "select last_success is not null from schedule where name = $1"

    async def work(db: Database) -> None:
        schedule = Schedule(db, [Job(name, 0.01, endless, alone=alone)], lambda: False)
        schedule.start()
        while not await asyncio.to_thread(sql.value, known, name):
            await asyncio.sleep(0.02)
        assert metrics.JOB_SUCCESS.series[name,][0] > time.time() - 5
        await schedule.stop()

    with_database(sql, work)


def test_two_processes_never_do_a_job_at_the_same_time(sql: Sql, name: str) -> None:
    at_work, most, done = 0, 0, [0, 0, 0]

    def piece(process: int) -> Callable[[], Awaitable[Piece]]:
        async def run() -> Piece:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(random.uniform(0, 0.02))
            at_work -= 1
            done[process] += 1
            return Piece(1, more=random.random() < 0.5)

        return run

    async def work(db: Database) -> None:
        schedules = [Schedule(db, [Job(name, 0.02, piece(n), alone=True)], lambda: False) for n in range(3)]
        for schedule in schedules:
            schedule.start()
        await until(lambda: sum(done) > 60 and all(done))
        for schedule in schedules:
            await schedule.stop()

    with_database(sql, work)
    assert most == 1


def test_a_lease_is_kept_while_a_piece_takes_longer_than_it_lasts(
    sql: Sql, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HELD", leases.timedelta(seconds=0.6))
    monkeypatch.setattr(leases, "_RENEWED_SECONDS", 0.1)

    async def work(db: Database) -> None:
        await leases.register(db, [Job(name, 0, lambda: asyncio.sleep(0, Piece()), alone=True)])
        lease = await Lease.take(db, name)
        assert lease is not None
        async with lease.renewed():
            for _ in range(15):
                await asyncio.sleep(0.1)
                assert await Lease.take(db, name) is None
        await asyncio.sleep(0.7)
        other = await Lease.take(db, name)
        assert other is not None
        assert not await lease.renew()
        assert await other.renew()
        await lease.succeed()  # Of no effect: the lease is another one's.
        assert await Lease.take(db, name) is None

    with_database(sql, work)


def test_a_process_that_has_lost_its_lease_stops_at_its_next_piece(sql: Sql, name: str) -> None:
    pieces = 0

    async def piece() -> Piece:
        nonlocal pieces
        pieces += 1
        if pieces == 3:
            await asyncio.to_thread(
                sql.execute,
                """update schedule set holder = gen_random_uuid(), held_until = now() + interval '9 s'
                    where name = $1""",
                name,
            )
        return Piece(1, more=True)

    async def work(db: Database) -> None:
        schedule = Schedule(db, [Job(name, 0.01, piece, alone=True)], lambda: False)
        with capture_logs() as logs:
            schedule.start()
            await until(lambda: [line for line in logs if line["event"].startswith("job taken over")])
        await asyncio.sleep(0.3)
        await schedule.stop()

    with_database(sql, work)
    assert pieces == 3
    assert sql.value("select holder is not null from schedule where name = $1", name)


@contextmanager
def process(sql: Sql, name: str, mode: str) -> Generator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.schedule.processes", sql.url, name, mode]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def test_a_job_whose_process_was_killed_is_taken_over(sql: Sql, name: str) -> None:
    with process(sql, name, "long") as first, process(sql, name, "long") as second:
        assert first.stdout
        assert second.stdout
        until_held = "select holder from schedule where name = $1"
        deadline = time.monotonic() + PATIENCE
        while sql.value(until_held, name) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        holder = sql.value(until_held, name)
        # Whichever has it says so; the other one has said nothing.
        os.set_blocking(first.stdout.fileno(), False)
        os.set_blocking(second.stdout.fileno(), False)
        said: dict[int, str] = {}
        while not any(said.values()):
            said = {each.pid: (each.stdout.readline() if each.stdout else "") for each in (first, second)}
            time.sleep(0.02)
        [victim] = [each for each in (first, second) if said[each.pid]]
        os.kill(victim.pid, signal.SIGKILL)
        while sql.value(until_held, name) == holder:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert sql.value("select held_until > now() from schedule where name = $1", name)


def test_a_process_that_ends_in_order_leaves_its_job_to_the_others_at_once(sql: Sql, name: str) -> None:
    begun: list[int] = []

    async def long() -> Piece:
        begun.append(1)
        await asyncio.sleep(60)
        return Piece()

    async def work(db: Database) -> None:
        schedule = Schedule(db, [Job(name, 0.01, long, alone=True)], lambda: False)
        schedule.start()
        await until(lambda: begun)
        assert await Lease.take(db, name) is None
        await schedule.stop()
        assert await Lease.take(db, name) is not None

    with_database(sql, work)


def test_a_process_that_waited_for_the_row_does_not_take_a_lease_for_one_of_the_future(
    sql: Sql, name: str
) -> None:
    async def work(db: Database) -> None:
        await leases.register(db, [Job(name, 1, lambda: asyncio.sleep(0, Piece()), alone=True)])
        async with db.transaction() as conn:
            await conn.execute("select from schedule where name = $1 for update", name)
            late = asyncio.create_task(Lease.take(db, name))
            await asyncio.sleep(0.3)
            await conn.execute(
                """update schedule set holder = gen_random_uuid(), held_until = clock_timestamp() + $2
                    where name = $1""",
                name,
                leases.HELD,
            )
        assert await late is None

    with_database(sql, work)


@pytest.mark.parametrize("column", ["held_until", "due_at"])
@pytest.mark.parametrize(("ahead", "free"), [("1 hour", True), ("5 s", False)])
def test_a_time_from_before_the_clock_was_set_back_counts_as_over(
    sql: Sql, name: str, column: str, ahead: str, free: bool
) -> None:
    async def work(db: Database) -> None:
        await leases.register(db, [Job(name, 1, lambda: asyncio.sleep(0, Piece()), alone=True)])
        await asyncio.to_thread(
            sql.execute,
            f"update schedule set {column} = now() + $2::text::interval where name = $1",
            name,
            ahead,
        )
        assert (await Lease.take(db, name) is not None) == free

    with_database(sql, work)


@pytest.mark.parametrize(
    ("busy", "share", "times"),
    [(True, 0.0, 40), (False, 0.0, 1), (False, 0.25, 20.5), (False, 0.5, 40), (False, 1.0, 40)],
)
def test_a_job_rests_in_proportion_and_for_longer_while_changes_wait_or_the_process_is_busy(
    name: str, busy: bool, share: float, times: float
) -> None:
    job = Job(name, 1, lambda: asyncio.sleep(0, Piece()))
    keeper = runner.Keeper(None, job, lambda: busy)  # pyright: ignore[reportArgumentType]
    assert keeper._rest(0.01, share) == pytest.approx(times * 0.01)
    assert keeper._rest(100, share) == 5.0


def test_long_work_of_a_job_leaves_a_busy_process_to_its_requests(
    sql: Sql, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests of any kind: a job noticed changes only, so that reads lost a third of the processor to it."""
    worked: list[float] = []

    async def piece() -> Piece:
        begun = time.monotonic()
        await asyncio.sleep(0.005)
        worked.append(time.monotonic() - begun)
        return Piece(1, more=True)

    async def share_of_the_job(db: Database, cores_in_use: float) -> float:
        """The part of the time in which the job works, in a process that uses so much of a core."""
        monkeypatch.setattr(time, "process_time", lambda: time.monotonic() * cores_in_use)
        worked.clear()
        schedule = Schedule(db, [Job(name, 0.01, piece)], lambda: False)
        schedule.start()
        begun = time.monotonic()
        await until(lambda: len(worked) > 10)
        await schedule.stop()
        return sum(worked) / (time.monotonic() - begun)

    async def work(db: Database) -> None:
        idle = await share_of_the_job(db, 0.0)
        assert await share_of_the_job(db, 0.5) < idle / 4

    with_database(sql, work)


def test_the_use_of_the_processor_is_that_since_the_last_piece() -> None:
    load = runner.Load()
    for seconds in (0.05, 0.0):
        load.begin()
        at, used = time.monotonic(), time.process_time()
        while time.process_time() < used + seconds:
            pass
        time.sleep(0.05)
        beside = (time.process_time() - used) / (time.monotonic() - at)
        assert load.share() == pytest.approx(beside, rel=0.2, abs=0.02)
