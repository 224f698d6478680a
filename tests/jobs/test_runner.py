"""Jobs of workspaces: done in pieces, each exactly once, in turns, whatever fails."""

import asyncio
import secrets
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from contactory.database.db import Database
from contactory.jobs import leases, store
from contactory.jobs.runner import MOST_ATTEMPTS, JobRunner
from contactory.rules.errors import Conflict, NotFound
from tests.jobs.conftest import Work, run_all
from tests.jobs.kinds import TYPE, noted, tries
from tests.servers import Sql
from tests.world import World


def test_a_job_is_done_in_pieces_with_its_progress(work: Work) -> None:
    job = work.enqueue(items=25, size=10)
    assert (job.status, job.progress.done, job.progress.total) == ("queued", 0, None)
    assert (job.actor.type, job.actor.name) == ("api_key", "Alice")
    assert work.run(1) == 1
    halfway = work.read(job)
    assert (halfway.status, halfway.progress.done, halfway.progress.total) == ("running", 10, 25)
    assert halfway.started_at
    assert halfway.finished_at is None
    assert work.run() == 2
    ended = work.read(job)
    assert (ended.status, ended.progress.done, ended.result.updated) == ("done", 25, 25)
    assert ended.finished_at
    assert ended.created_at <= halfway.started_at <= ended.finished_at
    assert work.items(job) == list(range(25))
    assert work.sql.value("select count(*) from jobs_due where job_id = $1", job.id) == 0


def test_a_job_is_there_only_if_the_transaction_that_enqueued_it_is(work: Work) -> None:
    async def give_up() -> str:
        conn = work.sql.conn
        transaction = conn.transaction()
        await transaction.start()
        made = await store.enqueue(
            conn, work.actor(work.world.acme), work.world.acme, TYPE, {}, request_id=None
        )
        await transaction.rollback()
        return made.id

    gone = work.sql.run(give_up())
    assert work.run() == 0
    with pytest.raises(NotFound):
        work.sql.run(store.get_job(work.sql.conn, work.world.acme, gone))


def test_a_process_leaves_jobs_alone_whose_type_it_does_not_know(work: Work) -> None:
    unknown = work.enqueue(job_type="fromALaterRelease")
    known = work.enqueue()
    work.run()
    assert (work.read(unknown).status, work.read(known).status) == ("queued", "done")


def test_several_runners_do_every_piece_once_and_none_of_a_job_at_the_same_time(work: Work) -> None:
    jobs = [work.enqueue(items=12, size=1, seconds=0.002) for _ in range(4)]
    jobs += [work.enqueue(work.world.acme_two, items=12) for _ in range(2)]

    async def race(runner: JobRunner, db: Database) -> None:
        runners = [JobRunner(db, runner._types) for _ in range(4)]
        while any(work_left := [await each.run() for each in runners[:1]]) and work_left[0].more:
            await asyncio.gather(*(run_all(each) for each in runners))

    work.with_runner(race, size=12)
    for job in jobs:
        assert work.items(job) == list(range(12))
        assert work.read(job).progress.done == 12
    assert max(Counter(tries).values()) == 1


def test_workspaces_take_turns_however_many_jobs_one_has(work: Work) -> None:
    many = [work.enqueue(items=50) for _ in range(100)]

    async def pieces(runner: JobRunner, db: Database) -> int:
        for _ in range(10):
            await runner.run()
        late = await asyncio.to_thread(work.enqueue, work.world.acme_two, items=5)
        foreign = await asyncio.to_thread(work.enqueue, work.world.globex, items=5)
        done = 0
        while not all(job.status == "done" for job in await asyncio.to_thread(states, late, foreign)):
            await runner.run()
            done += 1
        return done

    def states(*jobs: Any) -> list[Any]:
        return [work.read(job) for job in jobs]

    # Three workspaces, five pieces of each of the two: 15 at the most, of which none waits for the hundred.
    assert work.with_runner(pieces) <= 15
    assert {work.read(job).status for job in many} <= {"queued", "running"}


def test_the_jobs_of_one_workspace_take_turns_too(work: Work) -> None:
    long, short = work.enqueue(items=1000), work.enqueue(items=3)
    work.run(8)
    assert work.read(short).status == "done"
    assert work.read(long).progress.done >= 3


def test_a_piece_that_fails_leaves_nothing_and_is_tried_again(work: Work) -> None:
    job = work.enqueue(items=6, size=2, failsAt=2, fails=2, how="error")
    with capture_logs() as logs:
        assert work.run() == 2
        assert work.items(job) == [0, 1]
        due = "select due_at > now() from jobs_due where job_id = $1"
        assert work.sql.value(due, job.id), "not at once"
        assert work.read(job).status == "running"
        for _ in range(2):
            work.due_now()
            work.run()
    assert work.read(job).status == "done"
    assert work.items(job) == list(range(6))
    assert work.sql.value("select attempts from jobs where id = $1", job.id) == 0
    assert [line["error"] for line in logs if line["event"] == "workspace job put off"] == ["ValueError"] * 2
    assert "jane" not in str(logs)


