"""`contactory jobs`."""

from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_json, print_result, print_rows
from contactory.cli.running import ID, with_database

if TYPE_CHECKING:
    from contactory.database.db import Connection
    from contactory.jobs.model import Job, JobProblem

_STATUSES = ["queued", "running", "done", "failed", "cancelled"]
_SHOWN_PROBLEMS = 20


@click.group()
def jobs() -> None:
    """Jobs: the long work of workspaces."""


@jobs.command("list")
@click.option("--workspace", "workspace_id", type=ID, help="Only the jobs of this workspace.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only jobs with this status.")
@json_option
def list_jobs(workspace_id: str | None, status: str | None, as_json: bool) -> None:
    """List the newest jobs of all workspaces, up to 1,000."""
    from contactory.jobs.store import list_all_jobs

    rows = with_database(lambda conn: list_all_jobs(conn, workspace_id, status))
    columns = {"id": "id", "type": "type", "status": "status", "done": "done", "of": "total"}
    print_rows(as_json, rows, {**columns, "workspace": "workspace_id", "made": "created_at"})


@jobs.command("show")
@click.argument("job_id", metavar="ID", type=ID)
@json_option
def show_job(job_id: str, as_json: bool) -> None:
    """Show a job, with the first of its problems."""
    from contactory.jobs import store

    async def work(conn: "Connection") -> "tuple[Job, list[JobProblem]]":
        workspace_id = await store.workspace_of(conn, job_id)
        found = await store.list_problems(conn, workspace_id, job_id, after=0, limit=_SHOWN_PROBLEMS)
        return await store.get_job(conn, workspace_id, job_id), [problem for _, problem in found]

    job, problems = with_database(work)
    if as_json:
        print_json({"job": job, "problems": problems})
        return
    columns = {"id": "id", "type": "type", "status": "status", "done": "done", "of": "total"}
    times = {"made": "created_at", "begun": "started_at", "ended": "finished_at"}
    print_rows(False, [job], {**columns, "workspace": "workspace_id", **times})
    for problem in problems:
        click.echo(f"{problem.contact_id or 'the job'}: {problem.problem.detail}")


@jobs.command("cancel")
@click.argument("job_id", metavar="ID", type=ID)
@json_option
def cancel_job(job_id: str, as_json: bool) -> None:
    """Cancel a job that has not ended; what it has done stays."""
    from contactory.jobs import store

    async def work(conn: "Connection") -> "Job":
        workspace_id = await store.workspace_of(conn, job_id)
        async with conn.transaction():
            return await store.cancel_job(conn, workspace_id, job_id)

    job = with_database(work)
    print_result(as_json, job, f"Cancelled job {job_id}.")
