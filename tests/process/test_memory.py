"""What a process keeps in memory has a bound, however many workspaces and keys there are."""

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Generator

import pytest

from contactory.base.ids import new_id
from contactory.base.settings import Settings
from contactory.catalog import catalog
from contactory.catalog.catalog import Catalogs
from contactory.database.db import Database
from contactory.rules.actor import Actor
from contactory.rules.errors import RateLimited
from contactory.web import rate_limit
from contactory.web.rate_limit import RateLimiter
from tests.world import World

TAGS = 4_000
MIB = 1024 * 1024


def with_database(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    async def run() -> None:
        database = Database(url, 2, 60)
        await work(database)
        await database.close()

    asyncio.run(run())


def with_tags(world: World, count: int, letter: str) -> str:
    """A workspace that has so many tags."""
    workspace_id = world.workspace()
    world.sql.execute(
        """insert into tags (workspace_id, name, created_at)
           select $1, repeat($3, 20) || n, now() from generate_series(1, $2::int) n""",
        workspace_id,
        count,
        letter,
    )
    return workspace_id


@pytest.fixture(autouse=True)
def _not_traced() -> Generator[None]:
    yield
    tracemalloc.stop()


def traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.parametrize("letter", ["a", "語"])
def test_catalogues_are_bounded_by_the_memory_that_they_take(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    monkeypatch.setattr(catalog, "_KEPT_BYTES", 3 * MIB)
    workspaces = [with_tags(world, TAGS, letter) for _ in range(10)]

    async def work(database: Database) -> None:
        catalogs = Catalogs(database)
        await catalogs.get(world.acme)
        tracemalloc.start()
        before = traced()
        for workspace_id in workspaces:
            latest = await catalogs.get(workspace_id)
        assert 1.5 * MIB < traced() - before < 4 * MIB
        assert await catalogs.get(workspaces[-1]) is latest, "the latest is kept"

    with_database(database_url, work)


def test_a_catalogue_that_grows_makes_others_go(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "_KEPT_BYTES", MIB)
    growing = world.acme_two

    async def work(database: Database) -> None:
        catalogs = Catalogs(database)
        first = await catalogs.get(world.acme)
        found = await catalogs.get(growing)
        await catalogs.poll()
        assert first is not None
        assert await catalogs.get(world.acme) is first
        assert found is await catalogs.get(growing)
        assert found is not None
        found.learn_tags((f"{'x' * 40} {number}", number) for number in range(1, 10_000))
        await catalogs.poll()
        assert await catalogs.get(growing) is found
        assert await catalogs.get(world.acme) is not first

    with_database(database_url, work)


def test_the_sets_of_tags_that_were_shown_are_bounded_too(world: World, database_url: str) -> None:
    with_tags_id = with_tags(world, TAGS, "a")

    async def work(database: Database) -> None:
        found = await Catalogs(database).get(with_tags_id)
        assert found is not None
        ids = sorted(found.tag_names)
        tracemalloc.start()
        before = traced()
        for number in range(300):
            found.show_tags(f"{{{','.join(map(str, ids[number : number + 1000]))}}}")
        assert traced() - before < 3 * MIB

    with_database(database_url, work)


def test_the_rate_limits_that_a_process_knows_are_bounded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "_KEPT", 5)

    async def work(database: Database) -> None:
        limiter = RateLimiter(database, Settings(rate_limit=0.1, rate_burst=1))
        actors = [Actor(new_id(), "", None, "live", "write") for _ in range(20)]
        for actor in actors:
            await limiter.draw(actor)
        left = [dict(limiter.headers(actor))["ratelimit"].split(";")[1] for actor in actors]
        assert left == ["r=1"] * 15 + ["r=0"] * 5
        for actor in actors:  # Whatever is not known is asked of the database.
            with pytest.raises(RateLimited):
                await limiter.draw(actor)

    with_database(database_url, work)
