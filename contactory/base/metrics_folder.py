"""The folder of metrics for processes of another program, such as the workers of an ASGI server.

`contactory serve` creates a folder for its processes, and handles those that have ended. Here the processes
find the same folder by themselves, and each process that starts or ends cleans it up.
"""

import fcntl
import hashlib
import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TextIO

from contactory.base.shared_metrics import SharedMetrics, bury, processes_in


@contextmanager
def shared_metrics() -> Generator[SharedMetrics]:
    """The metrics of this process, shared with the other processes of the same program, while the block runs.

    Raises OSError if the folder cannot be created.
    """
    folder = _folder()
    parent = multiprocessing.parent_process()
    with _alone_in(folder):
        taken = _living(folder)
        name = next(name for number in count(1) if (name := f"server-{number}") not in taken)
        metrics = SharedMetrics(folder, name, parent.pid if parent else None)
        metrics.write(metrics.snapshot())
    try:
        yield metrics
    finally:
        with _alone_in(folder):
            metrics.write(metrics.snapshot())
            bury(folder, os.getpid())
            if not _living(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    # The key is random: the processes of a program inherit it, and other programs cannot guess it.
    key = bytes(multiprocessing.current_process().authkey)
    return Path(tempfile.gettempdir()) / f"contactory-metrics-{hashlib.sha256(key).hexdigest()[:32]}"


def _living(folder: Path) -> set[str]:
    """The names of the running processes. Keeps the counters of ended ones, and removes their files."""
    names: set[str] = set()
    for pid, name in processes_in(folder):
        if _lives(pid):
            names.add(name)
        else:
            bury(folder, pid)
    return names


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _alone_in(folder: Path) -> TextIO:
    """Locks out other processes that start or end, while the file is open. Creates a missing folder."""
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            lock = (folder / "lock").open("w")
        except FileNotFoundError:  # The last process has just removed the folder.
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The last process may have removed the folder in the meantime, and another one created it again.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock.fileno()), (folder / "lock").stat()):
                return lock
        lock.close()
