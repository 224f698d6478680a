"""Programs of others that stand before Contactory or before its database, started as users start them."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contactory.embedded.host import Account, die_with_parent
from tests.servers import PATIENCE

_PLACES = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def installed(name: str) -> str:
    """The path of a program. Where it is missing, the test is skipped; in continuous integration, fails."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        why = f"needs {name}, which `make test` installs with apt-get as root, and which is not here"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return found


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@contextmanager
def started(log: Path, port: int, *command: str | Path, account: Account | None = None) -> Generator[None]:
    """Runs a program (as another user, where `account` is one) that listens, until the end of the block."""
    credentials: Any = account.credentials if account else {}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 (it makes two system calls)
            **credentials,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not listens(port):
            lives = process.poll() is None and time.monotonic() < deadline
            assert lives, log.read_text(errors="replace")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
