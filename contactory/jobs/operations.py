"""The operations on jobs: their rows of the table."""

from contactory.jobs import api
from contactory.jobs.model import Job, JobProblem
from contactory.web.operations import Operation

JOB_OPERATIONS = [
    Operation(
        id="listJobs",
        method="GET",
        path="/v1/jobs",
        summary="List a workspace's jobs",
        permission="read",
        handler=api.list_jobs,
        query=api.LIST_QUERY,
        answers={200: list[Job]},
        problems=(404,),
    ),
    Operation(
        id="getJob",
        method="GET",
        path="/v1/jobs/{id}",
        summary="Get a job, or wait for it",
        permission="read",
        handler=api.get_job,
        query=api.GET_QUERY,
        answers={200: Job},
        problems=(404,),
    ),
    Operation(
        id="cancelJob",
        method="POST",
        path="/v1/jobs/{id}/cancel",
        summary="Cancel a job",
        permission="write",
        handler=api.cancel_job,
        answers={200: Job},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="listJobProblems",
        method="GET",
        path="/v1/jobs/{id}/problems",
        summary="List the problems of a job",
        permission="read",
        handler=api.list_problems,
        query=api.PROBLEMS_QUERY,
        answers={200: list[JobProblem]},
        problems=(404,),
        csv=True,
    ),
]
