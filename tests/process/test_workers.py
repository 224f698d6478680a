"""The server processes: one that dies is replaced, and nobody who was waiting for it is sent away."""

import os
import signal
import socket
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Server, running, workers
from tests.waiting import until

READY = "/health/ready"


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Generator[Server]:
    with running(tmp_path / "server.log", database_url=database_url, workers=2) as started:
        yield started


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


@pytest.fixture
def watched(database_url: str, tmp_path: Path) -> Generator[Server]:
    """A server whose processes are replaced after two seconds without a sign of life."""
    settings = {"database_url": database_url, "workers": 2, "worker_timeout": 2}
    with running(tmp_path / "server.log", **settings) as started:
        until(lambda: len(workers(started)) == 2)
        yield started


def test_a_process_that_does_not_answer_is_logged_and_replaced(watched: Server) -> None:
    until(lambda: watched.answers("/health/live"))
    victim, other = (worker.pid for worker in workers(watched))
    os.kill(victim, signal.SIGSTOP)
    until(lambda: {worker.pid for worker in workers(watched)} - {other, victim} != set())
    assert victim not in {worker.pid for worker in workers(watched)}
    assert other in {worker.pid for worker in workers(watched)}
    log = watched.log.read_text()
    assert f'"pid":{victim}' in next(line for line in log.splitlines() if '"process does not answer"' in line)
    with ThreadPoolExecutor(10) as pool:
        answers = pool.map(lambda _: httpx.get(watched.url + READY, timeout=20).status_code, range(20))
        assert set(answers) == {200}


def test_a_stop_of_all_processes_is_no_reason_to_replace_one(watched: Server) -> None:
    """As by a debugger, or while the machine is asleep."""
    before = [worker.pid for worker in workers(watched)]
    everyone = [watched.process.pid, *before]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(5)
    # The supervisor looks first, and for a moment all that it finds is silence.
    for pid in everyone:
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
    time.sleep(3)
    assert [worker.pid for worker in workers(watched)] == before
    assert '"process does not answer"' not in watched.log.read_text()


def test_processes_at_work_and_at_their_start_are_left_alone(database_url: str, tmp_path: Path) -> None:
    settings = {"database_url": database_url, "workers": 2, "worker_timeout": 1}
    with running(tmp_path / "server.log", **settings) as server, ThreadPoolExecutor(16) as pool:
        until(lambda: len(workers(server)) == 2)
        before = {worker.pid for worker in workers(server)}
        with httpx.Client(base_url=server.url, timeout=20) as http:
            end = time.monotonic() + 3

            def ask(_: int) -> None:
                while time.monotonic() < end:
                    assert http.get("/sign-in").status_code == 200

            list(pool.map(ask, range(16)))
        assert {worker.pid for worker in workers(server)} == before
        assert '"process does not answer"' not in server.log.read_text()


def test_a_second_signal_ends_at_once_what_does_not_end(database_url: str, tmp_path: Path) -> None:
    """A request that waits for its body keeps a process for as long as it may take."""
    long: dict[str, Any] = {"body_timeout": 300, "shutdown_timeout": 300}
    with running(tmp_path / "server.log", database_url=database_url, workers=2, **long) as server:
        waiting = socket.create_connection(("127.0.0.1", server.port))
        waiting.sendall(
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Sec-Fetch-Site: same-origin\r\nCookie: __Host-contactory-form=x\r\n"
            b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
        )
        assert waiting.recv(100).startswith(b"HTTP/1.1 100 "), "its body is waited for"
        server.process.send_signal(signal.SIGINT)
        until(lambda: not server.answers("/health/live"))
        assert server.process.poll() is None, "it waits for the request"
        server.process.send_signal(signal.SIGINT)
        server.process.wait(60)
        waiting.close()
