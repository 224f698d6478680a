"""Real servers for tests: PostgreSQL with a migrated template, and Contactory processes on clones of it."""

import asyncio
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psutil

from contactory.database import db
from contactory.database.migrate import migrate
from contactory.embedded.host import die_with_parent
from contactory.embedded.server import EmbeddedPostgres

T = TypeVar("T")
PROJECT = Path(__file__).parents[1]
PATIENCE = 60.0  # Several test processes, each with servers, may share few processors.
# Nothing that these tests look at has to survive a loss of power.
RELAXED = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "on",
    # A deadlock is noticed, and counted, before the lanes' own lock_timeout hides it.
    "deadlock_timeout": "50ms",
}
SERVE = """
from contactory.process.supervisor import serve
from contactory.base.settings import load_settings

serve(load_settings(), print, lambda address, first: None)
"""


@contextmanager
def embedded_postgres(settings: Mapping[str, str] | None = None) -> Generator[EmbeddedPostgres]:
    """An embedded PostgreSQL in a folder of its own, started."""
    # Not pytest's tmp_path: the system user that the server runs as for root cannot reach that.
    folder = Path(tempfile.mkdtemp(prefix="contactory-test-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "store", settings=settings, report=lambda line: None)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def named(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def reachable(url: str) -> bool:
    """Whether the database answers."""

    async def reach() -> None:
        await (await db.connect(url)).close()

    try:
        asyncio.run(reach())
    except db.AWAY:
        return False
    return True


class Sql:
    """A connection for tests, usable without async: for what the API does not show, and for preparing it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.conn: Any = self.run(db.connect(url))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What a coroutine gives; it may use `conn`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def fetch(self, query: str, *args: Any) -> list[Any]:
        return self.run(self.conn.fetch(query, *args))

    def row(self, query: str, *args: Any) -> Any:
        return self.run(self.conn.fetchrow(query, *args))

    def value(self, query: str, *args: Any) -> Any:
        return self.run(self.conn.fetchval(query, *args))

    def execute(self, query: str, *args: Any) -> str:
        return self.run(self.conn.execute(query, *args))

    def close(self) -> None:
        self.run(self.conn.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def sql_at(url: str) -> Generator[Sql]:
    sql = Sql(url)
    try:
        yield sql
    finally:
        sql.close()


@contextmanager
def template(url: str) -> Generator[str]:
    """A database with the schema in it, to be cloned; yields its name."""
    name = f"contactory_template_{secrets.token_hex(4)}"
    with sql_at(url) as sql:
        sql.execute(f"create database {name}")
        with sql_at(named(url, name)) as inside:
            inside.run(migrate(inside.conn))
        yield name
        _drop(sql, name)


@contextmanager
def clone(url: str, template_name: str) -> Generator[str]:
    """A database like the template; yields its URL."""
    name = f"contactory_test_{secrets.token_hex(4)}"
    with sql_at(url) as sql:
        sql.execute(f"create database {name} template {template_name}")
        yield named(url, name)
        _drop(sql, name)


def _drop(sql: Sql, database: str) -> None:
    # Not `with (force)`, which fails where autovacuum is at work: its worker is a superuser's. Without it,
    # PostgreSQL ends that worker by itself.
    sql.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = $1 and usename = current_user""",
        database,
    )
    sql.execute(f"drop database {database}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A Contactory server process, with its settings by their names; `program` is what it runs."""

    def __init__(self, log: Path, program: str = SERVE, /, **settings: object) -> None:
        self.log = log
        self._program = program
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {"port": self.port, "log_format": "json", "workers": 1, **settings}
        self._environment = {f"CONTACTORY_{name.upper()}": str(value) for name, value in given.items()}
        self.process: subprocess.Popen[bytes]

    def start(self, health: str = "/health/ready") -> None:
        """Returns once `health` answers 200."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CONTACTORY_")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", self._program],
                cwd=PROJECT,
                # So that whatever a killed server leaves behind goes when the test's folder goes.
                env=kept | {"TMPDIR": str(self.log.parent)} | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 (it makes two system calls)
            )
        deadline = time.monotonic() + PATIENCE
        while not self.answers(health):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server does not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def answers(self, health: str = "/health/ready") -> bool:
        """Whether `health` answers 200."""
        # Not httpx, which reads every certificate of the system for each client.
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            asking.request("GET", health)
            return asking.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asking.close()

    def processor_seconds(self) -> float:
        """What the server processes have used of the processors so far, however busy the machine is."""
        # Not psutil, which counts in hundredths of a second: Linux has a finer clock for each process.
        pids = [each.pid for each in psutil.Process(self.process.pid).children()]
        return sum(time.clock_gettime(~pid << 3 | 2) for pid in pids)

    def stop(self) -> None:
        """Ends the process, politely at first."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def workers(server: Server) -> list[psutil.Process]:
    """The processes that answer the requests."""
    found: list[psutil.Process] = []
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "contactory.process.server" in child.cmdline():
                found.append(child)
    return found


@contextmanager
def running(log: Path, health: str = "/health/ready", **settings: object) -> Generator[Server]:
    """A server process with these settings, until the end of the block."""
    server = Server(log, **settings)
    server.start(health)
    try:
        yield server
    finally:
        server.stop()
