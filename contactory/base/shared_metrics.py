"""The counters of all server processes of one supervisor: each process has a file in a shared folder."""

import operator
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from contactory.base.logs import log
from contactory.base.metrics import Gauge, Info, Metric, Series

_ENDED = "ended"
_REMEMBERED = 64

Numbers: TypeAlias = dict[str, Series]
"""The numbers of several metrics, by name."""


class Snapshot(msgspec.Struct):
    """The counters of one process at one moment."""

    process: str
    """The name of the process in the text."""
    pid: int
    lasting: Numbers
    """The numbers that still count after the process has ended."""
    gauges: Numbers
    infos: dict[str, dict[str, str]]


class Ended(msgspec.Struct):
    """The sums of the processes that have ended."""

    files: list[str] = []
    """The last of their files, so that a process that has already read one does not count it again."""
    lasting: Numbers = {}


class SharedMetrics:
    """The metrics of one process, and those of its siblings."""

    def __init__(self, folder: Path, process: str, supervisor: int | None) -> None:
        """`process` is the name of this one, `supervisor` the id of the one that has started all, if any."""
        self.supervisor = supervisor
        self._folder = folder
        self._process = process
        self._file = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._failed = False
        self.before_snapshot: Callable[[], None] = lambda: None
        """Sets the gauges of this process."""

    def snapshot(self) -> bytes:
        """The current counters of this process, as the contents of a file."""
        self.before_snapshot()
        gauges = {metric.name: metric.series for metric in Metric.all if isinstance(metric, Gauge)}
        lasting = {metric.name: metric.series for metric in Metric.all if metric.name not in gauges}
        infos = {info.name: info.labels for info in Info.all}
        return msgspec.msgpack.encode(Snapshot(self._process, os.getpid(), lasting, gauges, infos))

    def write(self, own: bytes) -> None:
        """Writes this process's counters for the others. May run in any thread."""
        try:
            _write(self._folder / self._file, own)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("metrics not shared", error=error.strerror)
            self._failed = True

    def read(self, own: bytes) -> tuple[list[Snapshot], Numbers]:
        """The snapshots of all processes, and the sums of those that have ended. May run in any thread."""
        found = {**_read_all(self._folder), self._file: msgspec.msgpack.decode(own, type=Snapshot)}
        # Read after the others, so that a process that ends in between is counted in one of the two places.
        ended = _read_ended(self._folder)
        return [each for name, each in found.items() if name not in ended.files], ended.lasting


def add(total: Numbers, more: Numbers) -> None:
    """Adds numbers to others, series by series."""
    for name, series in more.items():
        sums = total.setdefault(name, {})
        for labels, numbers in series.items():
            sums[labels] = [*map(operator.add, sums[labels], numbers)] if labels in sums else numbers


def processes_in(folder: Path) -> list[tuple[int, str]]:
    """The ids and names of the processes that have a file."""
    return [(each.pid, each.process) for each in _read_all(folder).values()]


def bury(folder: Path, pid: int) -> None:
    """Adds the counters of a process that has ended to the sums, and removes its file."""
    for name, found in _read_all(folder).items():
        if found.pid == pid:
            ended = _read_ended(folder)
            add(ended.lasting, found.lasting)
            ended.files = [*ended.files, name][-_REMEMBERED:]
            _write(folder / _ENDED, msgspec.msgpack.encode(ended))
            (folder / name).unlink()
    for part in folder.glob(f".{pid}-*"):
        part.unlink()


def _write(path: Path, content: bytes) -> None:
    """Writes a file that is never visible in part."""
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.replace(path)


def _read_all(folder: Path) -> dict[str, Snapshot]:
    """The snapshots of the processes, by the names of their files."""
    found: dict[str, Snapshot] = {}
    for path in folder.glob("[0-9]*"):
        with suppress(FileNotFoundError):  # Its process has just ended.
            found[path.name] = msgspec.msgpack.decode(path.read_bytes(), type=Snapshot)
    return found


def _read_ended(folder: Path) -> Ended:
    try:
        return msgspec.msgpack.decode((folder / _ENDED).read_bytes(), type=Ended)
    except FileNotFoundError:
        return Ended()