def test_what_a_piece_leaves_in_memory_waits_for_its_commit(work: Work) -> None:
    noted.clear()
    job = work.enqueue(items=6, size=2, failsAt=2, fails=1, how="error")
    work.run()
    assert noted == [(job.id, 0)], "nothing of the piece that was rolled back"
    work.due_now()
    work.run()
    assert noted == [(job.id, 0), (job.id, 2), (job.id, 4)]


def test_what_fails_again_and_again_has_failed_and_says_why(work: Work) -> None:
    job = work.enqueue(items=6, size=2, failsAt=2, fails=10**6, how="error")
    delays: list[float] = []
    waits = "select extract(epoch from due_at - now())::float8 from jobs_due where job_id = $1"
    for _ in range(MOST_ATTEMPTS):
        assert work.read(job).status in ("queued", "running")
        work.run()
        if (wait := work.sql.value(waits, job.id)) is not None:
            delays.append(wait)
        work.due_now()
    ended = work.read(job)
    assert (ended.status, ended.progress.done) == ("failed", 2)
    assert ended.finished_at
    assert work.items(job) == [0, 1], "what was done stays"
    assert len(delays) == MOST_ATTEMPTS - 1
    assert 0 < delays[0] < 2
    assert delays[-1] > 100
    [(_, problem)] = work.sql.run(
        store.list_problems(work.sql.conn, job.workspace_id, job.id, after=0, limit=9)
    )
    assert problem.contact_id is None
    assert problem.problem.status == 500
    assert "jane" not in problem.problem.detail
    assert work.sql.value("select error from jobs where id = $1", job.id) == "ValueError"
    assert work.run() == 0


def test_a_refusal_ends_a_job_at_once_with_its_problem(work: Work) -> None:
    job = work.enqueue(items=6, failsAt=1, fails=1, how="clash")
    assert work.run() == 2
    assert work.read(job).status == "failed"
    [(_, problem)] = work.sql.run(
        store.list_problems(work.sql.conn, job.workspace_id, job.id, after=0, limit=9)
    )
    assert (problem.problem.status, problem.problem.detail) == (409, "No.")
    assert problem.problem.instance == f"/v1/jobs/{job.id}"


def test_a_database_that_is_away_is_no_attempt(work: Work) -> None:
    job = work.enqueue(items=2, failsAt=0, fails=3 * MOST_ATTEMPTS, how="away")
    for _ in range(3 * MOST_ATTEMPTS):
        work.run()
        work.due_now()
    work.run()
    assert work.read(job).status == "done"
    assert work.items(job) == [0, 1]


def test_a_job_that_its_processes_die_over_has_failed_after_so_many(work: Work) -> None:
    job = work.enqueue(items=2)

    async def die(runner: JobRunner, db: Database) -> None:
        assert await leases.take_lease(db, job.workspace_id, job.id, timedelta(seconds=9))

    for _ in range(MOST_ATTEMPTS):
        work.with_runner(die)
        work.due_now()
        work.sql.execute("update jobs set held_until = now() where id = $1", job.id)
    work.run()
    assert work.read(job).status == "failed"
    assert work.items(job) == []


def test_a_cancelled_job_goes_no_further_and_a_piece_at_work_leaves_nothing(work: Work) -> None:
    job = work.enqueue(items=10, size=2, seconds=0.5)

    async def cancel() -> None:
        async with work.sql.conn.transaction():
            await store.cancel_job(work.sql.conn, job.workspace_id, job.id)

    async def both(runner: JobRunner, db: Database) -> None:
        await runner.run()
        piece = asyncio.create_task(runner.run())
        await asyncio.sleep(0.2)
        assert tries[-1] == (job.id, 2)
        await asyncio.to_thread(work.sql.run, cancel())
        assert await asyncio.to_thread(lambda: work.read(job).status) == "cancelled"
        await piece

    work.with_runner(both)
    ended = work.read(job)
    assert (ended.status, ended.progress.done, work.items(job)) == ("cancelled", 2, [0, 1])
    assert work.run() == 0
    with pytest.raises(Conflict, match="cancelled already"):
        work.sql.run(cancel())


