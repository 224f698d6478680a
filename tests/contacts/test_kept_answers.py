"""The answers that are kept for an Idempotency-Key have a table by days."""

import asyncio
import re
import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import httpx
import pytest

from contactory.base.ids import new_id
from contactory.contacts.write import purge
from contactory.contacts.write.statement import LONG_KEYED, SHORT_KEYED
from contactory.database.answers import (
    DAYS,
    Answer,
    begin,
    day_of,
    following,
    insert,
    insert_all,
    new_claim,
    reserve,
)
from contactory.database.db import NO_SCANS, AnsweredMeanwhile, Database, connect, translated
from contactory.database.migrate import migrate
from contactory.web.idempotency import keep_days
from tests.clocks import clock, stopped_clock
from tests.servers import Sql, sql_at
from tests.world import World, at_once

Private = Callable[..., httpx.Client]
FILL = """
insert into kept_answers (key_id, key, fingerprint, status, headers, body, created_at)
select $1, n::text, '', 200, '[]', '', $3 from generate_series(1, $2) n
"""


def midnight(sql: Sql) -> datetime:
    """The end of the present day."""
    return following(day_of(sql.value("select now()")))


def key() -> dict[str, str]:
    return {"idempotency-key": secrets.token_hex()}


def kept(sql: Sql, owner: str) -> int:
    return sql.value("select count(distinct key) from kept_answers where key_id = $1", owner)


@pytest.fixture
def own(new_database: Callable[[], str]) -> Generator[Sql]:
    """A database of the test's own: servers with another clock make and drop days."""
    with sql_at(new_database()) as sql:
        sql.run(migrate(sql.conn))
        yield sql


def job(url: str) -> int:
    async def run() -> int:
        db = Database(url, 2, 10)
        try:
            return await keep_days(db)
        finally:
            await db.close()

    return asyncio.run(run())


def test_a_day_is_dropped_when_all_of_its_answers_have_expired(own: Sql) -> None:
    sql, end, young, old = own, midnight(own), new_id(), new_id()
    sql.execute(FILL, old, 25_000, end - timedelta(hours=1))
    sql.execute(FILL, young, 100, end + timedelta(minutes=1))
    for hours, left in ((23, 25_000), (25, 0)):
        late = end + timedelta(hours=hours) - sql.value("select now()")
        with clock(sql, f"{late.total_seconds()} seconds") as url:
            job(url)
        assert kept(sql, old) == left
        assert kept(sql, young) == 100
    found = sql.run(DAYS.parts(sql.conn))
    assert found[0].name == "kept_answers_dropped"
    assert all(one.high == other.low for one, other in pairwise(found))


def test_days_are_made_in_advance_and_in_order(own: Sql) -> None:
    found, end = own.run(DAYS.parts(own.conn)), midnight(own)
    assert found[-1].name == "kept_answers_later"
    assert {end - timedelta(days=1), end} <= {part.low for part in found}
    assert all(one.high == other.low for one, other in pairwise(found))


def test_answers_of_days_that_could_not_be_made_are_deleted_and_the_days_are_made(own: Sql) -> None:
    start, young, old = midnight(own), new_id(), new_id()
    own.execute(FILL, old, 50_001, start + timedelta(days=7, hours=1))
    own.execute(FILL, young, 100, start + timedelta(days=9, hours=1))
    assert own.value("select count(*) from kept_answers_later") == 50_101
    late = start + timedelta(days=9, hours=2) - own.value("select now()")
    with clock(own, f"{late.total_seconds()} seconds") as url:
        job(url)
    assert (kept(own, old), kept(own, young)) == (0, 100)
    assert own.value("select count(*) from kept_answers_later") == 0
    assert start + timedelta(days=9) in {part.low for part in own.run(DAYS.parts(own.conn))}


@pytest.mark.parametrize("gap", [1, 20 * 60])
def test_a_retry_after_midnight_finds_the_answer_from_before(
    world: World, private_server: Private, gap: int
) -> None:
    end = midnight(world.sql)
    with ExitStack() as stack:
        before, after = (
            world.alice.at(private_server(database_url=stack.enter_context(stopped_clock(world.sql, moment))))
            for moment in (end - timedelta(seconds=gap), end + timedelta(seconds=gap))
        )
        contact = world.alice.made()["id"]
        for first, second in ((before, after), (after, before)):
            ways: list[Callable[..., httpx.Response]] = [
                lambda caller, headers: caller.patch(contact, {"firstName": headers["x"]}, headers=headers),
                lambda caller, headers: caller.create({"firstName": "Jane"}, headers=headers),
                lambda caller, headers: caller.batch(
                    {"op": "create", "data": {"firstName": "Jane"}}, headers=headers
                ),
            ]
            for way in ways:
                headers = key() | {"x": secrets.token_hex(3)}
                answers = [way(caller, headers) for caller in (first, second, first)]
                assert len({answer.content for answer in answers}) == 1
                replayed = [answer.headers.get("idempotency-replayed") for answer in answers]
                assert replayed == [None, "true", "true"]


