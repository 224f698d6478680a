"""More than the server can take: it says so at once, keeps its memory, and serves those who behave."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from tests.durability.client import HttpConnection
from tests.servers import Server, running
from tests.waiting import until
from tests.world import World
from tests.writer.held import PATIENT, slow
from tests.writer.traffic import connections, open_connections, scaled, swarm, waiting_writes

pytestmark = pytest.mark.timeout(scaled(60, 900))
JUNE = {"firstName": "June"}
QUEUE = 16
CLIENTS = 2_000
EACH = scaled(1, 20)
MEGABYTE = 1 << 20
HALF_SENT = 1_000
SILENT = 50
BODY_SECONDS = 8
HONEST = 8
TIMES = 25


def test_past_the_queue_the_answer_is_503_at_once_and_others_succeed(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    server = private_server(write_queue=QUEUE, statement_timeout=PATIENT)
    alice, carol = world.alice.at(server), world.carol.at(server)
    *contacts, one_more = [alice.made()["id"] for _ in range(QUEUE // 2 + 1)]
    other = carol.made()["id"]
    with slow(world.sql, contacts) as go_on, ThreadPoolExecutor(QUEUE) as pool:
        waiting = [pool.submit(alice.patch, each, JUNE) for each in contacts]
        until(lambda: waiting_writes(str(server.base_url)) == len(contacts))
        refused = alice.patch(one_more, JUNE)
        assert not any(each.done() for each in waiting), "it did not wait for what is in the queue"
        waiting.append(pool.submit(carol.patch, other, JUNE))
        go_on()
        statuses = [each.result().status_code for each in waiting]
    assert refused.status_code == 503
    assert refused.json()["type"] == "/errors/unavailable"
    assert refused.json()["retryable"] is True
    assert int(refused.headers["retry-after"]) >= 1
    assert statuses == [200] * (QUEUE // 2 + 1)
    assert alice.patch(one_more, JUNE).status_code == 200


def memory(server: Server) -> int:
    """Bytes of the server's processes, what they share counted once (the proportional set size)."""
    parent = psutil.Process(server.process.pid)
    return sum(each.memory_full_info().pss for each in [parent, *parent.children(recursive=True)])


def test_two_thousand_clients_at_once_get_no_error_and_cost_little_memory(world: World, crew: Server) -> None:
    contacts = [world.alice.made()["id"] for _ in range(50)]
    seen: list[int] = []

    async def client(number: int, http: HttpConnection) -> Counter[int]:
        statuses: Counter[int] = Counter()
        for step in range(EACH):
            body = {"firstName": f"{number} {step}", "lastName": "x" * 255}
            answer = await http.request("PATCH", f"/v1/contacts/{contacts[number % 50]}", body)
            statuses[answer.status] += 1
        if number % 200 == 0:
            seen.append(memory(crew))
        return statuses

    idle = memory(crew)
    statuses = sum(swarm(crew.port, world.alice.key, CLIENTS, client), Counter[int]())
    assert set(statuses) <= {200, 503}
    assert statuses[200] >= CLIENTS * EACH // 2
    assert max(seen) - idle <= 256 * MEGABYTE


def half_sent(key: str, contact_id: str) -> tuple[bytes, bytes]:
    """A request without the end of its headers, and one without the end of its body."""
    head = f"PATCH /v1/contacts/{contact_id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n".encode()
    return head, head + b'content-type: application/json\r\ncontent-length: 100\r\n\r\n{"firstName":'


async def cut_off(port: int, sent: bytes) -> tuple[bytes, float]:
    """What a client gets that sends no more than this, and after how many seconds it is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.monotonic()
    try:
        writer.write(sent)
        answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    finally:
        writer.transport.abort()
    return answer, time.monotonic() - begun


async def patches(clients: list[HttpConnection], contacts: list[str]) -> None:
    """Each client changes its contact several times."""

    async def client(http: HttpConnection, contact_id: str) -> None:
        for count in range(TIMES):
            answer = await http.request("PATCH", f"/v1/contacts/{contact_id}", {"firstName": str(count)})
            assert answer.status == 200, answer

    await asyncio.gather(*map(client, clients, contacts))


def test_a_thousand_half_sent_requests_are_cut_off_and_do_not_hold_up_the_others(
    world: World, database_url: str, tmp_path: Path
) -> None:
    contacts = [world.alice.made()["id"] for _ in range(HONEST)]
    without_headers, without_body = half_sent(world.alice.key, contacts[0])

    async def run(server: Server) -> None:
        port, key = server.port, world.alice.key

        async def cost() -> float:
            """The least of a few attempts, since others use the same processors."""
            spent: list[float] = []
            for _ in range(3):
                before = server.processor_seconds()
                await patches(clients, contacts)
                spent.append(server.processor_seconds() - before)
            return min(spent)

        async with AsyncExitStack() as stack:
            clients = await connections(stack, port, key, HONEST)
            await patches(clients, contacts)
            alone = await cost()
            heads = [without_headers] * (HALF_SENT // 2) + [b""] * SILENT
            headers = [asyncio.create_task(cut_off(port, head)) for head in heads]
            bodies = [asyncio.create_task(cut_off(port, without_body)) for _ in range(HALF_SENT // 2)]
            opened = len(clients) + HALF_SENT + SILENT
            await asyncio.to_thread(until, lambda: open_connections(server.url) >= opened)
            beside = await cost()
            assert not any(task.done() for task in [*headers, *bodies]), "the others wait for none of them"
            assert beside < 3 * alone
            for answer, seconds in await asyncio.gather(*bodies):
                assert answer.startswith(b"HTTP/1.1 400 ")
                assert seconds >= BODY_SECONDS
            assert {answer for answer, _ in await asyncio.gather(*headers)} == {b""}

    log = tmp_path / "server.log"
    with running(log, database_url=database_url, body_timeout=BODY_SECONDS) as server:
        asyncio.run(run(server))
        assert httpx.get(f"{server.url}/health/ready").status_code == 200
