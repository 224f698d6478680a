"""Jobs in the database: enqueued, listed, cancelled, and deleted when they are old.

A job's row is distributed by its workspace. Until it has ended, it also has a row in `jobs_due`. If both are
written, the job's row comes first. All times are the database's.
"""

from datetime import timedelta
from typing import Any

import msgspec

from contactory.base.ids import new_id
from contactory.database.db import Connection, Database, Row
from contactory.database.statements import affected
from contactory.jobs.model import Job, JobProblem, JobProgress, JobResult
from contactory.rules.actor import Actor, ActorShown
from contactory.rules.errors import Conflict, NotFound, ProblemBody
from contactory.schedule.job import Piece

KEPT = timedelta(days=90)
_OLD_PIECE = 500


async def enqueue(
    conn: Connection,
    actor: Actor,
    workspace_id: str,
    job_type: str,
    job_input: Any,
    *,
    request_id: str | None,
    total: int | None = None,
) -> Job:
    """Creates a job of a registered type. Call it in the transaction of the change that it belongs to."""
    job_id = new_id()
    await conn.execute(
        """insert into jobs (workspace_id, id, type, status, input, total,
                             actor_type, actor_id, via, request_id, created_at)
           values ($1, $2, $3, 'queued', $4, $5, $6, $7, $8, $9, now())""",
        workspace_id,
        job_id,
        job_type,
        msgspec.json.encode(job_input).decode(),
        total,
        actor.type,
        actor.id,
        actor.via,
        request_id,
    )
    await conn.execute(
        "insert into jobs_due (workspace_id, job_id, type, due_at) values ($1, $2, $3, now())",
        workspace_id,
        job_id,
        job_type,
    )
    return await get_job(conn, workspace_id, job_id)


async def visible_workspace_of(conn: Connection, actor: Actor, job_id: str) -> str:
    """The workspace of the job, among those that the actor sees. Raises NotFound."""
    found = await conn.fetchval(
        """select w.id::text
             from workspaces w
             join jobs j on j.workspace_id = w.id and j.id = $4
            where w.account_id = $1 and w.mode = $2 and w.deleted_at is null
              and ($3::uuid is null or w.id = $3)""",
        actor.account_id,
        actor.mode,
        actor.workspace_id,
        job_id,
    )
    if found is None:
        raise NotFound
    return found


_COLUMNS = """j.id::text, j.workspace_id::text, j.type, j.status, j.done, j.total, j.result, j.version,
       j.created_at, j.started_at, j.finished_at, j.undoable_until,
       j.actor_type, j.actor_id::text, coalesce(k.name, u.name) as actor_name"""
_ACTORS = """left join api_keys k on j.actor_type = 'api_key' and k.id = j.actor_id
  left join users u on j.actor_type = 'user' and u.id = j.actor_id"""
_JOBS = f"select {_COLUMNS} from jobs j {_ACTORS} where j.workspace_id = $1"


async def get_job(conn: Connection, workspace_id: str, job_id: str) -> Job:
    """A job. Raises NotFound."""
    return (await get_version(conn, workspace_id, job_id))[0]


async def get_version(conn: Connection, workspace_id: str, job_id: str) -> tuple[Job, int]:
    """A job, and its version, which changes with every change of it. Raises NotFound."""
    row = await conn.fetchrow(f"{_JOBS} and j.id = $2", workspace_id, job_id)
    if row is None:
        raise NotFound
    return _job(row), row["version"]


async def list_jobs(
    conn: Connection,
    workspace_id: str,
    *,
    limit: int,
    job_type: str | None = None,
    status: str | None = None,
    before: str | None = None,
) -> list[Job]:
    """The newest jobs of a workspace, older than `before`."""
    rows = await conn.fetch(
        f"""{_JOBS}
               and ($2::uuid is null or (j.created_at, j.id) < (select b.created_at, b.id from jobs b
                                                                 where b.workspace_id = $1 and b.id = $2))
               and ($3::text is null or j.type = $3) and ($4::text is null or j.status = $4)
             order by j.created_at desc, j.id desc limit $5""",
        workspace_id,
        before,
        job_type,
        status,
        limit,
    )
    return [_job(row) for row in rows]


