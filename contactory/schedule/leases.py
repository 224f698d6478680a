"""Which process runs a recurring job, and when it is due: rows of the table `schedule`.

All times are the database's. A time that is further in the future than any that the code writes was written
before the clock was set back, and counts as past. A lease may end twice as far in the future as it lasts: a
statement that waited for the row has an earlier `now()` than the statement that wrote it.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from contactory.base.ids import new_id
from contactory.database.db import AWAY, Connection, Database
from contactory.rules.errors import Unavailable
from contactory.schedule.job import Job

HELD = timedelta(seconds=10)
"""How long a process that has died blocks its job for the others."""
_RENEWED_SECONDS = 3.0
LONGEST_DELAY = timedelta(seconds=400)
"""The limit of the delay after a failure, if the job's interval is not longer."""

_REGISTER = """
insert into schedule as s (name, every, registered_at, due_at)
select job.name, job.every, now(), now()
  from unnest($1::text[], $2::interval[]) as job (name, every) order by job.name
    on conflict (name) do update set every = excluded.every where s.every <> excluded.every
"""
_LOOK = """
select extract(epoch from last_success)::float8 as last_success,
       (held_until is null or held_until not between now() and now() + 2 * $2::interval)
       and (due_at <= now() or due_at > now() + every + $3::interval) as free
  from schedule where name = $1
"""
_TAKE = """
update schedule set holder = $2, held_until = now() + $3::interval
 where name = $1
   and (held_until is null or held_until not between now() and now() + 2 * $3::interval)
   and (due_at <= now() or due_at > now() + every + $4::interval)
returning failures
"""
_RENEW = """
update schedule set held_until = now() + $3::interval,
       last_success = case when $4 then now() else last_success end
 where name = $1 and holder = $2
returning true
"""
_SUCCEEDED = """
update schedule set holder = null, held_until = null, failures = 0,
       last_success = now(), due_at = now() + every
 where name = $1 and holder = $2
"""
_FAILED = """
update schedule set holder = null, held_until = null, failures = failures + 1, due_at = now() + $3::interval
 where name = $1 and holder = $2
"""
_LEFT = "update schedule set holder = null, held_until = null where name = $1 and holder = $2"
_NOTED = "update schedule set last_success = now() where name = $1 returning true"


async def register(db: Database, jobs: Sequence[Job]) -> None:
    """Adds the jobs to the table."""
    every = [timedelta(seconds=job.every) for job in jobs]
    async with db.connection() as conn:
        await conn.execute(_REGISTER, [job.name for job in jobs], every)


class Standing(NamedTuple):
    """The state of a job in the table."""

    name: str
    last_success: datetime | None
    late: bool
    """Whether the last success is longer ago than a few failures in a row can explain."""


# Late according to the table, whichever process should have run it. Never while no server runs.
_STANDINGS = """
select name, last_success,
       now() - coalesce(last_success, registered_at) > 3 * every + interval '2 minutes' as late,
       now() - max(last_success) over () < interval '2 minutes' as running
  from schedule order by name
"""


async def standings(conn: Connection) -> list[Standing]:
    """The state of every job; empty if no server process has run in the last two minutes."""
    rows = await conn.fetch(_STANDINGS)
    return [Standing(row["name"], row["last_success"], row["late"]) for row in rows if row["running"]]


async def note_success(db: Database, name: str) -> bool:
    """Stores that this process has run a job that every process runs; returns whether it is registered."""
    async with db.connection() as conn:
        return bool(await conn.fetchval(_NOTED, name))


class Look(NamedTuple):
    """The row of a job."""

    last_success: float | None
    """Seconds since 1970, by the database's clock."""
    free: bool
    """Whether it is due, and no process runs it."""


async def look(db: Database, name: str) -> Look | None:
    """The row of a job; None if there is none."""
    async with db.connection() as conn:
        row = await conn.fetchrow(_LOOK, name, HELD, LONGEST_DELAY)
    return Look(row["last_success"], row["free"]) if row else None


class Lease:
    """The right to run a job, as long as it is renewed."""

    def __init__(self, db: Database, name: str, failures: int) -> None:
        self._db = db
        self._name = name
        self._holder = ""
        self.failures = failures
        """The number of previous failures in a row."""

    @classmethod
    async def take(cls, db: Database, name: str) -> "Lease | None":
        """The lease, if the job is due and no other process has it."""
        holder = new_id()
        async with db.connection() as conn:
            failures = await conn.fetchval(_TAKE, name, holder, HELD, LONGEST_DELAY)
        if failures is None:
            return None
        lease = cls(db, name, failures)
        lease._holder = holder
        return lease

    async def renew(self, *, after_piece: bool = False) -> bool:
        """Renews the lease; False if another process has it, so that the job must stop.

        With `after_piece`, it also stores the progress.
        """
        async with self._db.connection() as conn:
            return bool(await conn.fetchval(_RENEW, self._name, self._holder, HELD, after_piece))

    async def succeed(self) -> None:
        """Gives the lease back: the job is due again after its time."""
        await self._execute(_SUCCEEDED)

    async def fail(self, delay: float) -> None:
        """Gives the lease back: the job is due again after `delay` seconds."""
        await self._execute(_FAILED, timedelta(seconds=delay))

    async def leave(self) -> None:
        """Gives the lease back in the middle of the job, so that another process can continue."""
        await self._execute(_LEFT)

    async def _execute(self, statement: str, *more: object) -> None:
        async with self._db.connection() as conn:
            await conn.execute(statement, self._name, self._holder, *more)

    @asynccontextmanager
    async def renewed(self) -> AsyncGenerator[None]:
        """Renews the lease during the block, whatever the duration of a piece."""
        renewing = asyncio.create_task(self._keep_renewing())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(_RENEWED_SECONDS)
            with suppress(Unavailable, *AWAY):
                await self.renew()
