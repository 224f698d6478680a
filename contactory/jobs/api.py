"""The operations on jobs."""

import time
from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

from contactory.catalog.calls import catalog_of
from contactory.jobs import store
from contactory.jobs.model import ENDED, STATUSES, Job, JobProblem
from contactory.jobs.watch import JobWatch
from contactory.rules.checks import ID, Json, Rule, described, integer, one_of
from contactory.rules.invalid import Invalid, invalid_cursor
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import LIMIT, next_link
from contactory.web.spreadsheet import BOM, csv_lines

_LONGEST_WAIT = 30
_KEY_LOOK_SECONDS = 0.8
"""How often a waiting request checks whether its key is still valid."""
_CSV_PIECE = 500


def _type(value: Json) -> str:
    if isinstance(value, str) and 1 <= len(value) <= 50 and value.isascii() and value.isalpha():
        return value
    raise Invalid("unknown_value", "must be the type of a job, of 1 to 50 letters from a to z")


class ProblemCursor(NamedTuple):
    """The position in the problems of a job: after the problem at this position."""

    position: int

    def text(self) -> str:
        """The cursor as a text for the client."""
        return str(self.position)


class JobCursor(NamedTuple):
    """The position in a list of jobs: after the job with this id."""

    id: str

    def text(self) -> str:
        """The cursor as a text for the client."""
        return self.id


def _problem_cursor(text: Json) -> ProblemCursor:
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 19:
        return ProblemCursor(int(text))
    raise invalid_cursor()


TYPE = Rule(_type, {"type": "string", "pattern": "^[A-Za-z]{1,50}$"}, narrows=True)
LIST_QUERY = {
    "workspaceId": ID,
    "type": described(TYPE, "Only jobs of this type."),
    "status": described(one_of(*STATUSES)._replace(narrows=True), "Only jobs with this status."),
    "limit": LIMIT,
    "cursor": described(ID, "The start of the next page, from the Link header."),
}
GET_QUERY = {
    "wait": described(
        integer(0, _LONGEST_WAIT, 0), "Seconds to wait for a change of the job, if it has not ended."
    )
}
PROBLEMS_QUERY = {
    "format": described(one_of("json", "csv"), "csv: all of them as a file."),
    "limit": LIMIT,
    "cursor": described(
        Rule(_problem_cursor, {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}),
        "The start of the next page, from the Link header.",
    ),
}


async def list_jobs(call: Call) -> Response:
    """The workspace's jobs, newest first; jobs that ended more than 90 days ago are deleted."""
    query = call.query
    workspace_id = (await catalog_of(call, query.get("workspaceId"))).workspace_id
    limit: int = query.get("limit", 20)
    async with call.connection() as conn:
        found = await store.list_jobs(
            conn,
            workspace_id,
            limit=limit + 1,
            job_type=query.get("type"),
            status=query.get("status"),
            before=query.get("cursor"),
        )
    following = JobCursor(found[limit - 1].id) if len(found) > limit else None
    return json_response(200, found[:limit], next_link(call, following))


async def _job_in_path(call: Call) -> tuple[str, str]:
    """The workspace of the job in the path, and the job's id. Raises NotFound."""
    job_id = call.path_id()
    async with call.connection() as conn:
        workspace_id = await store.visible_workspace_of(conn, call.actor, job_id)
    call.concerns(workspace_id)
    return workspace_id, job_id


async def get_job(call: Call) -> Response:
    """One job; with `wait`, when it has changed, or after that many seconds."""
    workspace_id, job_id = await _job_in_path(call)
    async with call.connection() as conn:
        job, version = await store.get_version(conn, workspace_id, job_id)
    wait: int = call.query.get("wait", 0)
    if wait and job.status not in ENDED:
        job = await _changed(call, job, version, wait)
    return json_response(200, job)


async def _changed(call: Call, job: Job, version: int, seconds: float) -> Job:
    """The job when it has changed, or after that time.

    Raises Unauthorized if the key ends meanwhile, and NotFound if the workspace is deleted.
    """
    watch, end = call.app.part(JobWatch), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and watch.admits(job.workspace_id):
        changed = await watch.change(job.workspace_id, job.id, version, min(left, _KEY_LOOK_SECONDS))
        await call.app.keys.authenticate(call.request.header("authorization"))
        if changed:
            break
    await _job_in_path(call)  # The workspace may have been deleted meanwhile.
    async with call.connection() as conn:
        return await store.get_job(conn, job.workspace_id, job.id)


async def cancel_job(call: Call) -> Response:
    """Cancels a job that has not ended; its work so far stays."""
    workspace_id, job_id = await _job_in_path(call)
    async with call.transaction() as conn:
        return json_response(200, await store.cancel_job(conn, workspace_id, job_id))


async def list_problems(call: Call) -> Response:
    """The problems of a job, in the order of its work."""
    workspace_id, job_id = await _job_in_path(call)
    if call.query.get("format") == "csv":
        return problems_file(call, workspace_id, job_id)
    cursor: ProblemCursor | None = call.query.get("cursor")
    limit: int = call.query.get("limit", 20)
    async with call.connection() as conn:
        found = await store.list_problems(
            conn, workspace_id, job_id, after=cursor.position if cursor else 0, limit=limit + 1
        )
    following = ProblemCursor(found[limit - 1][0]) if len(found) > limit else None
    return json_response(200, [problem for _, problem in found[:limit]], next_link(call, following))


_COLUMNS = ("contactId", "status", "code", "pointer", "detail", "suggestion")


def problems_file(call: Call, workspace_id: str, job_id: str) -> Response:
    """All problems of a job as a CSV file."""

    async def lines() -> AsyncGenerator[bytes]:
        yield BOM + csv_lines([_COLUMNS])
        after: int | None = 0
        while after is not None:
            async with call.app.db.connection(call.work.use) as conn:
                found = await store.list_problems(conn, workspace_id, job_id, after=after, limit=_CSV_PIECE)
            yield csv_lines([cells for _, problem in found for cells in _cells(problem)])
            after = found[-1][0] if len(found) == _CSV_PIECE else None

    name = f'attachment; filename="problems-{job_id}.csv"'
    kind = "text/csv; charset=utf-8; header=present"
    return Response(200, b"", [("content-type", kind), ("content-disposition", name)], lines())


def _cells(problem: JobProblem) -> Sequence[Sequence[str]]:
    """A problem as rows: one for each error."""
    about, body = problem.contact_id or "", problem.problem
    name = body.type.rpartition("/")[2]
    if not body.errors:
        return [(about, str(body.status), name, "", body.detail, "")]
    return [
        (about, str(body.status), e.code, e.pointer or "", e.detail, e.suggestion or "") for e in body.errors
    ]
