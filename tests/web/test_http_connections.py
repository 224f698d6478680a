"""How many connections there may be: more are refused, and those that rest give way."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from resource import RLIMIT_NOFILE
from typing import Any

import pytest

from tests.raw_http import ALIVE, LIVE, Answer, Client
from tests.servers import SERVE, Server, running, workers
from tests.waiting import until


@contextmanager
def crowded(server: Server, count: int) -> Generator[list[Client]]:
    """So many connections, each of which has asked something."""
    with ExitStack() as stack:

        def alive() -> Client | None:
            client = stack.enter_context(Client(server.url))
            client.send(LIVE)
            return client if client.answer().body == ALIVE else None

        # More than one attempt: those who waited for the server to start have hardly gone.
        yield [until(alive) for _ in range(count)]


def asks(server: Server, request: bytes = LIVE) -> Answer:
    """What a new connection is answered."""
    with Client(server.url) as client:
        client.send(request)
        return client.answer(bodiless=request.startswith(b"HEAD"))


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Generator[Callable[..., Server]]:
    with ExitStack() as stack:

        def one(**settings: Any) -> Server:
            return stack.enter_context(
                running(tmp_path / "server.log", database_url=database_url, **settings)
            )

        yield one


def test_connections_beyond_the_limit_are_refused_and_told_when_to_come_again(
    start: Callable[..., Server],
) -> None:
    server = start(max_connections=20)
    with crowded(server, 20) as clients:
        answer = asks(server)
        problem = json.loads(answer.body)
        assert (answer.status, problem["type"], problem["retryable"]) == (503, "/errors/unavailable", True)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.headers["connection"], answer.headers["retry-after"]) == ("close", "1")
        assert problem["requestId"] == answer.headers["x-request-id"]
        large = b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000
        assert asks(server, large).status == 503, "it gets the answer, though it is still sending"
        assert asks(server, LIVE.replace(b"GET", b"HEAD")).status == 503
        clients[0].send(LIVE)
        assert clients[0].answer().body == ALIVE, "those who are there are served"
        clients.pop().socket.close()
        time.sleep(0.2)
        assert asks(server).body == ALIVE
    assert "connections refused" in server.log.read_text()


def test_many_refused_connections_hold_nothing_up(start: Callable[..., Server]) -> None:
    server = start(max_connections=5)
    with crowded(server, 5) as clients, ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(Client(server.url))
        assert asks(server).status == 503
        clients[0].send(LIVE)
        assert clients[0].answer().body == ALIVE
        worker = workers(server)[0]
        assert len([each for each in worker.net_connections("tcp") if each.status == "ESTABLISHED"]) < 50


def test_a_connection_that_rests_gives_way_to_a_new_one(start: Callable[..., Server]) -> None:
    server = start(max_connections=3)
    with crowded(server, 3) as clients:
        busy = clients[1:]
        for _ in range(14):  # After five seconds, a connection is one that rests.
            time.sleep(0.5)
            for client in busy:
                client.send(LIVE)
                assert client.answer().body == ALIVE
        with Client(server.url) as newcomer:
            newcomer.send(LIVE)
            assert newcomer.answer().body == ALIVE
            assert clients[0].ended
            assert asks(server).status == 503
            for client in busy:
                client.send(LIVE)
                assert client.answer().body == ALIVE


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
"""


@pytest.fixture
def start_limited(database_url: str, tmp_path: Path) -> Generator[Callable[[int, int], Server]]:
    servers: list[Server] = []

    def one(soft: int, hard: int) -> Server:
        program = LIMITED.format(soft=soft, hard=hard) + SERVE
        servers.append(Server(tmp_path / "server.log", program, database_url=database_url))
        servers[-1].start()
        return servers[-1]

    yield one
    for server in servers:
        server.stop()


def test_the_descriptors_that_connections_need_are_asked_for(
    start_limited: Callable[[int, int], Server],
) -> None:
    server = start_limited(256, 4096)
    with crowded(server, 400):
        assert asks(server).body == ALIVE
    assert "descriptor" not in server.log.read_text()


def test_where_descriptors_are_few_it_is_logged_and_fewer_connections_are_taken(
    start_limited: Callable[[int, int], Server],
) -> None:
    server = start_limited(100, 100)
    assert "descriptor limit allows fewer connections" in server.log.read_text()
    for _ in range(2):
        with ExitStack() as stack:
            answers: list[int] = []
            for _ in range(150):
                client = stack.enter_context(Client(server.url))
                client.send(LIVE)
                answers.append(client.answer().status)
            assert set(answers) == {200, 503}
            assert answers.count(200) >= 20
        time.sleep(0.3)
        assert asks(server).body == ALIVE
        assert server.answers("/health/ready")
    assert "connections refused" in server.log.read_text()


def test_descriptors_that_run_out_are_logged_and_connections_are_taken_again_later(
    start: Callable[..., Server],
) -> None:
    server = start()
    worker = workers(server)[0]
    usual: Any = worker.rlimit(RLIMIT_NOFILE)
    worker.rlimit(RLIMIT_NOFILE, (worker.num_fds() + 10, usual[1]))
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(Client(server.url))
        until(lambda: "no descriptors left" in server.log.read_text())
    time.sleep(0.2)
    assert asks(server).body == ALIVE
