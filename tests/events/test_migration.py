"""A table of many events becomes the first part, while servers of the release before go on writing."""

import asyncio
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contactory.database.db import connect
from contactory.database.migrate import migrations
from contactory.database.months import AHEAD, MONTHS
from tests.cli.conftest import CommandLine
from tests.servers import Sql, sql_at
from tests.waiting import until

EVENTS = 2_000_000 if os.environ.get("CONTACTORY_PROOF") else 100_000
pytestmark = pytest.mark.timeout(900 if EVENTS > 100_000 else 60)
_FILL = """
insert into contact_events (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
select $1, md5((n / 10)::text)::uuid, n % 10 + 1, gen_random_uuid(), 'contact.updated',
       now() - interval '400 days' + n * interval '10 seconds', 'system', 'api', '{"firstName": ["a", "b"]}'
  from generate_series($2::int, $3::int) n
"""
# As servers of the release before write it, prepared once, with the wait for a lock that their lanes allow.
_WRITE = """
insert into contact_events (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
values ($1, $2, $3, $4, 'contact.updated', now(), 'system', 'api', '{}')
"""


@pytest.fixture
def before(new_database: Callable[[], str]) -> Generator[Sql]:
    """A database of the release before, with events."""
    with sql_at(new_database()) as sql:
        sql.execute(
            """create table schema_migrations (
                   number integer primary key, name text not null, checksum text not null,
                   applied_at timestamptz not null)"""
        )
        for each in migrations():
            if each.title == "events_by_month":
                break
            sql.execute(each.sql)
            done = "insert into schema_migrations values ($1, $2, $3, now())"
            sql.execute(done, each.number, each.name, each.checksum)
        workspace = uuid4()
        for done in range(0, EVENTS, 100_000):
            sql.execute(_FILL, workspace, done + 1, done + 100_000)
        yield sql


class Writers:
    """Writes events until it is told to stop, over several connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.written = 0

    async def _write(self) -> None:
        conn: Any = await connect(self._url, session={"lock_timeout": "1s"})
        workspace, contact, version = uuid4(), uuid4(), 0
        while not self._over.is_set():
            version += 1
            await conn.execute(_WRITE, workspace, contact, version, uuid4())
            self.written += 1
        await conn.close()

    async def _all(self) -> None:
        await asyncio.gather(*(self._write() for _ in range(3)))

    def run(self) -> None:
        asyncio.run(self._all())

    def stop(self) -> None:
        self._over.set()


@contextmanager
def writing(url: str) -> Generator[Writers]:
    """Writers at work for the duration of the block; none of their writes fails, or waits for a second."""
    writers = Writers(url)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            writers.run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until(lambda: writers.written > 20 or failed)
        yield writers
        until(lambda now=writers.written: writers.written > now + 20 or failed)
    finally:
        writers.stop()
        thread.join()
    assert failed == []


def count(sql: Sql) -> int:
    return sql.value("select count(*) from contact_events")


def test_events_are_taken_over_while_others_write(before: Sql, tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url=before.url)
    with writing(before.url) as writers:
        done = contactory.run("migrate")
    assert done.returncode == 0, done.stderr
    assert [line[2:8] for line in done.stderr.splitlines() if " of 3: " in line] == [
        "1 of 3",
        "2 of 3",
        "3 of 3",
    ]
    assert count(before) == EVENTS + writers.written
    found = before.run(MONTHS.parts(before.conn))
    assert [part.name for part in found[:: len(found) - 1]] == [
        "contact_events_first",
        "contact_events_later",
    ]
    assert before.run(MONTHS.kept_since(before.conn)) is None
    left = "select from pg_constraint where conname = 'contact_events_end'"
    assert before.fetch(left) == []
    assert contactory.gives("migrate")["applied"] == []


def killed_at(contactory: CommandLine, step: str) -> None:
    """Starts the migration and kills it when it has told of a step."""
    process = contactory.start("migrate")
    assert process.stderr
    told = ""
    while step not in told:
        line = process.stderr.readline()
        assert line, f"it ended before {step}: {told}"
        told += line
    process.kill()
    process.communicate()


def test_a_migration_that_was_killed_goes_on(before: Sql, tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url=before.url)
    # What keeps it in the step; nothing in the second, where it is killed while it reads.
    steps = {"1 of 3": "share update exclusive", "2 of 3": "", "3 of 3": "access share"}
    with writing(before.url) as writers, sql_at(before.url) as other:
        for step, lock in steps.items():
            other.execute("begin")
            if lock:
                other.execute(f"lock table contact_events in {lock} mode")
            killed_at(contactory, step)
            other.execute("commit")
        assert "contact_events_first" not in {row[0] for row in before.fetch("select relname from pg_class")}
        done = contactory.run("migrate")
    assert done.returncode == 0, done.stderr
    assert "1 of 3" not in done.stderr
    assert count(before) == EVENTS + writers.written


def test_a_clock_that_was_ahead_holds_nothing_up(before: Sql, tmp_path: Path) -> None:
    before.execute(_WRITE.replace("now()", "timestamptz '2093-05-05Z'"), uuid4(), uuid4(), 1, uuid4())
    with writing(before.url) as writers:
        CommandLine(tmp_path, database_url=before.url).gives("migrate")
    before.execute(_WRITE.replace("now()", "timestamptz '2093-05-05Z'"), uuid4(), uuid4(), 1, uuid4())
    before.execute(_WRITE.replace("now()", "timestamptz '2099-05-05Z'"), uuid4(), uuid4(), 1, uuid4())
    assert count(before) == EVENTS + writers.written + 3


def test_an_empty_table_has_its_months_from_the_present_one_on(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    CommandLine(tmp_path, database_url=url).gives("migrate")
    with sql_at(url) as sql:
        assert len(sql.run(MONTHS.parts(sql.conn))) == AHEAD + 3
