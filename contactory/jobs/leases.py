"""Which process does a job: it is found in the small table `jobs_due`, and then leased by key on its row.

A lease is a unique number. The work of a piece is committed only if the row still has that number. So a
process that was held up for longer than its lease rolls its piece back if another process has the job.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from contactory.base.ids import new_id
from contactory.database.db import AWAY, Connection, Database, Row
from contactory.jobs.registry import ItemProblem, JobAtWork, Progress
from contactory.rules.actor import Actor
from contactory.rules.errors import Problem, Unavailable

HELD = timedelta(seconds=15)
"""How long a process that has died blocks a job for the others."""
_RENEWED = 3
"""How often a lease is renewed before it ends."""
LONGEST_DELAY = timedelta(seconds=400)

# A time further in the future than any that the code writes was written before the clock was set back.
_DUE = """
select distinct on (workspace_id) workspace_id::text, job_id::text from jobs_due
 where type = any($1::text[]) and due_at not between now() and now() + $2::interval
 order by workspace_id, due_at, job_id
"""
_CLAIM = """
update jobs_due d set due_at = now() + $3::interval
  from (select job_id from jobs_due where workspace_id = $1 and job_id = $2
           and due_at not between now() and now() + $4::interval for update skip locked) free
 where d.workspace_id = $1 and d.job_id = free.job_id
returning true
"""
_LEASE = """
update jobs j
   set status = 'running', started_at = coalesce(j.started_at, now()),
       holder = $3, held_until = now() + $4::interval, attempts = j.attempts + 1,
       version = j.version + case j.status when 'queued' then 1 else 0 end
  from workspaces w
 where j.workspace_id = $1 and j.id = $2 and w.id = j.workspace_id and w.deleted_at is null
   and j.status in ('queued', 'running')
   -- Twice: a statement that waited for the row has an earlier now() than the one that wrote it.
   and (j.held_until is null or j.held_until not between now() and now() + 2 * $4::interval)
returning j.type, j.input, j.cursor, j.done, j.total, j.result, j.attempts,
          j.actor_type, j.actor_id::text, j.via, j.request_id, w.account_id::text, w.mode
"""
_NOT_DUE = """
delete from jobs_due d where d.workspace_id = $1 and d.job_id = $2
   and not exists (select from jobs j join workspaces w on w.id = j.workspace_id and w.deleted_at is null
                    where j.workspace_id = $1 and j.id = $2 and j.status in ('queued', 'running'))
"""
_RENEW = """
update jobs set held_until = now() + $4::interval where workspace_id = $1 and id = $2 and holder = $3
returning true
"""
_RENEW_DUE = "update jobs_due set due_at = now() + $3::interval where workspace_id = $1 and job_id = $2"
_ADVANCE = """
update jobs set cursor = $4, done = done + $5, total = coalesce($6, total), result = $7,
       undoable_until = coalesce($8, undoable_until), attempts = 0, error = null,
       status = case when $9 then 'done' else status end, finished_at = case when $9 then now() end,
       holder = null, held_until = null, version = version + 1
 where workspace_id = $1 and id = $2 and holder = $3 and status = 'running'
returning true
"""
_GIVE_BACK = """
update jobs set holder = null, held_until = null, attempts = attempts - $4, error = $5
 where workspace_id = $1 and id = $2 and holder = $3
returning true
"""
_FAIL = """
update jobs set status = 'failed', finished_at = now(), holder = null, held_until = null, error = $4,
       version = version + 1
 where workspace_id = $1 and id = $2 and holder = $3 and status = 'running'
returning true
"""
_DUE_AGAIN = """
update jobs_due set due_at = clock_timestamp() + $3::interval where workspace_id = $1 and job_id = $2
"""
_ENDED = "delete from jobs_due where workspace_id = $1 and job_id = $2"
_PROBLEM = """
insert into job_problems (workspace_id, job_id, contact_id, problem)
select $1, $2, i.contact_id, i.problem
  from unnest($3::uuid[], $4::jsonb[]) with ordinality as i (contact_id, problem, n) order by n
