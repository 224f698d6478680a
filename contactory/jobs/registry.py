"""The types of jobs: what a feature says of its long work, so that it is done in pieces.

A feature registers its type once and enqueues jobs of it in a transaction of its own (store.enqueue). The
runner calls `piece` again and again, each time in a transaction in which the progress is written as well: all
of a piece is kept, with how far it came, or nothing of it. So a piece is never done twice, whatever crashes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from contactory.database.db import Connection
from contactory.rules.actor import Actor
from contactory.rules.errors import Problem


class JobAtWork(NamedTuple):
    """A job, as a piece of it is begun."""

    id: str
    workspace_id: str
    type: str
    input: Any
    """What was given to `enqueue`."""
    cursor: Any
    """What the piece before has left; None for the first one."""
    done: int
    total: int | None
    result: Mapping[str, int]
    """How many of its items ended how, so far."""
    actor: Actor
    """Who has started it. What the actor may do was checked then."""
    request_id: str | None


class ItemProblem(NamedTuple):
    """Something of a job that could not be done, and why."""

    problem: Problem
    contact_id: str | None = None


class Progress(NamedTuple):
    """What a piece has come to."""

    cursor: Any
    """Where the next piece begins: anything that is JSON."""
    done: int
    """How many items this piece has dealt with."""
    finished: bool = False
    """There is nothing left to do."""
    total: int | None = None
    """How many items the job has in all, once that is known."""
    result: Mapping[str, int] = {}
    """How many of the items were created, updated, unchanged, skipped, failed."""
    problems: Sequence[ItemProblem] = ()
    undoable_until: datetime | None = None


class JobType(NamedTuple):
    """What there is to know of a type of jobs."""

    name: str
    """As the API shows it."""
    title: str
    """As people read it."""
    piece: Callable[[Connection, JobAtWork], Awaitable[Progress]]
    """Does one piece, of a second or less, by the connection that it is given and no other.

    A Problem that may not be retried ends the job as failed, with that problem. Anything else that it raises
    has it tried again, up to ten times in a row.
    """


JOB_TYPES: dict[str, JobType] = {}
"""All types, by their names. A process leaves jobs alone whose type it does not know."""


def register(job_type: JobType) -> None:
    """Makes a type known to this process."""
    JOB_TYPES[job_type.name] = job_type
