"""The server processes: one that dies is replaced, and nobody who was waiting for it is sent away."""

import os
import signal
import socket
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.servers import Server, running
from tests.waiting import until

READY = "/health/ready"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Generator[Server]:
    with running(tmp_path / "server.log", database_url=database_url, workers=2) as started:
        yield started


def workers(server: Server) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "contactory.server" in child.cmdline():
                found.append(child)
    return found


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


def test_a_process_that_died_leaves_no_gauges(server: Server) -> None:
    def gauges(process: psutil.Process) -> list[Path]:
        return list(server.log.parent.glob(f"contactory-metrics-*/gauge_live*_{process.pid}.db"))

    [victim, other] = workers(server)
    until(lambda: bool(gauges(victim) and gauges(other)))
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: not gauges(victim))
    assert gauges(other)


def test_a_second_signal_ends_at_once_what_does_not_end(database_url: str, tmp_path: Path) -> None:
    """A request that waits for its body keeps a process for as long as it may take."""
    long: dict[str, Any] = {"body_timeout": 300, "shutdown_timeout": 300}
    with running(tmp_path / "server.log", database_url=database_url, workers=2, **long) as server:
        waiting = socket.create_connection(("127.0.0.1", server.port))
        waiting.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
        )
        assert waiting.recv(100).startswith(b"HTTP/1.1 100 "), "its body is waited for"
        server.process.send_signal(signal.SIGINT)
        until(lambda: not server.answers("/health/live"))
        assert server.process.poll() is None, "it waits for the request"
        server.process.send_signal(signal.SIGINT)
        server.process.wait(60)
        waiting.close()
