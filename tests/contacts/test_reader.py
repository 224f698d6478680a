"""Reads: what was written is seen at once and everywhere, no read waits, and memory answers what it can."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from contactory.contacts.read.reader import Kind, Reader
from contactory.database.db import Connection, Database
from tests.durability.client import HttpConnection
from tests.servers import Sql
from tests.statements import Statements, counted
from tests.waiting import until
from tests.world import Caller, World, at_once
from tests.writer.held import PATIENT, held, slow
from tests.writer.traffic import BatchSizes, swarm, waiting_writes

TIMES = 20


def test_a_write_is_read_at_once_through_any_process(world: World, second_http: httpx.Client) -> None:
    here, there = world.alice, world.alice.at(second_http)
    contact_id = here.made()["id"]
    for number in range(TIMES):
        writer, reader = (here, there) if number % 2 else (there, here)
        changed = writer.patch(contact_id, {"firstName": str(number), "tags": [f"tag {number}"]})
        seen = reader.fetch(contact_id)
        assert seen.json() == changed.json()
        assert seen.headers["etag"] == changed.headers["etag"]


def test_many_reads_at_once_give_each_reader_the_contact_asked_for(world: World) -> None:
    contacts = [world.alice.made(firstName=f"Jane {number}") for number in range(30)]
    wanted = [*contacts, *contacts[:10]]  # Some are asked for twice at the same moment.
    unknown = "01920000-0000-7000-8000-000000000000"
    calls = [lambda contact_id=each["id"]: world.bob.fetch(contact_id) for each in wanted]
    *answers, missing = at_once(*calls, lambda: world.bob.fetch(unknown))
    assert [answer.json() for answer in answers] == wanted
    assert missing.status_code == 404


def test_the_same_id_asked_for_by_others_at_the_same_moment_is_theirs_alone(world: World) -> None:
    contact_id = world.alice.made()["id"]
    callers = [world.alice, world.carol, world.tom] * 5
    calls = [lambda who=each: who.fetch(contact_id).status_code for each in callers]
    assert at_once(*calls) == [200, 404, 404] * 5


def test_pages_of_both_orders_leave_a_lane_to_the_contacts(sql: Sql) -> None:
    async def run() -> None:
        db, started, go_on = Database(sql.url, 2, 30), asyncio.Event(), asyncio.Event()
        begun: list[str] = []

        def pages(order: str) -> Kind:
            async def read(conn: Connection, keys: Sequence[Any]) -> dict[Any, Any]:
                begun.append(order)
                started.set()
                await go_on.wait()
                return dict.fromkeys(keys, order)

            return Kind(read, alone=True)

        lanes = [db.lane(), db.lane()]
        reader = Reader(lanes)
        unknown = "01920000-0000-7000-8000-000000000000"
        reads = [asyncio.create_task(reader._result(pages(order), (unknown,))) for order in ("up", "down")]
        await asyncio.wait_for(started.wait(), 20)
        assert await asyncio.wait_for(reader.get(unknown, unknown), 20) is None
        assert begun == ["up"]
        go_on.set()
        assert await asyncio.gather(*reads) == ["up", "down"]
        for lane in lanes:
            await lane.close()

    sql.run(run())


def patched(caller: Caller, contact_id: str) -> int:
    return caller.patch(contact_id, {"firstName": "June"}).status_code


def test_a_read_does_not_wait_for_a_write(world: World, private_server: Callable[..., httpx.Client]) -> None:
    server = private_server(writers=1, statement_timeout=PATIENT)
    alice = world.alice.at(server)
    contact_id, other_id = alice.made()["id"], alice.made()["id"]
    with slow(world.sql, [contact_id]) as go_on, ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(patched, alice, each) for each in (contact_id, other_id)]
        until(lambda: waiting_writes(str(server.base_url)) == 2)
        assert [alice.read(each)["firstName"] for each in (contact_id, other_id)] == ["Jane", "Jane"]
        assert not any(each.done() for each in writing)
        go_on()
        assert [each.result() for each in writing] == [200, 200]


def test_a_held_contact_does_not_hold_up_its_batch(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    server = private_server(writers=1, statement_timeout=PATIENT)
    alice, url = world.alice.at(server), str(server.base_url)
    first, held_too, *others = [alice.made()["id"] for _ in range(6)]
    before = BatchSizes.of(url)
    # The first one occupies the only writer until the rest waits, so that the rest makes one batch.
    with slow(world.sql, [first]) as go_on, ThreadPoolExecutor(8) as pool, held(world.sql.url, [held_too]):
        waiting = [pool.submit(patched, alice, first)]
        until(lambda: waiting_writes(url) == 1)
        waiting += [pool.submit(patched, alice, each) for each in (held_too, *others)]
        until(lambda: waiting_writes(url) == 6)
        go_on()
        assert [each.result() for each in waiting] == [200, 503, *(200 for _ in others)]
    sizes = BatchSizes.of(url).since(before)
    assert sizes.changes == 1 + 2 * 5, "the five were one batch, and then each was written alone"
    assert patched(alice, held_too) == 200


@pytest.fixture
def statements(database_url: str) -> Generator[Statements]:
    with counted(database_url) as statements:
        yield statements


def test_what_is_known_is_not_asked_again(
    world: World, statements: Statements, private_server: Callable[..., httpx.Client]
) -> None:
    world.field("Plan")
    alice = world.alice.at(private_server(database_url=statements.url))
    contact_id = alice.made(tags=["vip"], customFields={"Plan": "Pro"})["id"]
    alice.patch(contact_id, {"firstName": "June"})
    alice.read(contact_id)
    before = statements.since()
    for number in range(TIMES):
        alice.patch(contact_id, {"tags": ["vip"], "customFields": {"Plan": str(number)}})
        alice.read(contact_id)
    during = statements.since(before)
    often = {text: count for text, count in during.items() if count >= TIMES}
    assert sorted(often.values()) == [TIMES, TIMES], "one statement for each read, one for each write"
    assert any("insert into contact_events" in text for text in often)
    assert not any("from custom_fields" in text or "from tags" in text for text in during)


def test_a_process_that_knows_nothing_yet_asks_once_for_all_who_wait(
    world: World, statements: Statements, private_server: Callable[..., httpx.Client]
) -> None:
    contact_id = world.alice.made()["id"]
    server = private_server(database_url=statements.url)

    async def read(number: int, http: HttpConnection) -> int:
        return (await http.request("GET", f"/v1/contacts/{contact_id}")).status

    assert swarm(server.base_url.port or 0, world.alice.key, 200, read) == [200] * 200
    lookups = {
        table: sum(count for text, count in statements.since().items() if f"from {table}" in text)
        for table in ("api_keys", "custom_fields")
    }
    assert max(lookups.values()) <= 5, lookups
