"""A type of jobs for tests, made as features make theirs: it writes down each of its items, in pieces.

Run as a program it is a server process that does nothing but jobs: `python -m tests.jobs.kinds URL HELD`.
"""

import asyncio
import sys
from datetime import timedelta
from functools import partial
from typing import Any

from contactory.database.db import Database
from contactory.database.unit_of_work import UnitOfWork
from contactory.jobs.registry import JOB_TYPES, ItemProblem, JobAtWork, JobType, Progress, register
from contactory.jobs.runner import JobRunner
from contactory.rules.errors import Conflict, FieldError, Unavailable, ValidationProblem

TABLE = """
create schema if not exists job_tests;
create table if not exists job_tests.items (workspace_id uuid, job_id uuid, item bigint);
"""
TYPE = "countTest"
tries: list[tuple[str, Any]] = []
"""The pieces that were begun in this process: the job, and where."""
noted: list[tuple[str, Any]] = []
"""The pieces that were committed in this process."""


async def piece(work: UnitOfWork, job: JobAtWork) -> Progress:
    """Does the next `size` of `items`, and takes `seconds` over it; what goes wrong is said by the input."""
    given, at = job.input, job.cursor or 0
    tries.append((job.id, at))
    end = min(at + given.get("size", 1), given["items"])
    async with work.transaction() as conn:
        await conn.execute(
            "insert into job_tests.items select $1, $2, n from generate_series($3::bigint, $4::bigint - 1) n",
            job.workspace_id,
            job.id,
            at,
            end,
        )
    work.after_commit(partial(noted.append, (job.id, at)))
    await asyncio.sleep(given.get("seconds", 0))
    if at == given.get("failsAt") and len([each for each in tries if each == (job.id, at)]) <= given["fails"]:
        raise {"error": ValueError("jane@example.com"), "away": Unavailable(), "clash": Conflict("No.")}[
            given["how"]
        ]
    return Progress(
        end,
        end - at,
        finished=end == given["items"],
        total=given["items"],
        result={"updated": end - at, **({"failed": len(given["refuse"])} if "refuse" in given else {})},
        problems=[ItemProblem(refusal(each), each) for each in given.get("refuse", ())],
    )


def refusal(contact_id: str) -> ValidationProblem:
    wrong = '"Lead Sorce" is unknown'
    field = FieldError("/customFields/Lead Sorce", None, "unknown_custom_field", wrong, "=Lead Source")
    name = FieldError("/firstName", None, "wrong_length", "is too long")
    return ValidationProblem(errors=[field, name])


register(JobType(TYPE, "Count", piece))


async def main(url: str, held: float) -> None:
    """Does jobs for ever."""
    db = Database(url, 4, 30)
    runner = JobRunner(db, JOB_TYPES, timedelta(seconds=held))
    while True:
        try:
            found = await runner.run()
        except Unavailable:
            continue
        await asyncio.sleep(0.001 if found.more else 0.02)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
