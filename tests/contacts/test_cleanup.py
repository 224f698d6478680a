"""What deleted tags, fields and workspaces leave in contacts' rows is erased, each row looked at once."""

import asyncio
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from contactory.contacts.write.cleanup import FIELDS, PIECE, TAGS, WORKSPACES, Sweep, sweep, sweep_piece
from contactory.database.db import Connection, Database
from contactory.database.statements import by_key
from tests.servers import Sql
from tests.waiting import until
from tests.world import World

FILL = """
insert into contacts (workspace_id, id, first_name, tag_ids, fields, version, created_at, updated_at)
select $1, gen_random_uuid(), 'Jane', case when n % $5 = 0 then array[7, $3::bigint] else '{7}' end,
       case when n % $5 = 0 then jsonb_build_object($4::text, 'x', '0', 'y') else '{"0": "y"}' end,
       1, now(), now()
  from generate_series(1, $2::int) n
"""
READ = """
select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = 'contacts'
"""
CARRY = {
    "tags": "select count(*) from contacts where workspace_id = $1 and tag_ids @> array[$2::bigint]",
    "fields": "select count(*) from contacts where workspace_id = $1 and fields ? $2::bigint::text",
}


@pytest.fixture(autouse=True)
def nothing_else(sql: Sql) -> Generator[None]:
    """No other test has left anything to erase, and no server of the tests is at it."""
    for table in ("tags", "custom_fields", "workspaces"):
        sql.execute(f"update {table} set swept_at = now() where deleted_at is not null")
    idle = """update schedule set due_at = now() + interval '5 min'
               where starts_with(name, 'sweep_') and holder is null"""
    known = sql.value("select count(*) from schedule where starts_with(name, 'sweep_')")
    until(lambda: sql.execute(idle) == f"UPDATE {known}")
    yield
    sql.execute("update schedule set due_at = now() where starts_with(name, 'sweep_')")


def deleted(world: World, kind: str, workspace_id: str = "", ago: str = "1 minute") -> int:
    """The number of a tag or a field that was deleted that long ago."""
    workspace_id = workspace_id or world.acme
    if kind == "tags":
        statement = """insert into tags (workspace_id, name, created_at, deleted_at)
                       values ($1, 'gone', now(), now() - $2::text::interval) returning id"""
    else:
        statement = """insert into custom_fields (workspace_id, id, name, type, position,
                                                  created_at, updated_at, deleted_at)
                       values ($1, gen_random_uuid(), 'gone', 'text', 0,
                               now(), now(), now() - $2::text::interval) returning num"""
    return world.sql.value(statement, workspace_id, ago)


def fill(world: World, count: int, *, tag: int = 0, field: int = 0, every: int = 3) -> None:
    world.sql.execute(FILL, world.acme, count, tag, str(field), every)


def run(sql: Sql, kind: Sweep) -> int:
    """Does all of the walks of a kind; gives in how many pieces."""

    async def work() -> int:
        db, pieces = Database(sql.url, 2, 30), 0
        while (await sweep(db, kind)).more:
            pieces += 1
        await db.close()
        return pieces

    return asyncio.run(work())


@pytest.mark.parametrize(("kind", "walk"), [("tags", TAGS), ("fields", FIELDS)])
@pytest.mark.parametrize("every", [1, 50])
def test_twenty_pieces_read_each_contact_about_once(world: World, kind: str, walk: Sweep, every: int) -> None:
    number = deleted(world, kind)
    count = 20 * PIECE
    fill(world, count, **{kind.removesuffix("s"): number}, every=every)
    world.sql.execute("analyze contacts")

    async def read() -> tuple[int, int]:
        conn: Connection = world.sql.conn
        async with conn.transaction():
            await by_key(conn)
            pieces, before = 0, await conn.fetchval(READ)
            while (await sweep_piece(conn, walk)).more:
                pieces += 1
            return pieces, await conn.fetchval(READ) - before

    pieces, rows = world.sql.run(read())
    assert pieces == 21
    # Once to look at it, and twice more where it is locked and changed.
    assert rows < 1.2 * count + 3 * count / every
    assert world.sql.value(CARRY[kind], world.acme, number) == 0


@pytest.mark.parametrize(("kind", "walk"), [("tags", TAGS), ("fields", FIELDS)])
def test_only_what_was_deleted_goes_and_no_version_changes(world: World, kind: str, walk: Sweep) -> None:
    number, kept = deleted(world, kind), deleted(world, kind, ago="1 second")
    fill(world, 30, **{kind.removesuffix("s"): number})
    other = world.sql.value("select count(*) from contacts where tag_ids = '{7}' or fields ? '0'")
    assert world.sql.value(CARRY[kind], world.acme, number) == 10
    assert run(world.sql, walk) >= 1
    assert world.sql.value(CARRY[kind], world.acme, number) == 0
    assert world.sql.value(CARRY["tags"], world.acme, 7) == 30
    assert world.sql.value(CARRY["fields"], world.acme, 0) == 30
    assert world.sql.value("select max(version) from contacts where workspace_id = $1", world.acme) == 1
    assert other
    table, column = ("tags", "id") if kind == "tags" else ("custom_fields", "num")
    swept = f"select swept_at is not null from {table} where workspace_id = $1 and {column} = $2"
    assert world.sql.value(swept, world.acme, number)
    # A write that was at work when that one was deleted may still come.
    assert not world.sql.value(swept, world.acme, kept)


