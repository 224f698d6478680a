"""Does the jobs of all workspaces piece by piece; the workspaces take turns."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count

from contactory.base.caches import LeastRecentlyUsed
from contactory.base.logs import log
from contactory.database.db import COLLISION, Database
from contactory.database.unit_of_work import UnitOfWork
from contactory.jobs.leases import HELD, Lease, Lost, advance, fail, find_due, give_back, renewed, take_lease
from contactory.jobs.registry import JobType
from contactory.rules.errors import Problem, TooSlow, Unavailable
from contactory.schedule.job import Piece

MOST_ATTEMPTS = 10
"""The limit of attempts in a row without a finished piece."""
_LONGEST_SECONDS = 300.0
_AWAY_SECONDS = 5.0
_REMEMBERED = 10_000
_GAVE_UP = (
    f"The job was stopped after {MOST_ATTEMPTS} failed attempts in a row. Its work before that stays. "
    "The server's log has the cause, under the id of the job."
)


class JobRunner:
    """Does jobs in one process."""

    def __init__(self, db: Database, types: Mapping[str, JobType], held: timedelta = HELD) -> None:
        """`held`: how long a process without a sign of life keeps its job."""
        self._db = db
        self._types = types
        self._held = held
        self._turns = count(1)
        self._served: LeastRecentlyUsed[str, int] = LeastRecentlyUsed(_REMEMBERED)
        """The turn at which each workspace was served last."""

    async def run(self) -> Piece:
        """Does one piece for the workspace with a due job that was served longest ago."""
        due = await find_due(self._db, list(self._types)) if self._types else []
        for workspace_id, job_id in sorted(due, key=lambda each: self._served.get(each[0]) or 0):
            lease = await take_lease(self._db, workspace_id, job_id, self._held)
            if lease is not None:
                self._served.put(workspace_id, next(self._turns))
                await self._do(lease)
                return Piece(1, more=True)
        return Piece()

    async def _do(self, lease: Lease) -> None:
        if lease.attempts > MOST_ATTEMPTS:  # The processes that tried it have died.
            await self._give_up(lease, "ProcessDied")
            return
        try:
            async with renewed(self._db, lease, self._held):
                finished = await self._piece(lease)
            if finished:
                log.info("workspace job done", **_who(lease))
        except asyncio.CancelledError:
            with suppress(Unavailable, *COLLISION):
                await give_back(self._db, lease, 0, None, counts=False)
            raise
        except Lost:
            log.info("piece of a workspace job undone", **_who(lease))
        except Exception as error:
            with suppress(Unavailable, *COLLISION):  # In that case the lease expires.
                await self._failed(lease, error)

    async def _piece(self, lease: Lease) -> bool:
        work = UnitOfWork(self._db, lease.job.workspace_id)
        async with work.whole() as conn:
            progress = await self._types[lease.job.type].piece(work, lease.job)
            await advance(conn, lease, progress)
        return progress.finished

    async def _failed(self, lease: Lease, error: Exception) -> None:
        kind = type(error).__name__
        if isinstance(error, Unavailable) and not isinstance(error, TooSlow):
            await give_back(self._db, lease, _jittered(_AWAY_SECONDS), kind, counts=False)
        elif isinstance(error, Problem) and not error.may_retry:
            log.info("workspace job failed", **_who(lease), problem=error.name)
            await fail(self._db, lease, error, kind)
        elif lease.attempts >= MOST_ATTEMPTS:
            await self._give_up(lease, kind)
        else:
            delay = _jittered(min(2.0 ** (lease.attempts - 1), _LONGEST_SECONDS))
            log.warning("workspace job put off", **_who(lease), error=kind, attempt=lease.attempts)
            await give_back(self._db, lease, delay, kind, counts=True)

    async def _give_up(self, lease: Lease, kind: str) -> None:
        log.error("workspace job failed", **_who(lease), error=kind, attempt=lease.attempts)
        await fail(self._db, lease, Problem(_GAVE_UP), kind)


def _who(lease: Lease) -> dict[str, str]:
    return {"job": lease.job.id, "type": lease.job.type, "workspace": lease.job.workspace_id}


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311