"""


class Lost(Exception):
    """The job was cancelled, or another process has it: the piece is rolled back."""


class Lease(NamedTuple):
    """The right to do the next piece of a job."""

    holder: str
    attempts: int
    """The number of attempts in a row without a finished piece, including this one."""
    job: JobAtWork

    @property
    def key(self) -> tuple[str, str, str]:
        """The arguments by which the statements find the lease."""
        return self.job.workspace_id, self.job.id, self.holder


async def find_due(db: Database, types: Sequence[str]) -> list[tuple[str, str]]:
    """For each workspace the job that has been due longest: the ids of the workspace and of the job."""
    async with db.connection() as conn:
        rows = await conn.fetch(_DUE, types, LONGEST_DELAY)
    return [(row[0], row[1]) for row in rows]


async def take_lease(db: Database, workspace_id: str, job_id: str, held: timedelta) -> Lease | None:
    """The lease of a due job; None if another process has it, or it has ended."""
    async with db.connection() as conn:
        if not await conn.fetchval(_CLAIM, workspace_id, job_id, held, LONGEST_DELAY):
            return None
        holder = new_id()
        row = await conn.fetchrow(_LEASE, workspace_id, job_id, holder, held)
        if row is None:
            await conn.execute(_NOT_DUE, workspace_id, job_id)
            return None
    return Lease(holder, row["attempts"], _at_work(workspace_id, job_id, row))


def _at_work(workspace_id: str, job_id: str, row: Row) -> JobAtWork:
    # The actor's permissions were checked when the job was started.
    actor = Actor(
        id=row["actor_id"],
        account_id=row["account_id"],
        workspace_id=workspace_id,
        mode=row["mode"],
        permission="admin",
        type=row["actor_type"],
        via=row["via"],
    )
    return JobAtWork(
        id=job_id,
        workspace_id=workspace_id,
        type=row["type"],
        input=msgspec.json.decode(row["input"]),
        cursor=msgspec.json.decode(row["cursor"]) if row["cursor"] is not None else None,
        done=row["done"],
        total=row["total"],
        result=msgspec.json.decode(row["result"]),
        actor=actor,
        request_id=row["request_id"],
    )


@asynccontextmanager
async def renewed(db: Database, lease: Lease, held: timedelta) -> AsyncGenerator[None]:
    """Renews the lease during the block, whatever its duration."""

    async def keep_renewing() -> None:
        while True:
            await asyncio.sleep(held.total_seconds() / _RENEWED)
            with suppress(Unavailable, *AWAY):
                async with db.transaction() as conn:
                    if await conn.fetchval(_RENEW, *lease.key, held):
                        await conn.execute(_RENEW_DUE, *lease.key[:2], held)

    renewing = asyncio.create_task(keep_renewing())
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def advance(conn: Connection, lease: Lease, progress: Progress) -> None:
    """Stores the progress of a piece, in its transaction. Raises Lost, which rolls the piece back."""
    result = Counter(lease.job.result)
    result.update(progress.result)
    kept = await conn.fetchval(
        _ADVANCE,
        *lease.key,
        _json(progress.cursor),
        progress.done,
        progress.total,
        _json(result),
        progress.undoable_until,
        progress.finished,
    )
    if not kept:
        raise Lost
    await _write_problems(conn, lease.job, progress.problems)
    if progress.finished:
        await conn.execute(_ENDED, *lease.key[:2])
    else:
        await conn.execute(_DUE_AGAIN, *lease.key[:2], timedelta())


async def give_back(db: Database, lease: Lease, delay: float, error: str | None, *, counts: bool) -> None:
    """The piece was not finished: it is due again after `delay` seconds.

    `counts`: as a failed attempt, because the reason is not temporary.
    """
    async with db.transaction() as conn:
        if await conn.fetchval(_GIVE_BACK, *lease.key, 0 if counts else 1, error):
            await conn.execute(_DUE_AGAIN, *lease.key[:2], timedelta(seconds=delay))


async def fail(db: Database, lease: Lease, problem: Problem, error: str) -> None:
    """Ends the job as failed, and adds the problem to its problems."""
    async with db.transaction() as conn:
        if await conn.fetchval(_FAIL, *lease.key, error):
            await _write_problems(conn, lease.job, [ItemProblem(problem)])
            await conn.execute(_ENDED, *lease.key[:2])


async def _write_problems(conn: Connection, job: JobAtWork, problems: Sequence[ItemProblem]) -> None:
    if problems:
        bodies = [_json(_body(job, each)) for each in problems]
        await conn.execute(_PROBLEM, job.workspace_id, job.id, [each.contact_id for each in problems], bodies)


def _body(job: JobAtWork, item: ItemProblem) -> Mapping[str, Any]:
    instance = f"/v1/contacts/{item.contact_id}" if item.contact_id else f"/v1/jobs/{job.id}"
    return item.problem.body(instance, job.request_id or "")


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
