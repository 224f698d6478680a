"""The definition of a recurring job."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple


class Piece(NamedTuple):
    """The result of one piece of a job."""

    done: int = 0
    """How many things it handled: 0 if there was nothing to do."""
    more: bool = False
    """Whether another piece is waiting."""


class Job(NamedTuple):
    """A recurring job: one row of the registry."""

    name: str
    every: float
    """Seconds from the end of a run to the beginning of the next one."""
    run: Callable[[], Awaitable[Piece]]
    """Does one piece, in its own transactions; called again while it returns that there is more."""
    alone: bool = False
    """One process at a time runs it, by a lease in the database; otherwise every process runs it."""
    prompt: bool = False
    """It keeps its pace while the process is busy: requests rely on it, and it never has much to do."""