def test_what_was_deleted_together_goes_in_one_walk(world: World) -> None:
    numbers = [
        world.sql.value(
            """insert into tags (workspace_id, name, created_at, deleted_at)
           values ($1, $2, now(), now() - interval '1 hour') returning id""",
            world.acme,
            f"gone {n}",
        )
        for n in range(30)
    ]
    for number in numbers:
        world.sql.execute(FILL, world.acme, 100, number, "5", 1)
    pieces = run(world.sql, TAGS)
    assert pieces == 3000 // PIECE + 1
    carried = "select count(*) from contacts where workspace_id = $1 and tag_ids && $2::bigint[]"
    assert world.sql.value(carried, world.acme, numbers) == 0


def test_a_walk_goes_on_where_a_crash_has_cut_it_off(world: World) -> None:
    number = deleted(world, "tags")
    fill(world, 5 * PIECE, tag=number, every=1)

    async def pieces(count: int, *, crash: bool) -> None:
        conn: Connection = world.sql.conn
        for _ in range(count):
            async with conn.transaction():
                await sweep_piece(conn, TAGS)
        if crash:
            transaction: Any = conn.transaction()
            await transaction.start()
            await sweep_piece(conn, TAGS)
            await transaction.rollback()

    world.sql.run(pieces(2, crash=True))
    assert world.sql.value(CARRY["tags"], world.acme, number) == 3 * PIECE
    [last] = world.sql.fetch(
        "select swept_to from tags where workspace_id = $1 and id = $2", world.acme, number
    )
    behind = "select count(*) from contacts where workspace_id = $1 and id <= $2"
    assert world.sql.value(behind, world.acme, last[0]) == 2 * PIECE
    assert run(world.sql, TAGS) == 4
    assert world.sql.value(CARRY["tags"], world.acme, number) == 0


def test_two_processes_at_one_walk_and_patches_beside_it_do_no_harm(world: World) -> None:
    number = deleted(world, "fields")
    fill(world, 3 * PIECE, field=number, every=1)
    ids = [
        str(row[0])
        for row in world.sql.fetch("select id from contacts where workspace_id = $1 limit 60", world.acme)
    ]

    async def both() -> None:
        db = Database(world.sql.url, 4, 30)

        async def one() -> None:
            while (await sweep(db, FIELDS)).more:
                pass

        await asyncio.gather(one(), one())
        await db.close()

    with ThreadPoolExecutor(5) as pool:
        walking = pool.submit(lambda: asyncio.run(both()))
        answers = list(pool.map(lambda each: world.alice.patch(each, {"lastName": "Doe"}), ids))
        walking.result()
    assert {answer.status_code for answer in answers} == {200}
    assert world.sql.value(CARRY["fields"], world.acme, number) == 0
    names = "select count(*) from contacts where workspace_id = $1 and last_name = 'Doe'"
    assert world.sql.value(names, world.acme) == 60


def test_of_a_deleted_workspace_nothing_of_its_contacts_and_jobs_stays(world: World) -> None:
    made = [world.alice.made(firstName="Jane") for _ in range(3)]
    assert made
    fill(world, 2 * PIECE)
    world.sql.execute(
        """insert into jobs (workspace_id, id, type, status, input, actor_type, via, created_at)
           values ($1, gen_random_uuid(), 'x', 'queued', '{}', 'system', 'api', now())""",
        world.acme,
    )
    assert world.ada.delete(f"/v1/workspaces/{world.acme}").status_code == 204
    assert run(world.sql, WORKSPACES) == 0, "not at once"
    world.sql.execute(
        "update workspaces set deleted_at = now() - interval '1 minute' where id = $1", world.acme
    )
    assert run(world.sql, WORKSPACES) == 3
    for table in ("contacts", "contact_events", "contact_search", "jobs", "jobs_due", "job_problems"):
        assert world.sql.value(f"select count(*) from {table} where workspace_id = $1", world.acme) == 0, (
            table
        )
    assert world.sql.value("select swept_at is not null from workspaces where id = $1", world.acme)


def test_the_server_erases_by_itself_what_was_deleted(world: World) -> None:
    """Through the API, and by the jobs of a server."""
    made = world.alice.made(tags=["vip"])
    assert world.alice.delete("/v1/tags/vip").status_code == 204
    world.sql.execute(
        "update tags set deleted_at = now() - interval '1 minute' where workspace_id = $1", world.acme
    )
    world.sql.execute("update schedule set due_at = now() where name = 'sweep_tags'")
    until(lambda: world.sql.value("select tag_ids = '{}' from contacts where id = $1", made["id"]))
