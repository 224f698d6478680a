"""Runs recurring jobs, each in its own task, so that a failing or slow job does not hold up the others."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from contactory.base.logs import log
from contactory.base.metrics import JOB_SUCCESS
from contactory.database.db import COLLISION, Database
from contactory.rules.errors import TooSlow, Unavailable
from contactory.schedule.job import Job
from contactory.schedule.leases import Lease, look, note_success, register

# The pause after a piece, as a multiple of its duration. Jobs cost little while changes wait for a commit,
# and while requests of any kind keep the process busy.
_REST, _REST_IN_A_FLOOD = 1.0, 40.0
_LONGEST_REST = 5.0
_BUSY = 0.5
"""The part of a core from which on the pause is as long as in a flood: PostgreSQL needs the other part."""
_LOOK_SECONDS = 5.0
"""How often a process checks whether a job with a lease is due."""
_FIRST_SECONDS = 10.0
_NOTED_SECONDS = 30.0
"""How often a success of a job that every process runs is stored."""
_SHORTEST_DELAY, _DOUBLINGS = 10.0, 5
_IN_PASSING = (Unavailable, *COLLISION)
"""Failures without a fault of the job: the database is away, or other transactions collided."""


class Schedule:
    """The recurring jobs of one process."""

    def __init__(self, db: Database, jobs: Sequence[Job], busy: Callable[[], bool]) -> None:
        """`busy`: whether changes are waiting for a commit."""
        self._db = db
        self._jobs = jobs
        self._keepers = [Keeper(db, job, busy) for job in jobs]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Starts every job."""
        self._tasks = [asyncio.create_task(keeper.keep()) for keeper in self._keepers]
        self._tasks.append(asyncio.create_task(self._register()))

    async def _register(self) -> None:
        """Adds the jobs to the table; with one statement, since a connection for each job may be too many."""
        while True:
            with suppress(*_IN_PASSING):
                return await register(self._db, self._jobs)
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Stops every job, and leaves unfinished work to other processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Keeper:
    """Runs one job again and again."""

    def __init__(self, db: Database, job: Job, busy: Callable[[], bool]) -> None:
        self._db = db
        self._job = job
        self._busy = busy
        self._failures = 0
        self._noted = 0.0
        self._load = Load()

    async def keep(self) -> None:
        """Runs the job for ever; a failure is retried later."""
        if self._job.every >= 1:  # Not all jobs at the start, and not all processes at the same time.
            await asyncio.sleep(_jittered(min(self._job.every, _FIRST_SECONDS)))
        while True:
            delay = await self._try(self._take_turn if self._job.alone else self._do_own)
            await asyncio.sleep(delay)

    async def _try(self, step: Callable[[], Awaitable[float]]) -> float:
        """The seconds until the next check, from the result of a step or after its failure."""
        try:
            delay = await step()
        except Exception as error:
            if _in_passing(error):
                return _jittered(min(self._job.every, _LOOK_SECONDS))
            delay = self._failed(error, self._failures)
            self._failures += 1
        else:
            self._failures = 0
        return delay

    async def _do_own(self) -> float:
        return max(self._job.every, await self._work(None))

    async def _succeeded(self) -> None:
        """A piece has come to its end: a job that is never without work must not look late."""
        JOB_SUCCESS.numbers(self._job.name)[0] = time.time()
        if not self._job.alone and time.monotonic() > self._noted + _NOTED_SECONDS:
            begun = time.monotonic()
            with suppress(*_IN_PASSING):
                if await note_success(self._db, self._job.name):
                    self._noted = begun

    async def _take_turn(self) -> float:
        """Runs the job if it is due and no other process runs it."""
        pace = _jittered(min(self._job.every, _LOOK_SECONDS))
        found = await look(self._db, self._job.name)
        if found is None:  # It is not registered yet.
            return pace
        if found.last_success is not None:
            JOB_SUCCESS.numbers(self._job.name)[0] = found.last_success
        lease = await Lease.take(self._db, self._job.name) if found.free else None
        if lease is not None:
            await self._work_with(lease)
        return pace

    async def _work_with(self, lease: Lease) -> None:
        try:
            async with lease.renewed():
                await self._work(lease)
            await lease.succeed()
        except asyncio.CancelledError:
            with suppress(*_IN_PASSING):
                await lease.leave()
            raise
        except Exception as error:
            with suppress(*_IN_PASSING):
                if _in_passing(error):
                    await lease.leave()
                else:
                    await lease.fail(self._failed(error, lease.failures))

    async def _work(self, lease: Lease | None) -> float:
        """Does all pieces, until the lease is lost; returns the pause after the last one."""
        begun, done, pieces = time.monotonic(), 0, 0
        while True:
            at, share = time.monotonic(), self._load.share()
            piece = await self._job.run()
            done, pieces = done + piece.done, pieces + 1
            rest = self._rest(time.monotonic() - at, share)
            self._load.begin()
            await self._succeeded()
            if not piece.more:
                break
            await asyncio.sleep(rest)
            if lease is not None and not await lease.renew(after_piece=True):
                log.warning("job taken over by another process", job=self._job.name)
                break
        if done:
            say = log.info if self._job.alone else log.debug  # Every process runs the latter all the time.
            seconds = round(time.monotonic() - begun, 3)
            say("job done", job=self._job.name, done=done, pieces=pieces, seconds=seconds)
        return rest

    def _rest(self, took: float, share: float) -> float:
        """The pause after a piece with that duration, in seconds; `share` as of Load."""
        part = 0.0 if self._job.prompt else 1.0 if self._busy() else min(1.0, share / _BUSY)
        times = _REST + part * (_REST_IN_A_FLOOD - _REST)
        return min(_LONGEST_REST, times * took)

    def _failed(self, error: Exception, failures: int) -> float:
        """Logs a failure; returns the seconds until the retry, which grow with the number of failures."""
        often = self._job.every < 1  # A job that runs all the time never waits long.
        doubled = min(self._job.every, _SHORTEST_DELAY) * 2 ** min(failures + 1, _DOUBLINGS)
        delay = _jittered(min(doubled, 1.0) if often else doubled)
        log.error("job failed", job=self._job.name, error=type(error).__name__, retry_seconds=round(delay, 1))
        return delay


class Load:
    """How much of a core the process uses between two pieces of a job, for everything else."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A piece has ended."""
        self._at, self._used = time.monotonic(), time.process_time()

    def share(self) -> float:
        """The part of a core since then, from 0 to 1."""
        seconds, used = time.monotonic() - self._at, time.process_time() - self._used
        return min(1.0, used / seconds) if seconds > 0 else 0.0


def _in_passing(error: Exception) -> bool:
    return isinstance(error, _IN_PASSING) and not isinstance(error, TooSlow)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311
