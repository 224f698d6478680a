"""A job as the API shows it."""

from datetime import datetime
from typing import Literal, get_args

import msgspec

from contactory.rules.actor import ActorShown
from contactory.rules.errors import ProblemBody

Status = Literal["queued", "running", "done", "failed", "cancelled"]
STATUSES: tuple[Status, ...] = get_args(Status)
ENDED = ("done", "failed", "cancelled")


class JobProgress(msgspec.Struct):
    """The progress of a job."""

    done: int
    total: int | None
    """None until it is known."""


class JobResult(msgspec.Struct):
    """The numbers of items of a job by result."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0


class Job(msgspec.Struct, rename="camel"):
    """Long work of a workspace."""

    id: str
    workspace_id: str
    type: str
    status: Status
    progress: JobProgress
    result: JobResult
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    actor: ActorShown
    undoable_until: datetime | None

    @property
    def done(self) -> int:
        """The number of handled items."""
        return self.progress.done

    @property
    def total(self) -> int | None:
        """The total number of items, once it is known."""
        return self.progress.total


class JobProblem(msgspec.Struct, rename="camel"):
    """The problem of one item of a job."""

    contact_id: str | None
    """None if it is not about one contact."""
    problem: ProblemBody
