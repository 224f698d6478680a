"""A whole Contactory of the test's own, PostgreSQL and all, that may be killed at will."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from contactory import embedded_cluster, embedded_host
from contactory.embedded import running_url
from tests.durability.load import CLIENTS
from tests.servers import PATIENCE, Server, sql_at
from tests.world import Caller, World

CONTACTS = 100


class Installation:
    """A server and its embedded PostgreSQL, with contacts and a custom field for each client of a Load."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        self.data_dir = folder / "store"
        self.caller: Caller
        self.contacts: list[str]

    @property
    def database_url(self) -> str:
        """The database, while the server runs."""
        url = running_url(self.data_dir)
        assert url, f"no server runs in {self.data_dir}"
        return url

    def fill(self) -> None:
        """Makes what the load works on."""
        with sql_at(self.database_url) as sql, httpx.Client(base_url=self.server.url, timeout=20) as http:
            world = World(sql, http)
            for number in range(CLIENTS):
                world.field(f"field {number}")
            self.caller = world.alice
            self.contacts = [world.alice.made(tags=["first"])["id"] for _ in range(CONTACTS)]

    def server_processes(self) -> list[int]:
        """The supervisor, then its workers."""
        supervisor = psutil.Process(self.server.process.pid)
        children = supervisor.children(recursive=True)
        database = {*self.database_processes()}
        return [supervisor.pid, *(child.pid for child in children if child.pid not in database)]

    def database_processes(self) -> list[int]:
        """The postmaster, then its children."""
        cluster = embedded_cluster.layout(self.data_dir).cluster
        postmaster = embedded_host.named_process(cluster / "postmaster.pid")
        return sorted(embedded_host.server_processes(cluster), key=lambda pid: pid != postmaster)

    def kill(self, victim: str) -> None:
        """Kills (SIGKILL) the "server", the "database" or "both", every process of it."""
        pids = [] if victim == "database" else self.server_processes()
        pids += [] if victim == "server" else self.database_processes()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def recover(self, victim: str) -> None:
        """Starts what was killed, where it does not start again by itself; returns once it answers."""
        if victim != "database":
            self.server.process.wait(PATIENCE)
            self.server.start()
            return
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            assert time.monotonic() < deadline, "the server is not ready again"
            time.sleep(0.02)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.server.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def installation(log: Path, program: str = "", **settings: object) -> Generator[Installation]:
    """A running installation with full durability; `program` is run in the place of the server's own."""
    # Not pytest's tmp_path: the system user that PostgreSQL runs as for root cannot reach that.
    folder = Path(tempfile.mkdtemp(prefix="contactory-durability-", dir="/tmp"))
    folder.chmod(0o755)
    chosen = {"program": program} if program else {}
    server = Server(log, **chosen, data_dir=folder / "store", max_tags=1_000_000, **settings)
    made = Installation(folder, server)
    try:
        server.start()
        made.fill()
        yield made
    finally:
        server.stop()
        embedded_host.clear_leftovers(embedded_cluster.layout(made.data_dir).cluster, lambda line: None)
        shutil.rmtree(folder, ignore_errors=True)
