"""A unit of work: what is to happen in memory comes after the commit, or never."""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import pytest

from contactory.base.ids import new_id
from contactory.database.db import Database
from contactory.database.unit_of_work import UnitOfWork
from tests.servers import Sql

INSERT = "insert into accounts (id, name, created_at) values ($1, 'Acme', now())"
KNOWN = "select count(*) from accounts where id = any($1::uuid[])"


class Undone(Exception):
    pass


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def work(sql: Sql) -> Generator[UnitOfWork]:
    db = Database(sql.url, 2, 5)
    yield UnitOfWork(db)
    sql.run(db.close())


def test_an_action_is_done_once_others_see_what_was_written(
    sql: Sql, work: UnitOfWork, done: list[str]
) -> None:
    ids, seen = [new_id(), new_id()], list[Any]()

    async def write() -> None:
        async with work.whole():
            for account_id in ids:
                async with work.transaction() as conn:
                    await conn.execute(INSERT, account_id)
                work.after_commit(lambda: done.append("written"))
            seen.append((list(done), await sql.conn.fetchval(KNOWN, ids)))

    sql.run(write())
    assert seen == [([], 0)]
    assert done == ["written", "written"]
    assert sql.value(KNOWN, ids) == 2
    assert work.conn is None


def test_where_each_part_commits_by_itself_an_action_is_done_at_once(
    sql: Sql, work: UnitOfWork, done: list[str]
) -> None:
    async def write() -> None:
        async with work.transaction() as conn:
            await conn.execute(INSERT, new_id())
        work.after_commit(lambda: done.append("written"))
        assert done == ["written"]

    sql.run(write())


def test_what_is_rolled_back_leaves_no_action(sql: Sql, work: UnitOfWork, done: list[str]) -> None:
    async def broken_off() -> None:
        async with work.whole():
            work.after_commit(lambda: done.append("written"))
            raise Undone

    async def tried() -> None:
        async with work.undone() as conn:
            await conn.execute(INSERT, new_id())
            work.after_commit(lambda: done.append("written"))

    before = sql.value("select count(*) from accounts")
    for each in (broken_off, tried):
        with suppress(Undone):
            sql.run(each())
        assert done == []
        assert work.conn is None
    assert sql.value("select count(*) from accounts") == before


def test_a_part_that_is_rolled_back_takes_its_own_actions_along(
    sql: Sql, work: UnitOfWork, done: list[str]
) -> None:
    async def part(name: str, error: Exception | None) -> None:
        async with work.transaction():
            async with work.transaction():
                pass
            work.after_commit(lambda: done.append(name))
            if error:
                raise error

    async def write() -> None:
        async with work.whole():
            await part("first", None)
            with suppress(Undone):
                await part("second", Undone())
            await part("third", None)

    sql.run(write())
    assert done == ["first", "third"]


@pytest.mark.parametrize("way", ["whole", "undone"])
def test_after_a_whole_one_each_part_commits_by_itself_again(
    sql: Sql, work: UnitOfWork, done: list[str], way: str
) -> None:
    begin: Callable[[], Any] = getattr(work, way)

    async def one_after_the_other() -> None:
        with suppress(Undone):
            async with begin():
                work.after_commit(lambda: done.append("lost"))
                raise Undone
        work.after_commit(lambda: done.append("kept"))
        async with begin():
            pass

    sql.run(one_after_the_other())
    assert done == ["kept"]
