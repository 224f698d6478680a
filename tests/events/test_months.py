"""The months of the events: made ahead, never in the way of a write."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from contactory.database.db import LOCK_TIMEOUT, Database, connect
from contactory.database.months import AHEAD, MONTHS, following, month_of
from contactory.events.months import keep_months
from tests.cli.conftest import CommandLine
from tests.events.past import age, make_past, month, months_of
from tests.servers import Sql, sql_at
from tests.world import World

NOW = datetime.now(UTC)
LATER = "contact_events_later"


def names(sql: Sql) -> list[str]:
    return [part.name for part in sql.run(MONTHS.parts(sql.conn))]


def without_months(sql: Sql) -> None:
    """As if nobody had made a month since the first start."""
    sql.execute("begin")
    sql.execute(f"alter table contact_events detach partition {LATER}")
    for name in [name for name in names(sql) if name.startswith("contact_events_2")]:
        sql.execute(f"drop table {name}")
    sql.execute(
        f"alter table contact_events attach partition {LATER} for values from ('{month(0)}') to (maxvalue)"
    )
    sql.execute("commit")


def a_later(moment: datetime, months: int) -> datetime:
    found = month_of(moment)
    for _ in range(months):
        found = following(found)
    return found


def test_the_present_month_and_those_to_come_are_there_from_the_start(sql: Sql) -> None:
    found = sql.run(MONTHS.parts(sql.conn))
    assert found[0].name == "contact_events_first"
    assert found[-1].name == LATER
    assert found[0].low is None
    assert found[-1].high is None
    assert {a_later(NOW, n) for n in range(AHEAD + 1)} <= {part.low for part in found[1:-1]}
    assert all(one.high == other.low for one, other in pairwise(found))


def test_each_part_says_by_itself_that_no_version_has_two_events(sql: Sql) -> None:
    keys = sql.fetch(
        """select c.relname, pg_get_indexdef(i.indexrelid) from pg_inherits h
             join pg_class c on c.oid = h.inhrelid
             join pg_index i on i.indrelid = c.oid and i.indisprimary
            where h.inhparent = 'contact_events'::regclass"""
    )
    assert sorted(row[0] for row in keys) == sorted(names(sql))
    assert all("(workspace_id, contact_id, version)" in row[1] for row in keys)


def test_no_part_is_read_for_its_statistics_after_every_twentieth_event(sql: Sql) -> None:
    """Autovacuum did so, and took a fifth of what PostgreSQL does for a PATCH."""
    settings = sql.fetch(
        """select c.relname, c.reloptions, a.attstattarget::int from pg_inherits h
             join pg_class c on c.oid = h.inhrelid
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'changes'
            where h.inhparent = 'contact_events'::regclass"""
    )
    assert {name for name, *_ in settings} == set(names(sql))
    assert {(*options, json) for _, options, json in settings} == {("autovacuum_analyze_scale_factor=0.5", 0)}


@pytest.mark.parametrize("year", ["1972", "2093"])
def test_no_write_fails_for_lack_of_a_month(world: World, year: str) -> None:
    """Whatever a clock says, and however far a contact is ahead."""
    contact = world.alice.made(firstName="Jane")
    world.sql.execute(f"update contacts set updated_at = '{year}-05-05Z' where id = $1", contact["id"])
    world.sql.execute(f"update contact_events set at = '{year}-05-05Z' where contact_id = $1", contact["id"])
    changed = world.alice.patch(contact["id"], {"firstName": "June"})
    assert changed.status_code == 200
    assert len(world.alice.history(contact["id"]).json()) == 2
    assert world.alice.list(sort="-updatedAt", limit=10).status_code == 200


def test_a_month_takes_what_a_clock_that_was_ahead_has_written_of_it(apart: World) -> None:
    without_months(apart.sql)
    contacts = [apart.alice.made(firstName="Jane")["id"] for _ in range(5)]
    ahead = {contact_id: 31 * number for number, contact_id in enumerate(contacts)}
    for contact_id, days in ahead.items():
        age(apart, contact_id, -days)
        assert months_of(apart, contact_id) == [LATER]
    assert apart.sql.run(MONTHS.make(apart.sql.conn, NOW))
    for contact_id, days in ahead.items():
        moment = NOW + timedelta(days=days)
        inside = moment < a_later(NOW, AHEAD + 1)
        assert months_of(apart, contact_id) == [f"contact_events_{moment:%Y_%m}" if inside else LATER]
        assert apart.alice.patch(contact_id, {"firstName": "June"}).status_code == 200
        assert len(apart.alice.history(contact_id).json()) == 2


def test_several_processes_make_months_at_once(apart: World) -> None:
    without_months(apart.sql)

    async def all_at_once() -> list[Any]:
        connections = [await connect(apart.sql.url) for _ in range(6)]
        try:
            jobs = (MONTHS.make(conn, NOW) for conn in connections)
            return await asyncio.gather(*jobs, return_exceptions=True)
        finally:
            for conn in connections:
                await conn.close()

    made = apart.sql.run(all_at_once())
    assert made.count(AHEAD + 1) == 1
    assert all(each in (AHEAD + 1, 0) or isinstance(each, LOCK_TIMEOUT) for each in made)
    assert len(names(apart.sql)) == AHEAD + 3


def test_what_is_read_for_long_is_left_for_later_and_holds_no_write_up(apart: World) -> None:
    """A backup, say, that has a lock on every table for hours."""
    without_months(apart.sql)
    make_past(apart.sql, 3)
    contact = apart.alice.made(firstName="Jane")
    longest, over = [0.0], Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            begun = time.monotonic()
            number += 1
            assert apart.alice.patch(contact["id"], {"firstName": f"{number}"}).status_code == 200
            longest[0] = max(longest[0], time.monotonic() - begun)

    writing = Thread(target=write)
    with sql_at(apart.sql.url) as backup:
        backup.execute("begin")
        backup.execute("lock table contact_events in access share mode")
        writing.start()
        try:
            for attempt in (MONTHS.make, MONTHS.drop):
                begun = time.monotonic()
                with pytest.raises(LOCK_TIMEOUT):
                    apart.sql.run(attempt(apart.sql.conn, NOW))
                waited = time.monotonic() - begun
                assert longest[0] < waited + 1
        finally:
            over.set()
            writing.join()
        backup.execute("commit")
    assert apart.sql.run(MONTHS.make(apart.sql.conn, NOW))


def test_the_job_of_a_server_makes_months(apart: World) -> None:
    without_months(apart.sql)

    async def job() -> None:
        db = Database(apart.sql.url, 2, 10)
        await keep_months(db, 0)
        await keep_months(db, 0)
        await db.close()

    apart.sql.run(job())
    assert len(names(apart.sql)) == AHEAD + 3


def test_doctor_names_a_month_that_is_lacking(
    new_database: Callable[[], str], tmp_path: Path, private_server: Callable[..., httpx.Client]
) -> None:
    url = new_database()
    contactory = CommandLine(tmp_path, database_url=url)
    contactory.gives("migrate")

    def history() -> dict[str, str]:
        return {finding["check"]: finding for finding in contactory.gives_anyway("doctor")}["history"]

    assert history()["status"] == "ok"
    with sql_at(url) as sql:
        without_months(sql)
    lacking = history()
    assert lacking["status"] == "warn"
    assert f"{a_later(NOW, 1):%Y-%m}" in lacking["detail"]
    assert "contactory migrate" in lacking["advice"]
    contactory.gives("migrate")
    assert history()["status"] == "ok"
