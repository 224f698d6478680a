"""The shared services of one process: the pool, the writers, the caches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from contactory.access.keys import Keys, write_last_used
from contactory.access.passwords import Passwords
from contactory.base.caches import Costly, LeastRecentlyUsed, SharedReads
from contactory.base.logs import log
from contactory.base.metrics import BATCH, BUILD, POOL_SIZE, POOL_USED, TZDATA, WAITING
from contactory.base.settings import Settings
from contactory.base.shared_metrics import SharedMetrics
from contactory.catalog.catalog import Catalogs
from contactory.contacts.read.reader import Reader
from contactory.contacts.read.search import SearchIndex
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.create import CreateLane, NewContact
from contactory.contacts.write.lanes import ChangeLane
from contactory.contacts.write.queue import Writer
from contactory.database.db import Database
from contactory.jobs.registry import JOB_TYPES
from contactory.jobs.runner import JobRunner
from contactory.jobs.watch import JobWatch
from contactory.local_time.zones import TZDATA_VERSION
from contactory.public.health import Readiness
from contactory.rules.errors import Unavailable
from contactory.schedule.runner import Schedule
from contactory.scheduled import recurring_jobs
from contactory.web.messages import Response, deadlines
from contactory.web.rate_limit import RateLimiter

_READ_LANES = 2
_CREATE_LANES = 2
_HOMES = 50_000
_COUNTS = 1000


class Services:
    """Created once per process, before the first request."""

    def __init__(self, settings: Settings, metrics: SharedMetrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.db = Database(
            settings.database_url,
            settings.pool_size,
            settings.statement_timeout,
            settings.connection_lifetime,
        )
        self.readiness = Readiness(self.db)
        self.catalogs = Catalogs(self.db)
        self.keys = Keys(self.db)
        self.limiter = RateLimiter(self.db, settings)
        self.homes: LeastRecentlyUsed[tuple[str, str, str], str] = LeastRecentlyUsed(_HOMES)
        """The workspace of a contact, which never changes, by account, mode and contact."""
        self.passwords = Passwords()
        self.search = SearchIndex()
        self.counts: Costly[tuple[str, ...]] = Costly(_COUNTS)
        """Recent counts of the overview, by workspace and kind."""
        self.in_flight: set[tuple[str, str]] = set()
        """Idempotency keys in use in this process."""
        self._lanes = [self.db.lane() for _ in range(settings.writers + _CREATE_LANES + _READ_LANES)]
        change_lanes, rest = self._lanes[: settings.writers], self._lanes[settings.writers :]
        self.changes: Writer[Change, Outcome] = Writer(
            [_measured(ChangeLane(lane, settings)) for lane in change_lanes],
            settings.write_batch,
            settings.write_queue,
        )
        self.creates: Writer[NewContact, NewContact | None] = Writer(
            [CreateLane(lane, settings) for lane in rest[:_CREATE_LANES]],
            settings.write_batch,
            settings.write_queue,
        )
        self.contacts = Reader(rest[_CREATE_LANES:])
        self.lists: SharedReads[tuple[str, int, str], Response] = SharedReads()
        """Pages of lists that are being read, by workspace, version of its catalogue, and query."""
        self._job_runner = JobRunner(self.db, JOB_TYPES)
        self.job_watch = JobWatch(self.db)
        """Requests that wait for a change of a job."""
        jobs = recurring_jobs(
            settings, self.db, self.keys, self.catalogs, self.search, self._job_runner, self._share_metrics
        )
        self._schedule = Schedule(self.db, jobs, lambda: self.changes.waiting > 0)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Opens the pool and starts the background tasks."""
        self.changes.start()
        self.creates.start()
        self._schedule.start()
        self._watching = asyncio.create_task(deadlines.watch())

    def end_waiting(self) -> None:
        """Has the requests answered that only wait for something to happen, since the process is to end."""
        self.job_watch.close()

    async def stop(self) -> None:
        """Finishes the accepted requests, then closes every connection."""
        if self._watching is not None:
            self._watching.cancel()
        await self._schedule.stop()
        await asyncio.gather(self.changes.stop(), self.creates.stop())
        try:
            await write_last_used(self.db, self.keys)
        except Unavailable:
            log.warning("last use of keys not written")
        for lane in self._lanes:
            await lane.close()
        await self.db.close()

    def gauge(self) -> None:
        """Brings this process's metrics up to date."""
        WAITING.set(self.changes.waiting + self.creates.waiting)
        POOL_SIZE.set(self.db.size)
        POOL_USED.set(self.db.in_use)
        TZDATA.say(version=TZDATA_VERSION)
        BUILD.say(postgresql=self.db.server_version)

    async def _share_metrics(self) -> int:
        self.gauge()
        await asyncio.to_thread(self.metrics.write, self.metrics.snapshot())
        return 0


def _measured(lane: ChangeLane) -> Callable[[Sequence[Change]], Awaitable[list[Outcome]]]:
    async def commit(changes: Sequence[Change]) -> list[Outcome]:
        BATCH.observe(len(changes))
        return await lane(changes)

    return commit
