"""Bodies that an operation takes in pieces, at the server of our own and under uvicorn."""

import gzip
import hashlib
import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import psutil
import pytest

from tests.asgi.servers import MORE, OWN_WITH_MORE, under
from tests.raw_http import ALIVE, LIVE, Answer, Client
from tests.servers import Server
from tests.waiting import until
from tests.world import World

MEBIBYTE = 1 << 20
SETTINGS = {"body_timeout": 2, "log_requests": "none"}


@pytest.fixture(scope="module", params=["own", "uvicorn"])
def uploads(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """A server with operations that take their bodies in pieces."""
    log = tmp_path_factory.mktemp("uploads") / "server.log"
    with ExitStack() as stack:
        if request.param == "own":
            server = Server(log, OWN_WITH_MORE, database_url=database_url, **SETTINGS)
            server.start()
            stack.callback(server.stop)
        else:
            more = ("--timeout-graceful-shutdown", "1")
            settings = {"database_url": database_url, **SETTINGS}
            server = stack.enter_context(under("uvicorn", log, *more, app=MORE, **settings))
        yield server


class Uploader:
    """Somebody who uploads."""

    def __init__(self, server: Server, world: World, connect: Callable[[], Client]) -> None:
        self.server = server
        self.connect = connect
        self.key = world.alice.key

    def head(self, framing: str, *more: str, path: str = "/v1/uploads", key: str = "") -> bytes:
        method = "PUT" if path.startswith("/v1/uploads/") else "POST"
        keyed = f"Authorization: Bearer {key or self.key}"
        lines = [f"{method} {path} HTTP/1.1", "Host: x", keyed, framing, *more]
        return "\r\n".join([*lines, "", ""]).encode()

    def send(self, data: bytes, *more: str, chunks: int = 0, path: str = "/v1/uploads") -> Answer:
        """Uploads on a connection of its own; in chunks of a size, where that is given."""
        client = self.connect()
        if not chunks:
            client.send(self.head(f"Content-Length: {len(data)}", *more, path=path) + data)
            return client.answer()
        client.send(self.head("Transfer-Encoding: chunked", *more, path=path))
        for piece in in_chunks(data, chunks):
            client.send(piece)
        return client.answer()

    def ended(self) -> dict[str, int]:
        """How many uploads have begun, and how they have ended."""
        conn = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        conn.request("GET", "/v1/uploads", headers={"Authorization": f"Bearer {self.key}"})
        found = json.loads(conn.getresponse().read())
        conn.close()
        return {name: found.get(name, 0) for name in ("begun", "whole", "cancelled", "failed")}

    @property
    def memory(self) -> float:
        """MiB that the server's process has in memory."""
        return psutil.Process(self.server.process.pid).memory_info().rss / MEBIBYTE


def in_chunks(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


@pytest.fixture
def uploader(uploads: Server, world: World) -> Generator[Uploader]:
    with ExitStack() as stack:
        yield Uploader(uploads, world, lambda: stack.enter_context(Client(uploads.url)))


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer
    return json.loads(answer.body)


def shown(data: bytes) -> tuple[int, str]:
    return len(data), hashlib.sha256(data).hexdigest()


def got(answer: Answer) -> tuple[int, str]:
    found = told(answer)
    return found["bytes"], found["sha256"]


@pytest.mark.parametrize("size", [0, 1, 100_000, 5 * MEBIBYTE])
@pytest.mark.parametrize("chunks", [0, 700, 200_000])
def test_all_of_a_body_in_pieces_arrives(uploader: Uploader, size: int, chunks: int) -> None:
    data = os.urandom(size)
    assert got(uploader.send(data, chunks=chunks)) == shown(data)


def test_a_large_body_takes_little_memory_where_the_handler_is_slow(uploader: Uploader) -> None:
    data = os.urandom(MEBIBYTE) * 80
    expected = shown(data)
    answers: list[Answer] = []
    uploader.send(data[:MEBIBYTE])
    before = uploader.memory
    sending = threading.Thread(target=lambda: answers.append(uploader.send(data, path="/v1/uploads?wait=5")))
    sending.start()
    most = before
    while sending.is_alive():
        most = max(most, uploader.memory)
        time.sleep(0.005)
    assert got(answers[0]) == expected
    assert most - before < 6


def test_no_more_is_read_than_the_handler_takes(uploader: Uploader) -> None:
    client = uploader.connect()
    client.send(uploader.head("Transfer-Encoding: chunked", path="/v1/uploads?wait=10000"))
    client.socket.settimeout(0.5)
    before, sent, chunk = uploader.memory, 0, b"%x\r\n%b\r\n" % (MEBIBYTE, b"x" * MEBIBYTE)
    with suppress(TimeoutError):
        while sent < 100:
            client.send(chunk)
            sent += 1
    assert sent < 20, "the rest waits at the client"
    assert uploader.memory - before < 6


def test_a_body_that_is_too_large_is_refused_as_soon_as_that_is_known(
    uploader: Uploader,
) -> None:
    path = "/v1/uploads/a%2Fb/file/"
    whole = b"x" * (3 * MEBIBYTE)
    assert got(uploader.send(whole, path=path)) == shown(whole)
    assert got(uploader.send(whole, path=path, chunks=50_000)) == shown(whole)
    client = uploader.connect()
    client.send(uploader.head(f"Content-Length: {3 * MEBIBYTE + 1}", path=path))
    assert client.answer().status == 413
    assert uploader.send(whole + b"x", path=path, chunks=50_000).status == 413
    with Client(uploader.server.url) as client:
        client.send(LIVE)
        assert client.answer().body == ALIVE


def test_a_client_may_be_slow_but_not_silent(uploader: Uploader) -> None:
    client = uploader.connect()
    client.send(uploader.head("Content-Length: 6"))
    for _ in range(6):
        time.sleep(0.6)
        client.send(b"x")
    assert told(client.answer())["bytes"] == 6
    client = uploader.connect()
    client.send(uploader.head("Content-Length: 6") + b"xx")
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["type"]) == (400, "/errors/validation-error")
    assert "within 2 s" in json.loads(answer.body)["detail"]


@pytest.mark.parametrize("wait", [0, 300])
def test_a_handler_learns_that_the_client_has_gone(uploader: Uploader, wait: int) -> None:
    before = uploader.ended()
    client = uploader.connect()
    client.send(uploader.head("Content-Length: 500000", path=f"/v1/uploads?wait={wait}") + b"x" * 200_000)
    until(lambda: uploader.ended()["begun"] > before["begun"])
    client.socket.close()
    until(lambda: sum(uploader.ended().values()) == sum(before.values()) + 2)
    assert uploader.ended()["whole"] == before["whole"]


def test_a_client_that_asks_first_is_told_when_the_body_is_wanted(uploader: Uploader, world: World) -> None:
    client = uploader.connect()
    client.send(uploader.head("Content-Length: 3", "Expect: 100-continue"))
    assert client.answer().status == 100
    client.send(b"abc")
    assert told(client.answer())["bytes"] == 3
    for key, status in ((world.stranger().key, 401), (world.bob.key, 403)):
        client = uploader.connect()
        client.send(uploader.head("Content-Length: 3", "Expect: 100-continue", key=key))
        assert client.answer().status == status


def test_requests_behind_a_body_in_pieces_are_answered_after_it(uploader: Uploader) -> None:
    client, data = uploader.connect(), os.urandom(300_000)
    one = uploader.head(f"Content-Length: {len(data)}") + data
    other = uploader.head("Transfer-Encoding: chunked") + b"".join(in_chunks(data, 5000))
    client.send(one + LIVE + other + LIVE + one)
    for _ in range(2):
        assert got(client.answer()) == shown(data)
        assert client.answer().body == ALIVE
    assert got(client.answer()) == shown(data)


def test_an_early_answer_arrives_and_what_follows_is_not_taken_for_a_request(uploader: Uploader) -> None:
    client, before = uploader.connect(), uploader.memory
    size = 20 * MEBIBYTE
    client.send(uploader.head(f"Content-Length: {size}", path="/v1/uploads?stop=1000") + b"x" * 1000)
    answer = client.answer()
    assert told(answer)["bytes"] >= 1000
    with suppress(ConnectionError):
        client.send((LIVE * (size // len(LIVE) + 1))[: size - 1000] + LIVE)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.to_the_end().count(b"HTTP/1.1 ") <= 1
    assert uploader.memory - before < 6


def test_without_a_good_key_nothing_of_the_body_is_kept(uploader: Uploader, world: World) -> None:
    before, clients = uploader.memory, [uploader.connect() for _ in range(30)]
    for client in clients:
        client.send(uploader.head(f"Content-Length: {MEBIBYTE}", key=world.stranger().key))
        with suppress(OSError):
            client.send(b"x" * MEBIBYTE)
    for client in clients:
        assert client.answer().status == 401
    assert uploader.memory - before < 20


def test_many_uploads_at_once_have_a_bound(uploader: Uploader) -> None:
    before = uploader.memory
    for _ in range(60):
        client = uploader.connect()
        client.send(uploader.head("Transfer-Encoding: chunked", path="/v1/uploads?wait=10000"))
        client.socket.setblocking(False)
        with suppress(BlockingIOError):
            for chunk in in_chunks(b"x" * (8 * MEBIBYTE), MEBIBYTE):
                client.socket.sendall(chunk)
    time.sleep(0.5)
    assert uploader.memory - before < 60
    assert uploader.server.answers()


def test_a_packed_body_is_unpacked_piece_by_piece_within_its_limit(uploader: Uploader) -> None:
    data = b"line of a file\n" * 200_000
    for packed in (gzip.compress(data), gzip.compress(data[:1000]) + gzip.compress(data[1000:])):
        assert got(uploader.send(packed, "Content-Encoding: gzip")) == shown(data)
    path = "/v1/uploads/x/file"
    before = uploader.memory
    bomb = gzip.compress(bytes(200 * MEBIBYTE), 1)
    assert uploader.send(bomb, "Content-Encoding: gzip", path=path).status == 413
    assert uploader.memory - before < 6
    for broken in (gzip.compress(data)[:-10], gzip.compress(data) + b"more", b"nonsense", b""):
        assert uploader.send(broken, "Content-Encoding: gzip", path=path).status == 400
    assert uploader.send(data, "Content-Encoding: br").status == 415


def test_a_body_in_pieces_is_taken_once_though_others_change_the_same(uploader: Uploader) -> None:
    before = uploader.ended()
    answer = uploader.send(b"x" * 1000, path="/v1/uploads?clash=true")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    assert uploader.ended()["begun"] == before["begun"] + 1
