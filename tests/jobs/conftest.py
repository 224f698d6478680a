"""Jobs of a type that only the tests have, on the database of the test process."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from datetime import timedelta
from typing import Any

import pytest

from contactory.database.db import Database
from contactory.jobs import store
from contactory.jobs.model import Job, JobProblem
from contactory.jobs.registry import JOB_TYPES
from contactory.jobs.runner import JobRunner
from contactory.rules.actor import Actor
from contactory.schedule.job import Piece
from tests.jobs.kinds import TABLE, TYPE, tries
from tests.servers import PATIENCE, Sql
from tests.world import World


class Work:
    """Enqueues jobs, does them, and says what they have done."""

    def __init__(self, sql: Sql, world: World) -> None:
        self.sql = sql
        self.world = world

    @classmethod
    def prepared(cls, sql: Sql, world: World) -> "Generator[Work]":
        """For a fixture: nothing is due before it, nor after it."""
        sql.execute(TABLE)
        sql.execute("delete from jobs_due")
        tries.clear()
        yield cls(sql, world)
        sql.execute("delete from jobs_due")

    def actor(self, workspace_id: str) -> Actor:
        return Actor(self.world.alice.key_id, self.world.account_id, workspace_id, "live", "admin")

    def enqueue(self, workspace_id: str = "", *, job_type: str = TYPE, **given: Any) -> Job:
        """A new job of Alice's, in Acme unless said otherwise."""
        home = workspace_id or self.world.acme

        async def make() -> Job:
            conn = self.sql.conn
            async with conn.transaction():
                made = {"items": 10, **given}
                return await store.enqueue(conn, self.actor(home), home, job_type, made, request_id="tests")

        return self.sql.run(make())

    def problems(self, job: Job) -> list[JobProblem]:
        found = store.list_problems(self.sql.conn, job.workspace_id, job.id, after=0, limit=1000)
        return [problem for _, problem in self.sql.run(found)]

    def read(self, job: Job) -> Job:
        return self.sql.run(store.get_job(self.sql.conn, job.workspace_id, job.id))

    def items(self, job: Job) -> list[int]:
        """What was done of a job, as often as it was done."""
        rows = self.sql.fetch("select item from job_tests.items where job_id = $1 order by item", job.id)
        return [row[0] for row in rows]

    def with_runner(
        self, work: Callable[[JobRunner, Database], Awaitable[Any]], held: float = 15, size: int = 6
    ) -> Any:
        """Does something with a runner on a pool of its own."""

        async def run() -> Any:
            db = Database(self.sql.url, size, 30)
            try:
                async with asyncio.timeout(PATIENCE):
                    return await work(JobRunner(db, JOB_TYPES, timedelta(seconds=held)), db)
            finally:
                await db.close()

        return asyncio.run(run())

    def run(self, pieces: int = 1_000_000) -> int:
        """Does so many pieces, or all that are due; gives how many there were."""

        async def work(runner: JobRunner, db: Database) -> int:
            for done in range(pieces):
                if not (await runner.run()).more:
                    return done
            return pieces

        return self.with_runner(work)

    def due_now(self) -> None:
        """What waits to be tried again is due."""
        self.sql.execute("update jobs_due set due_at = now()")


async def run_all(runner: JobRunner) -> None:
    """Does pieces until none is due."""
    found = Piece(1, more=True)
    while found.more:
        found = await runner.run()


@pytest.fixture
def work(sql: Sql, world: World) -> Generator[Work]:
    yield from Work.prepared(sql, world)
