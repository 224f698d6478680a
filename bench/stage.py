"""What is measured: a server with its own PostgreSQL and data, private to one run and removed after it."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import psutil

from contactory.database.db import connect
from contactory.embedded.cluster import ROLE, SUPERUSER
from contactory.embedded.host import die_with_parent
from contactory.embedded.server import EmbeddedPostgres

# A contact soon carries all of them, as it does where a few automations tag whomever they meet.
TAGS = 4
"""Tags of the workspace; every contact is loaded with two of them."""
TWO = "array[{tag} + n % {tags}, {tag} + (n + 7) % {tags}]"
ALL = "(select array_agg(t.id order by t.id) from tags t where t.workspace_id = '{workspace}')"
"""The tags of a contact, as SQL."""
_PATIENCE = 60.0
FOLDER = "/var/tmp"
"""A folder on a disk; /tmp is memory on many machines."""
Say = Callable[[str], None]


class BenchError(Exception):
    """The run cannot go on; the text says why."""


class Usage(msgspec.Struct, frozen=True):
    """Something of the server's processes and of PostgreSQL's: seconds of CPU, or MiB."""

    server: float
    postgresql: float


class Stage:
    """A running server. `contacts` are loaded, with the numbers 1 to that as the last part of their ids."""

    def __init__(self, folder: Path, url: str, processes: tuple[psutil.Process, psutil.Process]) -> None:
        self.folder = folder
        self.url = url
        self.server, self.postgresql = processes
        self.address = self.key = self.workspace = ""
        self.uvicorn: tuple[str, psutil.Process] | None = None
        """The same application under uvicorn: its address and process, where it runs too."""
        self.contacts = self.first_tag = self.field = 0
        self.idle = Usage(0, 0)
        self.acknowledged = self.in_doubt = 0
        """Events that must be in the history by what was answered, and that may be there besides."""
        self.runs = self._unused = 0

    @property
    def pgbench(self) -> Path:
        """The program of the PostgreSQL that runs here."""
        return next(self.folder.glob("data/postgresql-*/bin/pgbench"))

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    def take_numbers(self, count: int) -> int:
        """The first of `count` numbers that no contact has had yet."""
        self._unused += count
        return self._unused - count

    def sql(self, *statements: str, **values: object) -> Any:
        """Runs statements, with `values` for the names in braces, and gives the last one's first value."""
        filled = [statement.format(**values) for statement in statements]
        return asyncio.run(_run(self.url, filled))

    def checkpoint(self) -> None:
        """Has PostgreSQL write everything out; the first change of each page after it costs more."""
        superuser = self.url.replace(f"//{ROLE}:", f"//{SUPERUSER}:", 1)
        asyncio.run(_run(superuser, ["checkpoint", "select 1"]))

    def address_of(self, side: str) -> str:
        """Where the server of this side is."""
        return self.uvicorn[0] if side == "uvicorn" and self.uvicorn else self.address

    def cpu(self, side: str = "api") -> Usage:
        """Seconds of CPU used so far, by the server of this side."""
        server = self.uvicorn[1] if side == "uvicorn" and self.uvicorn else self.server
        return Usage(_cpu(server), _cpu(self.postgresql))

    def memory(self) -> Usage | None:
        """MiB in use now, shared pages shared out (PSS); None where the system does not tell."""
        try:
            return Usage(_memory(self.server), _memory(self.postgresql))
        except (psutil.AccessDenied, AttributeError):
            return None

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer to one request. Raises BenchError unless it is a success."""
        conn = http.client.HTTPConnection(str(urlsplit(self.address).netloc), timeout=_PATIENCE)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            conn.request(method, path, None if body is None else json.dumps(body), headers)
            answer = conn.getresponse()
            text = answer.read()
        finally:
            conn.close()
        if not 200 <= answer.status < 300:
            raise BenchError(f"{method} {path} is answered {answer.status}: {text[:500].decode()}")
        return json.loads(text) if text else None

    def check_history(self) -> None:
        """Raises BenchError unless every write that was answered left its event, and nothing else did."""
        events = self.sql("select count(*) from contact_events")
        if not self.acknowledged <= events <= self.acknowledged + self.in_doubt:
            raise BenchError(
                f"{self.acknowledged} changes were answered with success and up to {self.in_doubt} were cut "
                f"off, but the history has {events}."
            )


async def _run(url: str, statements: list[str]) -> Any:
    conn = await connect(url)
    try:
        for statement in statements[:-1]:
            await conn.execute(statement)
        return await conn.fetchval(statements[-1])
    finally:
        await conn.close()


def _cpu(root: psutil.Process) -> float:
    # The parent's own figures hold those of children that have ended: pgbench's connections, for one.
    times = root.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def _memory(root: psutil.Process) -> float:
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


@contextmanager
def stage(
    contacts: int, workers: int, say: Say, zone: str = "'America/Los_Angeles'", tags: str = TWO
) -> Generator[Stage]:
    """A server of default settings with `contacts` loaded, for the duration of the block.

    `zone` and `tags` are SQL: of the contact number n.
    """
    folder = Path(tempfile.mkdtemp(prefix="contactory-bench-", dir=FOLDER))
    folder.chmod(0o711)  # PostgreSQL runs as a user of its own where we are root.
    # pgbench brings up to 64 connections of its own.
    settings = {"max_connections": str(100 + 20 * workers)}
    database = EmbeddedPostgres(folder / "data", settings=settings, report=say, shared=False)
    try:
        say("starting PostgreSQL and the server")
        database.start()
        with _server(folder, database.url, workers) as server:
            built = Stage(folder, database.url, (server, postmaster(folder)))
            _welcome(built)
            time.sleep(2)
            built.idle = built.memory() or built.idle
            say(f"loading {contacts:,} contacts")
            _load(built, contacts, zone, tags)
            yield built
    finally:
        signal.signal(
            signal.SIGINT, signal.SIG_IGN
        )  # Nobody hurries the end, or it would leave things behind.
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)


def postmaster(folder: Path) -> psutil.Process:
    """The main process of the PostgreSQL of a stage. Raises BenchError."""
    for child in psutil.Process().children():
        if any(part.startswith(str(folder)) for part in child.cmdline()) and "postgres" in child.name():
            return child
    raise BenchError("PostgreSQL is not to be found among the processes.")


@contextmanager
def under_uvicorn(built: Stage, workers: int) -> Generator[None]:
    """Runs the same application under uvicorn beside the server, for the duration of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["uvicorn", "contactory.asgi:app", "--port", str(port), "--workers", str(workers)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--no-proxy-headers"]
    with _process(built.folder, built.url, words, "uvicorn") as process:
        built.uvicorn = (f"http://127.0.0.1:{port}", process)
        deadline = time.monotonic() + _PATIENCE
        while True:
            with suppress(OSError), urllib.request.urlopen(f"{built.uvicorn[0]}/health/ready", timeout=2):
                break
            if time.monotonic() > deadline or _is_zombie(process):
                raise BenchError(f"uvicorn does not start: {(built.folder / 'uvicorn.log').read_text()}")
            time.sleep(0.1)
        yield


@contextmanager
def _server(folder: Path, url: str, workers: int) -> Generator[psutil.Process]:
    words = ["contactory", "serve", "--json", "--port", "0", "--workers", str(workers)]
    with _process(folder, url, words, "server") as process:
        yield process


@contextmanager
def _process(folder: Path, url: str, words: list[str], name: str) -> Generator[psutil.Process]:
    """Runs a module of Python; what it prints is in `NAME.out`, what it logs in `NAME.log`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONTACTORY_")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=folder,
            env=environment | {"CONTACTORY_DATABASE_URL": url},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us: the server ends when we say so.
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 (it makes two system calls)
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # A second Ctrl-C must not leave anything behind.
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:
        if child.is_running():
            child.kill()


def _welcome(built: Stage) -> None:
    """Learns the address and the key from what the server says at its first start."""
    deadline = time.monotonic() + _PATIENCE
    while not (text := (built.folder / "server.out").read_text()).endswith("\n"):
        if time.monotonic() > deadline or not built.server.is_running() or _is_zombie(built.server):
            raise BenchError(f"The server does not start: {built.log.read_text()[-2000:]}")
        time.sleep(0.05)
    said = json.loads(text)
    built.address, built.workspace, built.key = said["address"], said["workspaceId"], said["key"]


def _is_zombie(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE


_TAGS = """
insert into tags (workspace_id, name, created_at)
select '{workspace}', 'tag ' || g, now() from generate_series(0, {tags} - 1) g order by g
"""
# Many iterations make a password hard to guess, and 64 connections slow to open. No request is faster for it.
_PASSWORD = """
set scram_iterations = 1; alter role current_user password '{password}'
"""
_FIELD = """
insert into custom_fields (workspace_id, id, name, type, position, created_at, updated_at)
values ('{workspace}', gen_random_uuid(), 'Lead Source', 'text', 0, now(), now())
"""
_CONTACTS = """
insert into contacts (workspace_id, id, first_name, last_name, email, email_key, phone, timezone, tag_ids,
                      fields, version, created_at, updated_at)
select '{workspace}', ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'First' || n, 'Last' || n, 'contact' || n || '@example.com', 'contact' || n || '@example.com',
       '+1' || (4150000000 + n),
       {zone}, {carried},
       jsonb_build_object('{field}', 'Source ' || n % 20), {version}, at, {changed}
  from (select n, timestamptz '2024-01-01' + n * interval '1 second' as at
          from generate_series({low}, {high}) n) numbered
"""
_EVENTS = """
insert into contact_events (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
select workspace_id, id, 1, gen_random_uuid(), 'contact.created', created_at, 'system', 'import',
       jsonb_build_object('firstName', jsonb_build_array(null, first_name),
                          'lastName', jsonb_build_array(null, last_name),
                          'email', jsonb_build_array(null, email), 'phone', jsonb_build_array(null, phone),
                          'timezone', jsonb_build_array(null, timezone),
                          'tags', jsonb_build_array('[]'::jsonb, tag_ids))
  from contacts
"""
# What the server's job would make of them, in the minutes that follow and beside what is measured.
_FINDABLE = """
insert into contact_search (workspace_id, contact_id, words, first_key, last_key)
select workspace_id, id, array_to_tsvector(array[right(workspace_id::text, 8) || lower(first_name),
           right(workspace_id::text, 8) || lower(last_name), right(workspace_id::text, 8) || email,
           right(workspace_id::text, 8) || substr(phone, 2)]),
       lower(first_name) || chr(1) || lower(last_name), lower(last_name) || chr(1) || lower(first_name)
  from contacts on conflict do nothing
"""
_FOUND = "insert into search_progress (workspace_id, at) values ('{workspace}', now()) on conflict do nothing"
_CHUNK = 100_000


def _load(built: Stage, contacts: int, zone: str, tags: str) -> None:
    built.sql(_PASSWORD, "select 1", password=unquote(urlsplit(built.url).password or ""))
    here = {"workspace": built.workspace, "tags": TAGS}
    newer = "update workspaces set catalog_version = catalog_version + 1"
    built.sql(_TAGS, _FIELD, newer, "select 1", **here)
    built.first_tag = built.sql("select min(id) from tags")
    built.field = built.sql("select num from custom_fields")
    load_contacts(built, contacts, zone, tags)
    built.sql(_FOUND, _EVENTS, _FINDABLE, "vacuum analyze", "select 1", **here)
    built.acknowledged = contacts
    built.call("GET", "/v1/contacts?limit=1")


def load_contacts(built: Stage, contacts: int, zone: str, tags: str, version: int = 1) -> None:
    """Loads contacts of this version, without their events."""
    here = {"workspace": built.workspace, "tags": TAGS, "tag": built.first_tag, "field": built.field}
    carried, changed = tags.format(**here), "at" if version == 1 else "now()"
    here |= {"zone": zone, "carried": carried, "version": version, "changed": changed}
    for low in range(1, contacts + 1, _CHUNK):
        high = min(low + _CHUNK - 1, contacts)
        built.sql(_CONTACTS, "select 1", low=low, high=high, **here)
    built.contacts = contacts


class MemoryWatch:
    """Looks at the memory once during a run, when most of it is over: a look costs processor time."""

    def __init__(self, built: Stage, seconds: float) -> None:
        self.seen: Usage | None = None
        self._built = built
        self._timer = threading.Timer(seconds * 0.75, self._look)

    def _look(self) -> None:
        self.seen = self._built.memory()

    def __enter__(self) -> "MemoryWatch":
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        self._timer.join()
