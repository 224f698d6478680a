"""The types of jobs: a feature describes its long work, which is then done in pieces.

A feature registers its type once and enqueues jobs of it in its own transaction (store.enqueue). The runner
calls `piece` again and again, each time in a transaction that also stores the progress: a piece is committed
as a whole together with the progress, or not at all. So a piece is never done twice, whatever crashes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contactory.database.unit_of_work import UnitOfWork
from contactory.rules.actor import Actor
from contactory.rules.errors import Problem


class JobAtWork(NamedTuple):
    """A job at the start of a piece."""

    id: str
    workspace_id: str
    type: str
    input: Any
    """The input from `enqueue`."""
    cursor: Any
    """The cursor of the previous piece; None for the first one."""
    done: int
    total: int | None
    result: Mapping[str, int]
    """The numbers of items by result, so far."""
    actor: Actor
    """The actor that has started it, whose permissions were checked then."""
    request_id: str | None


class ItemProblem(NamedTuple):
    """The problem of one item of a job."""

    problem: Problem
    contact_id: str | None = None


class Progress(NamedTuple):
    """The result of a piece."""

    cursor: Any
    """The cursor of the next piece: any JSON value."""
    done: int
    """The number of items that this piece has handled."""
    finished: bool = False
    """Whether the job is finished."""
    total: int | None = None
    """The total number of items, once it is known."""
    result: Mapping[str, int] = {}
    """The numbers of created, updated, unchanged, skipped and failed items."""
    problems: Sequence[ItemProblem] = ()
    undoable_until: datetime | None = None


class JobType(NamedTuple):
    """A type of jobs."""

    name: str
    """The name in the API."""
    title: str
    """The title for users."""
    piece: Callable[[UnitOfWork, JobAtWork], Awaitable[Progress]]
    """Does one piece, of a second or less, only in the transaction of the given unit of work.

    What it changes in memory, such as notes for the search, it leaves to `after_commit` of that unit.

    A Problem that may not be retried ends the job as failed, with that problem. Any other exception causes a
    retry, up to ten times in a row.
    """


JOB_TYPES: dict[str, JobType] = {}
"""All types, by name. A process ignores jobs whose type it does not know."""


def register(job_type: JobType) -> None:
    """Registers a type in this process."""
    JOB_TYPES[job_type.name] = job_type