async def list_all_jobs(conn: Connection, workspace_id: str | None, status: str | None) -> list[Job]:
    """The jobs of all workspaces, or of one, newest first: for the operator of the installation."""
    rows = await conn.fetch(
        f"""select {_COLUMNS} from jobs j {_ACTORS}
             where j.workspace_id = coalesce($1::uuid, j.workspace_id) and j.status = coalesce($2, j.status)
             order by j.created_at desc, j.id desc limit 1000""",
        workspace_id,
        status,
    )
    return [_job(row) for row in rows]


async def workspace_of(conn: Connection, job_id: str) -> str:
    """The workspace of a job: for the operator of the installation. Raises NotFound."""
    found = await conn.fetchval(
        """select workspace_id::text from jobs
            where id = $1 and workspace_id = any(select w.id from workspaces w)""",
        job_id,
    )
    if found is None:
        raise NotFound(f"The job {job_id} does not exist.")
    return found


def _job(row: Row) -> Job:
    return Job(
        id=row["id"],
        workspace_id=row["workspace_id"],
        type=row["type"],
        status=row["status"],
        progress=JobProgress(row["done"], row["total"]),
        result=msgspec.json.decode(row["result"], type=JobResult),
        created_at=row["created_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        actor=ActorShown(row["actor_type"], row["actor_id"], row["actor_name"]),
        undoable_until=row["undoable_until"],
    )


async def cancel_job(conn: Connection, workspace_id: str, job_id: str) -> Job:
    """Cancels a job: a running piece is rolled back, earlier work stays.

    Call it in a transaction. Raises NotFound, and Conflict if the job has ended already.
    """
    cancelled = await conn.fetchval(
        """update jobs set status = 'cancelled', finished_at = now(), holder = null, held_until = null,
                  version = version + 1
            where workspace_id = $1 and id = $2 and status in ('queued', 'running') returning true""",
        workspace_id,
        job_id,
    )
    job = await get_job(conn, workspace_id, job_id)
    if not cancelled:
        raise Conflict(f"The job is {job.status} already: only a job that has not ended can be cancelled.")
    await conn.execute("delete from jobs_due where workspace_id = $1 and job_id = $2", workspace_id, job_id)
    return job


async def list_problems(
    conn: Connection, workspace_id: str, job_id: str, *, after: int, limit: int
) -> list[tuple[int, JobProblem]]:
    """The problems of a job in the order of its work, each with its position; after `after`."""
    rows = await conn.fetch(
        """select position, contact_id::text, problem from job_problems
            where workspace_id = $1 and job_id = $2 and position > $3 order by position limit $4""",
        workspace_id,
        job_id,
        after,
        limit,
    )
    return [(row["position"], _problem(row)) for row in rows]


def _problem(row: Row) -> JobProblem:
    return JobProblem(row["contact_id"], msgspec.json.decode(row["problem"], type=ProblemBody))


async def drop_old_jobs(db: Database) -> Piece:
    """Deletes a piece of the jobs that ended long ago, with their problems; returns how many."""
    async with db.connection() as conn:
        rows = await conn.fetch(
            """select workspace_id::text, id::text from jobs where finished_at < now() - $1::interval
                order by finished_at limit $2""",
            KEPT,
            _OLD_PIECE,
        )
    by_workspace: dict[str, list[str]] = {}
    for workspace_id, job_id in rows:
        by_workspace.setdefault(workspace_id, []).append(job_id)
    dropped = 0
    for workspace_id, ids in by_workspace.items():
        async with db.transaction() as conn:
            for statement in (
                "delete from job_problems where workspace_id = $1 and job_id = any($2::text[]::uuid[])",
                "delete from jobs where workspace_id = $1 and id = any($2::text[]::uuid[])",
            ):
                status = await conn.execute(statement, workspace_id, ids)
            dropped += affected(status)
    return Piece(dropped, more=len(rows) == _OLD_PIECE)
