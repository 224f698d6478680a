"""A request, or a signal, that asks a server process to end: it ends in order, after what it has accepted."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers import PROJECT

# The server process as it is, with some operations more.
PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from contactory import app
from contactory.process import server
from contactory.web.messages import Response
from contactory.web.operations import Operation

entered = asyncio.Event()

async def leave(call):
    await entered.wait()
    sys.exit(3)

async def interrupt(call):
    await entered.wait()
    raise KeyboardInterrupt

async def by_sigint(call):
    await entered.wait()
    os.kill(os.getpid(), signal.SIGINT)
    return Response(200)

async def by_sigterm(call):
    await entered.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    return Response(200)

async def in_the_middle(call):
    async def stream():
        yield b"half"
        sys.exit(3)
    return Response(200, stream=stream())

async def slow(call):
    entered.set()
    await asyncio.sleep(0.5)
    return Response(200, b"done")

for handler in (leave, interrupt, by_sigint, by_sigterm, in_the_middle, slow):
    name = handler.__name__
    app.OPERATIONS.append(
        Operation(id=name, method="GET", path=f"/{name}", summary=name, handler=handler)
    )
server.main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), "server-1")
"""


class Process:
    """A server process without a supervisor, which would start another one in its place."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=20)

    def ended(self) -> int:
        """How it ended."""
        return self.process.wait(20)

    @property
    def log(self) -> str:
        return self._log.read_text()


@contextmanager
def _started(database_url: str, log: Path) -> Generator[Process]:
    # The far end of what shows that the process lives; nothing looks at it here.
    watching, beating = os.pipe()
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(listening.fileno()), str(beating), str(log.parent)],
            cwd=PROJECT,
            env=os.environ | {"CONTACTORY_DATABASE_URL": database_url, "CONTACTORY_LOG_FORMAT": "json"},
            stderr=written,
            pass_fds=[listening.fileno(), beating],
        )
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield Process(process, url, log)
    finally:
        process.kill()
        process.wait()
        os.close(watching)
        os.close(beating)


@pytest.fixture
def process(database_url: str, tmp_path: Path) -> Generator[Process]:
    with _started(database_url, tmp_path / "process.log") as process:
        assert process.get("/health/live").status_code == 200
        yield process


@pytest.mark.parametrize(
    ("path", "status"), [("/leave", 503), ("/interrupt", 503), ("/by_sigint", 200), ("/by_sigterm", 200)]
)
def test_whoever_asks_for_the_end_is_answered_and_so_are_the_others(
    process: Process, path: str, status: int
) -> None:
    with ThreadPoolExecutor(2) as pool:
        asking, other = pool.submit(process.get, path), pool.submit(process.get, "/slow")
        assert asking.result().status_code == status
        assert (other.result().status_code, other.result().content) == (200, b"done")
    assert process.ended() == 0
    assert '"unexpected"' in process.log or status == 200


def test_an_answer_in_pieces_that_asks_for_the_end_is_cut_off(process: Process) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        process.get("/in_the_middle")
    assert process.ended() == 0
