"""The embedded PostgreSQL and the operating system: its user, processes, lock and socket."""

import ctypes
import errno
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

Report = Callable[[str], None]

SYSTEM_USER = "contactory"
PATIENCE = 30.0
"""Seconds that processes have to stop, at each level of force, and that a command waits for its turn."""
# For every PostgreSQL program: messages that `reason` can parse, and no PG… variables of the user.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}

_held_locks: set[int] = set()


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot do something; the text says why, where and what to do."""


class Credentials(TypedDict):
    """The arguments of `subprocess` that choose the user; None keeps the current user."""

    user: int | None
    group: int | None
    extra_groups: list[int] | None


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL runs as: the current user, or the system user that root switches to."""

    name: str
    uid: int
    gid: int

    @property
    def dropped(self) -> bool:
        return self.uid != os.geteuid()

    @property
    def credentials(self) -> Credentials:
        if self.dropped:
            return {"user": self.uid, "group": self.gid, "extra_groups": []}
        return {"user": None, "group": None, "extra_groups": None}

    def take(self, path: Path) -> None:
        """Give a new path to this user."""
        if self.dropped:
            os.chown(path, self.uid, self.gid)


def service_account() -> Account:
    """The current user, or for root the system user `contactory`, which is created if it is missing."""
    if os.geteuid() != 0:
        return Account(user_name(os.geteuid()), os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        create_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def create_system_user() -> None:
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command = ["useradd", *options, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and no system user {SYSTEM_USER} could be created for it; "
            f"create it (as `useradd --system {SYSTEM_USER}` does), or run contactory as another user."
        ) from error


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


@contextmanager
def explained(folder: Path, account: Account) -> Generator[None]:
    """Turn an OSError in the block into an EmbeddedError with one sentence."""
    try:
        yield
    except OSError as error:
        sentence = advice(str(error), folder, account) or f"{folder} cannot be used: {str(error)[:200]}."
        raise EmbeddedError(sentence) from error


def advice(text: str, folder: Path, account: Account) -> str | None:
    """The sentence for problems that all programs report in the same words."""
    if "No space left on device" in text or "quota exceeded" in text:
        return f"The disk of {folder} is full; free some space, or choose another data folder."
    if "Read-only file system" in text:
        return f"The file system of {folder} is read-only; make it writable, or choose another data folder."
    if "Not a directory" in text or "File exists" in text:
        return f"The data folder {folder} is a file or is below one; name a folder instead."
    if "Permission denied" in text or "Operation not permitted" in text:
        return (
            f"User {account.name} may not use {folder} ({text[:200]}); "
            "change its owner or permissions, or choose another data folder."
        )
    return None


def reason(output: str, folder: Path, account: Account) -> str:
    """Why a PostgreSQL program failed, from its output: our own sentence, or its last message."""
    free = os.statvfs(folder)
    if free.f_bavail * free.f_frsize < 1 << 20:
        output = os.strerror(errno.ENOSPC)
    complaint = last_complaint(output)
    return advice(complaint, folder, account) or complaint


def last_complaint(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for mark in ("PANIC:", "FATAL:", "ERROR:", "error:"):
        for line in reversed(lines):
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it gave no reason"


def die_with_parent(signum: int) -> Callable[[], None] | None:
    """For the child, before exec: the kernel signals the child when the thread that started it ends."""
    if sys.platform != "linux":
        return None
    parent, libc, set_parent_death_signal = os.getpid(), ctypes.CDLL(None), 1

    def ask_kernel() -> None:
        libc.prctl(set_parent_death_signal, signum)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def run(
    account: Account,
    *command: str | Path,
    text: str = "",
    cwd: Path = Path("/"),
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a PostgreSQL program as `account` until it ends, with `text` as its standard input."""
    return subprocess.run(
        command,
        check=False,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=cwd,
        env={**ENVIRONMENT, **(env or {})},
        preexec_fn=die_with_parent(signal.SIGKILL),
        **account.credentials,
    )


class FolderInUse(EmbeddedError):
    """Another process runs the server of this data folder."""


@contextmanager
def locked(path: Path) -> Generator[int]:
    """Hold a data folder's lock, and yield its descriptor; the file contains the id of this process."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    _held_locks.add(lock)
    try:
        deadline = time.monotonic() + 0.5  # `running_url` takes the lock too, for a moment
        while not try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder = os.pread(lock, 20, 0).decode().partition("\n")[0]
                raise FolderInUse(
                    f"Process {holder} is already running the PostgreSQL of {path.parent}; "
                    "stop it, or choose another data folder."
                )
            time.sleep(0.02)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
        os.ftruncate(lock, 0)
    finally:
        _held_locks.discard(lock)
        os.close(lock)


def try_lock(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _forget_locks() -> None:
    """A forked worker must not keep the lock of a supervisor that has died."""
    for lock in _held_locks:
        os.close(lock)
    _held_locks.clear()


os.register_at_fork(after_in_child=_forget_locks)


@contextmanager
def socket_folder(data_dir: Path, account: Account) -> Generator[Path]:
    """A private folder for the server's socket: in the data folder, or where the path is short enough."""
    bases = (*(["/run"] if account.dropped else []), tempfile.gettempdir())
    for folder in (data_dir / "run", *(Path(base, unique_name(data_dir)) for base in bases)):
        if can_hold_socket(folder, account):
            break
    else:
        raise EmbeddedError(
            f"The paths {data_dir} and {bases[-1]} are not usable for a socket; choose a shorter data folder."
        )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def can_hold_socket(folder: Path, account: Account) -> bool:
    """Try it: the path may be too long (108 bytes with the final zero), or sockets not supported."""
    if "," in str(folder):  # which separates hosts in a DSN
        return False
    try:
        make_private(folder, account)
        probe = folder / ".s.PGSQL.50432"  # the longest name that is needed, pg_upgrade's
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(probe))
        probe.unlink()
    except OSError:
        return False
    return True


def make_private(folder: Path, account: Account) -> None:
    """Create an empty folder that only the server's user may enter."""
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        found = folder.lstat()
        ours = found.st_uid in (os.geteuid(), account.uid) and not found.st_mode & 0o077
        if not (ours and stat.S_ISDIR(found.st_mode)):
            raise EmbeddedError(
                f"{folder} is not a private folder of Contactory; remove it and start again."
            ) from None
        for left in folder.iterdir():
            left.unlink()
    account.take(folder)


def clear_leftovers(data: Path, report: Report) -> None:
    """End server processes of this cluster that a killed supervisor left; the caller holds the lock."""
    pid_file = data / "postmaster.pid"
    postmaster = named_process(pid_file)
    left = server_processes(data)
    if postmaster in left:
        report(f"An earlier PostgreSQL (process {postmaster}) still runs in {data}; stopping it.")
        end_processes(data, [postmaster], signal.SIGINT)
    # Without their postmaster the others have nothing to finish; committed data is safe.
    for signum in (signal.SIGQUIT, signal.SIGKILL):
        end_processes(data, server_processes(data), signum)
    # PostgreSQL would respect a stale file for ever if it is empty or its id belongs to another program now.
    stale = postmaster is None or Path(f"/proc/{postmaster}").exists()
    if stale and not server_processes(data):
        pid_file.unlink(missing_ok=True)


def end_processes(data: Path, pids: list[int], signum: signal.Signals) -> None:
    """Send a signal and wait, up to PATIENCE, until all processes of the cluster have ended."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue
    deadline = time.monotonic() + PATIENCE
    while pids and server_processes(data) and time.monotonic() < deadline:
        time.sleep(0.05)


def server_processes(data: Path) -> list[int]:
    """The ids of the PostgreSQL processes of this cluster (only on Linux; elsewhere it finds none)."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if serves(path, data)]


def serves(process: Path, data: Path) -> bool:
    try:
        program = (process / "exe").readlink().name.removesuffix(" (deleted)")
        return program == "postgres" and (process / "cwd").samefile(data)
    except PermissionError:
        return says_it_serves(process, data)
    except OSError:
        return False


def says_it_serves(process: Path, data: Path) -> bool:
    """By its command line: in a container, root may not read another process's working directory."""
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    if words[0].startswith(f"postgres: {unique_name(data)}: ".encode()):
        return True
    return words[0].endswith(b"/postgres") and words[1:3] == [b"-D", os.fsencode(data)]


def unique_name(folder: Path) -> str:
    """A short name for a folder: for its socket folder, and in the titles of its server's processes."""
    return f"contactory-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"


def named_process(pid_file: Path) -> int | None:
    """The process id in the first line of a postmaster.pid, or None."""
    try:
        first = pid_file.read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdecimal() else None
