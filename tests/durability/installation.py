"""A whole Contactory of the test's own, PostgreSQL and all, that may be killed at will."""

import os
import shutil
import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from contactory.embedded import cluster, host
from contactory.embedded.server import running_url
from tests.durability.load import CLIENTS
from tests.embedded.servers import copy
from tests.servers import PATIENCE, SERVE, Server, reachable, sql_at
from tests.waiting import until
from tests.world import World

CONTACTS = 100


class Template(NamedTuple):
    """A data folder with contacts and a custom field for each client of a Load; no server runs it."""

    store: Path
    key: str
    workspace_id: str
    contacts: list[str]


@contextmanager
def make_template(log: Path) -> Generator[Template]:
    with _folder() as folder:
        server = Server(log, data_dir=folder / "store")
        server.start()
        try:
            template = _fill(folder / "store", server)
        finally:
            server.stop()
        yield template


def _fill(store: Path, server: Server) -> Template:
    url = running_url(store)
    assert url
    with sql_at(url) as sql, httpx.Client(base_url=server.url, timeout=20) as http:
        world = World(sql, http)
        for number in range(CLIENTS):
            world.field(f"field {number}")
        contacts = [world.alice.made(tags=["first"])["id"] for _ in range(CONTACTS)]
        return Template(store, world.alice.key, world.acme, contacts)


@contextmanager
def _folder() -> Generator[Path]:
    # Not pytest's tmp_path: the system user that PostgreSQL runs as for root cannot reach that.
    path = Path(tempfile.mkdtemp(prefix="contactory-durability-", dir="/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class Installation:
    """A server and the embedded PostgreSQL that it runs."""

    def __init__(self, template: Template, data_dir: Path, server: Server) -> None:
        self.template = template
        self.data_dir = data_dir
        self.server = server
        self.cluster = cluster.layout(data_dir).cluster

    @property
    def database_url(self) -> str:
        """The database, while the server runs."""
        url = running_url(self.data_dir)
        assert url, f"no server runs in {self.data_dir}"
        return url

    def server_processes(self) -> list[int]:
        """The supervisor, then its workers."""
        supervisor = psutil.Process(self.server.process.pid)
        children = supervisor.children(recursive=True)
        database = {*self.database_processes()}
        return [supervisor.pid, *(child.pid for child in children if child.pid not in database)]

    def database_processes(self) -> list[int]:
        """The postmaster, then its children."""
        postmaster = host.named_process(self.cluster / "postmaster.pid")
        return sorted(host.server_processes(self.cluster), key=lambda pid: pid != postmaster)

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
        # Whether it is ready, a process says for a second without looking again.
        until(lambda: reachable(self.database_url))
        until(self.server.answers)


@contextmanager
def data_folder(template: Template) -> Generator[Path]:
    """A copy of the template, in which no process is left at the end."""
    with _folder() as folder:
        data_dir = copy(template.store, folder / "store")
        try:
            yield data_dir
        finally:
            host.clear_leftovers(cluster.layout(data_dir).cluster, lambda line: None)


@contextmanager
def installation(
    template: Template, log: Path, program: str = SERVE, **settings: object
) -> Generator[Installation]:
    """A running installation with full durability; `program` is run in the place of the server's own."""
    with data_folder(template) as data_dir:
        server = Server(log, program, data_dir=data_dir, max_tags=1_000_000, **settings)
        server.start()
        try:
            yield Installation(template, data_dir, server)
        finally:
            server.stop()
