"""Brings a database's schema up to date: numbered SQL files, run once each, in order, with checksums."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from typing import NamedTuple

from contactory.database import answers, first_part
from contactory.database.db import LOCK_TIMEOUT, Connection
from contactory.database.locks import patiently
from contactory.database.months import MONTHS

Say = Callable[[str], None]
_PREPARED = {
    "events_by_month": first_part.EVENTS.prepare,
    "kept_answers_by_day": first_part.ANSWERS.prepare,
}
"""Long work before the transaction of a file, while servers use the tables; by the title of the file."""
_LOCK = 0x636F6E74616374  # "contact": one migration at a time, whichever process starts first
_SETUP = """
create table if not exists schema_migrations (
    number integer primary key, name text not null, checksum text not null, applied_at timestamptz not null)
"""


class Migration(NamedTuple):
    """One file of `migrations/`."""

    number: int
    name: str
    sql: str

    @property
    def title(self) -> str:
        """The file's name without its number."""
        return self.name.removesuffix(".sql").partition("_")[2]

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class MigrationError(Exception):
    """This release cannot bring the database's schema up to date; the text says why."""


def migrations() -> list[Migration]:
    """All migrations of this release, in order."""
    found = [
        f for f in files("contactory.database").joinpath("migrations").iterdir() if f.name.endswith(".sql")
    ]
    return sorted(Migration(int(f.name.split("_")[0]), f.name, f.read_text()) for f in found)


async def pending(conn: Connection) -> list[Migration]:
    """The migrations that this database does not have yet.

    Raises MigrationError if it has one that this release does not know, or one whose text was changed.
    """
    if not await conn.fetchval("select to_regclass('schema_migrations') is not null"):
        return migrations()
    rows = await conn.fetch("select number, name, checksum from schema_migrations")
    applied: dict[int, tuple[str, str]] = {r["number"]: (r["name"], r["checksum"]) for r in rows}
    known = {m.number: m for m in migrations()}
    for number, (name, checksum) in applied.items():
        if number not in known:
            raise MigrationError(
                f"The database has migration {name}, which this release does not know: "
                "run the newer Contactory that created it."
            )
        if known[number].checksum != checksum:
            raise MigrationError(
                f"Migration {name} was changed after it was applied: restore it, and write a new one."
            )
    return [m for m in known.values() if m.number not in applied]


async def check_current(conn: Connection) -> None:
    """Raises MigrationError unless the database has all migrations of this release, and no others."""
    if behind := len(await pending(conn)):
        raise MigrationError(f"The database's schema lacks {behind} migration(s): run contactory migrate.")


async def migrate(conn: Connection, say: Say = lambda text: None) -> list[Migration]:
    """Applies the pending migrations, each in its own transaction; returns the applied ones.

    Servers can go on in the meantime: nothing waits for a lock for long. A migration that was interrupted can
    be started again.
    """
    # Waiting inside pg_advisory_lock would hold a snapshot, and deadlock with CREATE INDEX CONCURRENTLY.
    while not await conn.fetchval("select pg_try_advisory_lock($1)", _LOCK):
        await asyncio.sleep(0.1)
    try:
        await conn.execute(_SETUP)
        todo = await pending(conn)
        for migration in todo:
            say(f"migrating the database: {migration.name}")
            await _apply(conn, migration, say)
        for periods in (MONTHS, answers.DAYS):
            with suppress(LOCK_TIMEOUT):  # A server makes them too, long before they are needed.
                await periods.make(conn, await conn.fetchval("select now()"))
        return todo
    finally:
        await conn.execute("select pg_advisory_unlock($1)", _LOCK)


async def _apply(conn: Connection, migration: Migration, say: Say) -> None:
    prepare = _PREPARED.get(migration.title)
    if prepare:
        await prepare(conn, say)
    done = "insert into schema_migrations values ($1, $2, $3, now())"
    row = (migration.number, migration.name, migration.checksum)
    await patiently(conn, [(migration.sql,), (done, *row)], say)