def test_requests_at_midnight_in_two_processes_are_done_once(world: World, private_server: Private) -> None:
    end = midnight(world.sql)
    with ExitStack() as stack:
        callers = [
            world.alice.at(private_server(database_url=stack.enter_context(stopped_clock(world.sql, moment))))
            for moment in (end - timedelta(milliseconds=1), end + timedelta(milliseconds=1))
        ]
        contact = world.alice.made()["id"]
        for number in range(30):
            headers, changes = key(), {"firstName": f"J{number}"}
            answers = at_once(*(partial(c.patch, contact, changes, headers=headers) for c in callers * 2))
            assert {answer.status_code for answer in answers} <= {200, 409}
            assert sum("idempotency-replayed" not in a.headers for a in answers if a.status_code == 200) == 1
    assert world.alice.fetch(contact).headers["etag"] == '"31"'


@pytest.mark.parametrize("general", [False, True])
def test_two_that_overlap_at_midnight_meet_in_an_index(sql: Sql, general: bool) -> None:
    """The second one has looked before the first one's commit, and has the lock after it."""
    end, claim = midnight(sql), new_claim(new_id(), secrets.token_hex(), b"print")
    answer = Answer(200, [], b"{}")

    async def keep(conn: Any) -> None:
        if general:
            assert await begin(conn, claim) is None
            await insert(conn, claim, answer, [])
        else:
            assert await reserve(conn, [claim]) == [True]
            await insert_all(conn, [(claim, answer, new_id())])

    async def overlap(early: str, late: str) -> None:
        first, second = await connect(early), await connect(late)
        try:
            async with second.transaction(isolation="repeatable_read"):
                await second.fetchval("select 1")
                async with first.transaction():
                    await keep(first)
                with translated():
                    await keep(second)
        finally:
            await first.close()
            await second.close()

    second = timedelta(seconds=1)
    with stopped_clock(sql, end - second) as early, stopped_clock(sql, end + second) as late:
        for one, other in ((early, late), (late, early)):
            with pytest.raises(AnsweredMeanwhile):
                asyncio.run(overlap(one, other))
            sql.execute("delete from kept_answers where key_id = $1", claim.owner)


def test_a_key_whose_answer_has_expired_can_be_used_at_any_time_of_a_day(
    world: World, private_server: Private
) -> None:
    end, contact, headers = midnight(world.sql), world.alice.made()["id"], key()
    with ExitStack() as stack:
        for number, hours in enumerate((0, 24.1, 49)):
            moment = end + timedelta(hours=hours)
            http = private_server(database_url=stack.enter_context(stopped_clock(world.sql, moment)))
            done = world.alice.at(http).patch(contact, {"firstName": "June"}, headers=headers)
            assert (done.status_code, done.headers.get("idempotency-replayed")) == (200, None), number


@pytest.mark.parametrize("statement", [SHORT_KEYED, LONG_KEYED])
def test_a_statement_looks_for_an_answer_by_an_index(sql: Sql, statement: str) -> None:
    async def plan() -> list[Any]:
        conn = await connect(sql.url, session=NO_SCANS)
        try:
            await conn.execute(f"prepare keyed (json, int, int) as {statement}")
            return await conn.fetch("explain execute keyed ('[]', 1, 1)")
        finally:
            await conn.close()

    lines = [row[0] for row in asyncio.run(plan())]
    assert not any("Seq Scan" in line and "kept_answers" in line for line in lines)
    assert sum("Insert on kept_answers" in line for line in lines) == 1


def test_a_purge_finds_the_kept_answers_by_an_index(own: Sql) -> None:
    """In each part: most answers are about one contact, some about several."""
    own.execute(
        """insert into kept_answers (key_id, key, fingerprint, contact_ids, created_at)
           select gen_random_uuid(), n::text, '', array_fill(gen_random_uuid(), array[1 + (n % 10 = 0)::int]),
                  now() + day * interval '1 day'
             from generate_series(1, 10000) n, generate_series(-2, 2) day"""
    )
    own.execute("analyze kept_answers")
    found = own.fetch(f"explain {purge._KEPT_ANSWERS}", [new_id(), new_id()])
    plan = "\n".join(row[0] for row in found)
    assert "idempotency_records_contacts " in plan
    for ends in ("contact_ids_idx", "contact_ids_idx1"):
        assert re.search(rf"kept_answers_2\w+_{ends} ", plan)
    assert "Seq Scan" not in plan
