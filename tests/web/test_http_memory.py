"""What clients send and do not read takes a bounded part of the server's memory, however many they are."""

import gzip
import json
import socket
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.raw_http import ALIVE, LIVE, Client
from tests.servers import Server, running, workers
from tests.world import World

MEBIBYTE = 1 << 20
LARGE = b"GET /static/vendor/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
KEYLESS = "POST /v1/contacts HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Generator[Server]:
    with running(tmp_path / "server.log", database_url=database_url, body_timeout=100) as started:
        with Client(started.url) as client:  # What is kept once it was asked for is there before.
            client.send(LARGE + LIVE)
            assert client.answer().status == 200
            assert client.answer().status == 200
        yield started


@pytest.fixture
def connect(server: Server) -> Generator[Callable[[], Client]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Client(server.url))


class Memory:
    """How far the server's memory has grown, in MiB: what was reached at most since the beginning."""

    def __init__(self, server: Server) -> None:
        self.process: psutil.Process = workers(server)[0]
        self.before = self.now()
        self.most = 0.0

    def now(self) -> float:
        return self.process.memory_info().rss / MEBIBYTE

    @property
    def growth(self) -> float:
        self.most = max(self.most, self.now() - self.before)
        return self.most


def push(client: Client, data: bytes) -> None:
    """Sends what the server takes, within a second; never reads."""
    client.socket.settimeout(1)
    with suppress(OSError):
        client.socket.sendall(data)
    client.socket.settimeout(15)


def still_answers(server: Server) -> None:
    with Client(server.url) as client:
        client.send(LIVE)
        assert client.answer().body == ALIVE


@pytest.mark.parametrize(
    ("framing", "begin", "piece"),
    [
        (f"Content-Length: {MEBIBYTE}", b"", b"x" * 65_535),
        ("Transfer-Encoding: chunked", b"", b"fff8\r\n" + b"x" * 65_528 + b"\r\n"),
        (f"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: {MEBIBYTE}", b"", b"x" * 65_535),
        (f"Content-Length: {MEBIBYTE}", LIVE, b"x" * 65_535),
    ],
    ids=["length", "chunked", "upgrade", "behind another request"],
)
def test_bodies_of_refused_requests_are_not_kept(
    server: Server, connect: Callable[[], Client], framing: str, begin: bytes, piece: bytes
) -> None:
    memory = Memory(server)
    clients = [connect() for _ in range(300)]
    for client in clients:
        client.send(begin + KEYLESS.format(framing=framing).encode() + piece)
    for _ in range(15):
        for client in clients:
            client.send(piece)
        assert memory.growth < 30
    for client in clients:
        if begin:
            assert client.answer().status == 200
        assert client.answer().status == 401


def test_large_bodies_that_are_waited_for_have_a_bound_and_small_ones_pass(
    world: World, server: Server, connect: Callable[[], Client]
) -> None:
    memory = Memory(server)
    keyed = f"Authorization: Bearer {world.alice.key}\r\nContent-Type: application/json\r\n"
    head = f"POST /v1/contacts HTTP/1.1\r\nHost: x\r\n{keyed}"
    clients = [connect() for _ in range(200)]
    for client in clients:
        client.send(f"{head}Content-Length: {MEBIBYTE}\r\n\r\n".encode())
    for _ in range(15):
        for client in clients:
            client.send(b"x" * 65_536)
        assert memory.growth < 64 + 30
    with Client(server.url) as client:
        client.send(f"{head}Content-Length: 16000\r\n\r\n".encode() + b"x" * 8000)
        time.sleep(0.1)
        client.send(b"x" * 8000)
        assert client.answer().status == 400, "a small body is read, and then refused as no JSON"
    statuses = {client.answer().status for client in clients if readable(client)}
    assert statuses == {503}
    assert sum(client.rest == b"" for client in clients) >= 100


def test_bodies_that_grow_by_unpacking_have_a_bound_too(
    world: World, server: Server, connect: Callable[[], Client]
) -> None:
    operations = [{"op": "create", "data": {"firstName": "a", "tags": ["x"]}}] * 300
    packed = gzip.compress(json.dumps({"operations": operations}).encode() + b" " * (7 * MEBIBYTE))
    head = (
        "POST /v1/contacts/batch?dryRun=true HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\n"
        f"Authorization: Bearer {world.alice.key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(packed)}\r\n\r\n"
    )
    memory = Memory(server)
    clients = [connect() for _ in range(60)]
    for client in clients:
        client.socket.settimeout(60)
        client.send(head.encode() + packed)
    statuses: list[int] = []
    for client in clients:
        statuses.append(client.answer().status)
        assert memory.growth < 64 + 90
    assert set(statuses) == {200, 503}


def readable(client: Client) -> bool:
    """Whether an answer has come, or comes in the next moment."""
    client.socket.settimeout(0.01)
    try:
        return bool(client.socket.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        client.socket.settimeout(15)


def test_answers_that_are_never_read_hold_up_the_requests_behind_them(
    server: Server, connect: Callable[[], Client]
) -> None:
    memory = Memory(server)
    client = connect()
    push(client, LARGE * 100_000)
    assert memory.growth < 30
    still_answers(server)
    for _ in range(100):
        assert client.answer().status == 200, "read at last, it goes on"
    assert memory.growth < 30


def test_answers_that_many_never_read_have_a_bound(server: Server, connect: Callable[[], Client]) -> None:
    memory = Memory(server)
    for _ in range(100):
        client = connect()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(LARGE * 3000)
    time.sleep(0.5)
    assert memory.growth < 30
    still_answers(server)


def test_answers_that_differ_have_a_bound_and_those_that_wait_longest_are_given_up(
    server: Server, connect: Callable[[], Client], world: World
) -> None:
    world.field("Notes")
    for number in range(10):
        fields = {"customFields": {"Notes": str(number) * 10_000}}
        made = world.alice.batch(*[{"op": "create", "data": fields} for _ in range(90)])
        assert {result["status"] for result in made.json()["results"]} == {201}
    memory = Memory(server)
    head = (
        f"GET /v1/contacts?limit=900 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.alice.key}\r\n\r\n"
    )
    clients = [connect() for _ in range(20)]
    for client in clients:
        client.send(head.encode())
        assert client.socket.recv(1)  # It begins to arrive, and no more of it is read.
    assert memory.growth < 64 + 80
    last, first = clients[-1], clients[0]
    first.rest = last.rest = b"H"
    assert len(json.loads(last.answer().body)) == 900
    with pytest.raises((ConnectionError, AssertionError)):
        first.answer()
    still_answers(server)


def test_bodies_behind_an_answer_that_is_not_read_have_a_bound(
    server: Server, connect: Callable[[], Client]
) -> None:
    memory = Memory(server)
    clients = [connect() for _ in range(100)]
    for client in clients:
        client.send(LARGE * 10)
    body = KEYLESS.format(framing="Content-Length: 60000").encode() + b"x" * 60_000
    for client in clients:
        client.socket.setblocking(False)
        with suppress(OSError):
            for _ in range(200):
                client.socket.sendall(body)
    time.sleep(0.5)
    assert memory.growth < 30
    still_answers(server)


def test_heads_that_never_end_have_a_bound(server: Server, connect: Callable[[], Client]) -> None:
    memory = Memory(server)
    head = LIVE[:-2] + b"".join(b"x-%d: %b\r\n" % (number, b"y" * 120) for number in range(450))
    for _ in range(1000):
        connect().send(head)
    time.sleep(0.5)
    assert memory.growth < 30
    still_answers(server)