def test_a_lease_is_kept_while_a_piece_takes_longer_than_it_lasts(work: Work) -> None:
    job = work.enqueue(items=1, seconds=2)

    async def both(runner: JobRunner, db: Database) -> None:
        other = JobRunner(db, runner._types, timedelta(seconds=0.6))
        piece = asyncio.create_task(runner.run())
        for _ in range(15):
            await asyncio.sleep(0.1)
            assert not (await other.run()).more
        await piece

    work.with_runner(both, held=0.6)
    assert (work.read(job).status, work.items(job), len(tries)) == ("done", [0], 1)


def test_a_process_that_was_held_up_past_its_lease_keeps_nothing_of_its_piece(work: Work) -> None:
    job = work.enqueue(items=4, size=2, seconds=0.6)

    async def both(runner: JobRunner, db: Database) -> None:
        late = asyncio.create_task(runner.run())
        await asyncio.sleep(0.3)
        # As if it had been frozen, and nothing renewed its lease.
        await asyncio.to_thread(work.sql.execute, "update jobs set held_until = now() where id = $1", job.id)
        await asyncio.to_thread(work.due_now)
        assert (await JobRunner(db, runner._types).run()).more
        await late

    work.with_runner(both)
    assert tries == [(job.id, 0)] * 2
    assert work.items(job) == [0, 1]
    assert work.read(job).progress.done == 2
    work.run()
    assert work.items(job) == [0, 1, 2, 3]


def test_a_process_that_ends_in_order_gives_its_job_back_at_once(work: Work) -> None:
    job = work.enqueue(items=1, seconds=1)

    async def stop(runner: JobRunner, db: Database) -> None:
        piece = asyncio.create_task(runner.run())
        while not tries:
            await asyncio.sleep(0.01)
        piece.cancel()
        with pytest.raises(asyncio.CancelledError):
            await piece

    work.with_runner(stop)
    assert work.items(job) == []
    assert work.sql.value("select attempts from jobs where id = $1", job.id) == 0
    assert work.run() == 1
    assert work.items(job) == [0]


def test_the_jobs_of_a_deleted_workspace_are_not_done(work: Work) -> None:
    job = work.enqueue()
    assert work.world.ada.delete(f"/v1/workspaces/{work.world.acme}").status_code == 204
    assert work.run() == 0
    assert work.items(job) == []
    assert work.sql.value("select count(*) from jobs_due where job_id = $1", job.id) == 0


@pytest.mark.parametrize(("ahead", "due"), [("1 hour", True), ("10 s", False)])
def test_a_time_from_before_the_clock_was_set_back_counts_as_over(work: Work, ahead: str, due: bool) -> None:
    job = work.enqueue(items=1)
    work.sql.execute("update jobs_due set due_at = now() + $1::text::interval", ahead)
    work.sql.execute("update jobs set held_until = now() + $1::text::interval where id = $2", ahead, job.id)
    work.run()
    assert (work.read(job).status == "done") == due


def test_jobs_are_removed_with_their_problems_after_90_days(work: Work, world: World, sql: Sql) -> None:
    contact = world.alice.made()["id"]
    old, young, open_ = (work.enqueue(items=1, refuse=[contact]) for _ in range(3))
    work.run()
    sql.execute("update jobs set finished_at = now() - interval '91 days' where id = $1", old.id)
    sql.execute("update jobs set finished_at = now() - interval '89 days' where id = $1", young.id)
    sql.execute(
        """update jobs set finished_at = null, status = 'queued', created_at = now() - interval '1 year'
            where id = $1""",
        open_.id,
    )

    async def drop(runner: JobRunner, db: Database) -> None:
        while (await store.drop_old_jobs(db)).more:
            pass

    work.with_runner(drop)
    for table, column in (("jobs", "id"), ("job_problems", "job_id")):
        left = sql.fetch(f"select {column}::text from {table} where workspace_id = $1", world.acme)
        assert sorted(row[0] for row in left) == sorted([young.id, open_.id])


def test_a_purge_takes_the_problems_of_the_contact_along(work: Work, world: World, sql: Sql) -> None:
    purged, other = (world.alice.made()["id"] for _ in range(2))
    job = work.enqueue(items=1, refuse=[purged, other])
    work.run()
    assert world.alice.remove(purged, purge=True).status_code == 204
    rows = sql.fetch("select contact_id::text from job_problems where job_id = $1", job.id)
    assert [row[0] for row in rows] == [other]


def test_a_job_s_secrets_are_in_no_log(work: Work) -> None:
    marker = secrets.token_hex(8)
    with capture_logs() as logs:
        work.enqueue(items=2, note=marker, failsAt=1, fails=1, how="error")
        work.run()
        work.due_now()
        work.run()
    assert {line["event"] for line in logs} == {"workspace job put off", "workspace job done"}
    assert marker not in str(logs)
