"""The pages of a workspace's jobs: their progress, their problems, and a form to cancel one."""

from typing import Any

from contactory.dashboard.html import see_other
from contactory.dashboard.visits import html_page, html_part, wants_page
from contactory.jobs import store
from contactory.jobs.api import JobCursor, problems_file
from contactory.jobs.model import ENDED, Job
from contactory.jobs.registry import JOB_TYPES
from contactory.rules.checks import ID, Rule
from contactory.rules.errors import Conflict
from contactory.web.messages import Response
from contactory.web.operations import Call, workspace_page

PAGE_SIZE = 50
_PROBLEMS = 100
_TEXT = Rule(str, {"type": "string"})
_DONE = {
    "cancelled": "Job cancelled.",
    "ended": "The job had ended before it could be cancelled.",
}
_STATUS = {
    "queued": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}


def _here(call: Call) -> str:
    return f"/w/{call.actor.workspace_id}/settings/jobs"


def _shown(call: Call) -> dict[str, Any]:
    """The values for all templates of jobs."""
    titles = {name: each.title for name, each in JOB_TYPES.items()}
    return {"here": _here(call), "titles": titles, "statuses": _STATUS, "ended": ENDED}


async def show_jobs(call: Call) -> Response:
    """The jobs, newest first; for a script their next rows."""
    cursor = call.query.get("cursor")
    async with call.connection() as conn:
        found = await store.list_jobs(conn, call.actor.workspace_id or "", limit=PAGE_SIZE + 1, before=cursor)
    jobs, following = found[:PAGE_SIZE], None
    if len(found) > PAGE_SIZE:
        following = f"{_here(call)}?cursor={JobCursor(jobs[-1].id).text()}"
    shown: dict[str, Any] = {**_shown(call), "jobs": jobs, "following": following}
    if not wants_page(call.request):
        return html_part(call, "workspaces/job_rows.html", **shown)
    return await html_page(
        call, "workspaces/jobs.html", done=_DONE.get(call.query.get("done", ""), ""), **shown
    )


async def show_job(call: Call) -> Response:
    """One job with the first of its problems; for a script its current row."""
    workspace_id, job_id = call.actor.workspace_id or "", call.path_id()
    async with call.connection() as conn:
        job: Job = await store.get_job(conn, workspace_id, job_id)
        if not wants_page(call.request):
            return html_part(call, "workspaces/job_rows.html", jobs=[job], following=None, **_shown(call))
        problems = await store.list_problems(conn, workspace_id, job_id, after=0, limit=_PROBLEMS + 1)
    return await html_page(
        call,
        "workspaces/job.html",
        job=job,
        problems=[problem for _, problem in problems[:_PROBLEMS]],
        more=len(problems) > _PROBLEMS,
        **_shown(call),
    )


async def download_problems(call: Call) -> Response:
    """All problems of a job as CSV."""
    workspace_id, job_id = call.actor.workspace_id or "", call.path_id()
    async with call.connection() as conn:
        await store.get_job(conn, workspace_id, job_id)
    return problems_file(call, workspace_id, job_id)


async def cancel_job(call: Call) -> Response:
    """Cancels a job that has not ended."""
    try:
        async with call.transaction() as conn:
            await store.cancel_job(conn, call.actor.workspace_id or "", call.path_id())
    except Conflict:
        return see_other(f"{_here(call)}?done=ended")
    return see_other(f"{_here(call)}?done=cancelled")


_JOBS = "settings/jobs"
JOB_PAGES = [
    workspace_page("showJobs", "GET", _JOBS, "The jobs", show_jobs, query={"cursor": ID, "done": _TEXT}),
    workspace_page("showJob", "GET", f"{_JOBS}/{{id}}", "A job", show_job),
    workspace_page(
        "downloadJobProblems",
        "GET",
        f"{_JOBS}/{{id}}/problems",
        "Download the problems of a job",
        download_problems,
    ),
    workspace_page("cancelJobPage", "POST", f"{_JOBS}/{{id}}/cancel", "Cancel a job", cancel_job, "write"),
]
