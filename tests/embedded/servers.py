"""What the tests of the embedded PostgreSQL share: servers in folders of their own, and looks at them."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contactory.embedded import host
from contactory.embedded.server import EmbeddedError, EmbeddedPostgres

ROOT = os.geteuid() == 0
NOBODY = 65534
PROJECT = Path(__file__).parents[2]

needs_root = pytest.mark.skipif(not ROOT, reason="needs root")
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")

SUPERVISOR = """
import os, pathlib, sys, time
from contactory.embedded.server import EmbeddedPostgres
server = EmbeddedPostgres(pathlib.Path(sys.argv[1]), report=lambda line: None)
server.start()
worker = os.fork() if "fork" in sys.argv else None
if worker != 0:
    print(worker or "ready", flush=True)
time.sleep(600)
"""


def memory_will_do() -> bool:
    """Whether /dev/shm is large and may hold programs; it is ten times as fast as some disks."""
    if not os.access("/dev/shm", os.W_OK):
        return False
    found = os.statvfs("/dev/shm")
    return found.f_bavail * found.f_frsize > 1 << 30 and not found.f_flag & os.ST_NOEXEC


@contextmanager
def short_folder() -> Generator[Path]:
    """A folder that every user can reach, as pytest's tmp_path is not."""
    path = Path(tempfile.mkdtemp(prefix="ctest-", dir="/dev/shm" if memory_will_do() else "/tmp")).resolve()
    path.chmod(0o755)
    try:
        yield path
    finally:
        for data in path.rglob("data-*"):
            host.clear_leftovers(data, lambda line: None)
        shutil.rmtree(path)


def copy(template: Path, store: Path) -> Path:
    """The binaries are linked, which saves most of the time: replace a file of theirs, never write to it."""
    store.mkdir()
    store.chmod(0o711)
    subprocess.run(["cp", "-al", template / "postgresql-18", store], check=True)
    subprocess.run(["cp", "-a", "--sparse=always", template / "data-18", store], check=True)
    return store


@contextmanager
def running(data_dir: Path, **options: Any) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def supervising(data_dir: Path, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Another process that runs the server; its first line of output says that the server is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, data_dir, *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def query(url: str, *statements: str) -> Any:
    """The first value of the last statement."""

    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(sql) for sql in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(ask())


def answers(url: str) -> bool:
    try:
        return query(url, "select 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False


def postmaster(store: Path) -> int:
    return int((store / "data-18/postmaster.pid").read_text().split()[0])


def processes(store: Path) -> list[int]:
    return host.server_processes(store / "data-18")


def refusal(data_dir: Path) -> str:
    """What start() says when it refuses, which is one sentence and leaves nothing running."""
    with pytest.raises(EmbeddedError) as refused:
        EmbeddedPostgres(data_dir).start()
    assert "\n" not in str(refused.value)
    assert not processes(data_dir)
    return str(refused.value)
