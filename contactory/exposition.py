"""The text of `/metrics`: what this process has counted, and what the others of its supervisor wrote down."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from contactory.logs import log
from contactory.metrics import Metric, Samples, State, labelled, merged
from contactory.process_metrics import KINDS, process_samples

_ENDED = "ended"
_REMEMBERED = 64


class Snapshot(msgspec.Struct):
    """What one process had counted at one moment."""

    process: str
    """What it is called in the text."""
    pid: int
    current: dict[str, State]
    """The states of metrics by their names: what counts as long as the process lives."""
    lasting: dict[str, State]
    """What still counts when it has ended."""


class Ended(msgspec.Struct):
    """What the processes that have ended had counted, together."""

    files: list[str] = []
    """The last of their files: whoever has read one of them does not count it again."""
    lasting: dict[str, State] = {}


class Exposition:
    """The metrics of one process, and those of its siblings in the folder that they share."""

    def __init__(self, folder: Path, process: str) -> None:
        self._folder = folder
        self._process = process
        self._file = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._failed = False

    def snapshot(self) -> Snapshot:
        """What this process has counted so far."""
        current = {metric.name: metric.state() for metric in Metric.all if not metric.lasting}
        lasting = {metric.name: metric.state() for metric in Metric.all if metric.lasting}
        return Snapshot(self._process, os.getpid(), current, lasting)

    def write(self, own: Snapshot) -> None:
        """Lets the others know what this process has counted. May run in any thread."""
        try:
            _write(self._folder / self._file, own)
            self._failed = False
        except OSError as error:
            if not self._failed:
                log.warning("metrics not shared", error=error.strerror)
            self._failed = True

    def text(self, own: Snapshot) -> bytes:
        """The metrics of all processes, `own` being those of this one. May run in any thread."""
        others = _read_all(self._folder)
        # After the others: one that has ended in between is counted here, and otherwise there.
        ended = _read_ended(self._folder)
        ours = {self._file, *ended.files}
        processes = [own, *(found for name, found in others.items() if name not in ours)]
        total = ended.lasting
        for process in processes:
            total = merged(total, process.current | process.lasting)
        lines: list[str] = []
        for metric in Metric.all:
            lines += _lines(metric.name, metric.kind, metric.help, metric.samples(total[metric.name]))
        pids = {"supervisor": os.getppid(), **{each.process: each.pid for each in processes}}
        lines += _of_processes(pids)
        return "\n".join([*lines, ""]).encode()


def _of_processes(pids: Mapping[str, int]) -> list[str]:
    found = {process: process_samples(pid) for process, pid in sorted(pids.items())}
    lines: list[str] = []
    for name, (kind, help_) in KINDS.items():
        samples = {
            labelled(name, process=process): samples[name] for process, samples in found.items() if samples
        }
        lines += _lines(name, kind, help_, samples)
    return lines


def _lines(name: str, kind: str, help_: str, samples: Samples) -> list[str]:
    head = [f"# HELP {name} {help_}", f"# TYPE {name} {kind}"]
    return head + [f"{series} {_shown(value)}" for series, value in samples.items()]


def _shown(value: float) -> str:
    return "+Inf" if value == float("inf") else repr(value)


def bury(folder: Path, pid: int) -> None:
    """Keeps what a process that has ended had counted, and removes its file."""
    for name, found in _read_all(folder).items():
        if found.pid == pid:
            ended = _read_ended(folder)
            ended.lasting = merged(ended.lasting, found.lasting)
            ended.files = [*ended.files, name][-_REMEMBERED:]
            _write(folder / _ENDED, ended)
            (folder / name).unlink()
    for part in folder.glob(f".{pid}-*"):
        part.unlink()


def _write(path: Path, value: Snapshot | Ended) -> None:
    """Writes a file that is never seen in parts."""
    part = path.with_name(f".{path.name}")
    part.write_bytes(msgspec.json.encode(value))
    part.replace(path)


def _read_all(folder: Path) -> dict[str, Snapshot]:
    """The snapshots of the processes, by the names of their files."""
    found: dict[str, Snapshot] = {}
    for path in folder.glob("[0-9]*"):
        with suppress(FileNotFoundError):  # Its process has ended just now.
            found[path.name] = msgspec.json.decode(path.read_bytes(), type=Snapshot)
    return found


def _read_ended(folder: Path) -> Ended:
    try:
        return msgspec.json.decode((folder / _ENDED).read_bytes(), type=Ended)
    except FileNotFoundError:
        return Ended()
