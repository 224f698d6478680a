"""The server processes: one that dies is replaced, and nobody who was waiting for it is sent away."""

import os
import signal
import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.servers import Server, running, workers

READY = "/health/ready"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Generator[Server]:
    with running(tmp_path / "server.log", database_url=database_url, workers=2) as started:
        yield started


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_processes_that_die_are_replaced_and_whoever_comes_meanwhile_is_served(server: Server) -> None:
    until(lambda: len(workers(server)) == 2)
    before = workers(server)
    for worker in before:
        os.kill(worker.pid, signal.SIGKILL)
    with ThreadPoolExecutor(20) as pool:
        # Each on a connection of its own: some wait at the socket of one process, some at the other's.
        answers = list(pool.map(lambda _: httpx.get(server.url + READY, timeout=20).status_code, range(40)))
    assert set(answers) == {200}
    until(lambda: len(workers(server)) == 2)
    assert not {worker.pid for worker in workers(server)} & {worker.pid for worker in before}
    assert server.log.read_text().count('"process died"') == 2


def test_metrics_forget_a_process_that_died(server: Server) -> None:
    def connections() -> float:
        lines = httpx.get(server.url + "/metrics").text.splitlines()
        return next(
            float(line.split()[-1]) for line in lines if line.startswith("contactory_pool_connections ")
        )

    until(lambda: connections() >= 2)
    for _ in range(3):
        victim = workers(server)[0]
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda pid=victim.pid: pid not in {worker.pid for worker in workers(server)})
        until(lambda: len(workers(server)) == 2)
    most = 2 * 8  # Two processes with a pool of eight.
    assert connections() <= most


def test_a_second_signal_ends_at_once_what_does_not_end(server: Server) -> None:
    """A request that waits for its body keeps a process for as long as it may take."""
    host, port = "127.0.0.1", server.port
    waiting = socket.create_connection((host, port))
    waiting.sendall(
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 100\r\n\r\na="
    )
    time.sleep(0.3)
    server.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert server.process.poll() is None, "it waits for the request"
    begun = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    server.process.wait(10)
    assert time.monotonic() - begun < 3
    waiting.close()
