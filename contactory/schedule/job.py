"""What a recurring job is."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Piece(NamedTuple):
    """What one piece of a job has done."""

    done: int = 0
    """How many things: 0 where there was nothing to do."""
    more: bool = False
    """Whether another piece is waiting."""


class Job(NamedTuple):
    """A recurring job: one row of the registry."""

    name: str
    every: float
    """Seconds from the end of a run to the beginning of the next one."""
    run: Callable[[], Awaitable[Piece]]
    """Does one piece, in transactions of its own; called again while it says that there is more."""
    alone: bool = False
    """One process at a time does it, by a lease in the database; else every process does it for itself."""
    gives_way: bool = True
    """It rests for longer between two pieces while changes are waiting for a commit."""
