"""The recurring jobs that a server has: all of them run, and the docs have a row for each."""

import asyncio
import re
from typing import Any

from contactory.access.keys import Keys
from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalogs
from contactory.contacts.read.search import SearchIndex
from contactory.database.db import Database
from contactory.jobs.runner import JobRunner
from contactory.schedule.job import Job
from contactory.schedule.runner import Keeper
from contactory.scheduled import recurring_jobs
from tests.servers import PROJECT, Server, Sql
from tests.waiting import until


async def no_metrics() -> int:
    return 0


def registry(db: Any = None) -> list[Job]:
    return recurring_jobs(
        Settings(), db, Keys(db), Catalogs(db), SearchIndex(), JobRunner(db, {}), no_metrics
    )


def test_every_job_of_a_server_succeeds(server: Server, sql: Sql) -> None:
    names = {job.name for job in registry()}
    sql.execute("update schedule set due_at = now() where due_at > now()")
    query = "select name from schedule where last_success > now() - interval '2 minutes'"
    until(lambda: names <= {row[0] for row in sql.fetch(query)})


def test_the_docs_have_a_row_for_every_job_and_say_where_it_runs() -> None:
    text = (PROJECT / "docs/running.md").read_text("utf-8")
    table = text.partition("## Recurring jobs")[2].partition("\n## ")[0]
    rows = {
        name: runs == "one process"
        for names, runs in re.findall(r"^\| (`.*?) \| .* \| (.*?) \|$", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", names)
    }
    assert rows == {job.name: job.alone for job in registry()}


def test_each_job_can_be_done_at_once_and_says_that_nothing_is_left(sql: Sql) -> None:
    async def run() -> dict[str, int]:
        db = Database(sql.url, 4, 30)
        pieces: dict[str, int] = {}
        for job in registry(db):
            more = True
            while more:
                more = (await job.run()).more
                pieces[job.name] = pieces.get(job.name, 0) + 1
        await db.close()
        return pieces

    assert all(asyncio.run(run()).values())


def test_a_busy_process_looks_for_revoked_keys_and_new_names_as_often_as_an_idle_one() -> None:
    [poll] = [job for job in registry() if job.name == "poll"]
    keeper = Keeper(None, poll, lambda: True)  # pyright: ignore[reportArgumentType]
    assert keeper._rest(0.05, 1.0) == 0.05
