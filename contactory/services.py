"""The objects that all requests and recurring jobs in one process share."""

import asyncio

from contactory.access.keys import Keys, write_last_used
from contactory.access.passwords import Passwords
from contactory.base.logs import log
from contactory.base.metrics import BUILD, POOL_SIZE, POOL_USED, POOL_WAITING, TZDATA, WAITING
from contactory.base.settings import Settings
from contactory.base.shared_metrics import SharedMetrics
from contactory.catalog.catalog import Catalogs
from contactory.contacts.api.services import ContactServices
from contactory.database.db import Database
from contactory.jobs.registry import JOB_TYPES
from contactory.jobs.runner import JobRunner
from contactory.jobs.watch import JobWatch
from contactory.local_time.zones import TZDATA_VERSION
from contactory.overview.store import CountCache
from contactory.public.health import Readiness
from contactory.rules.errors import Unavailable
from contactory.schedule.runner import Schedule
from contactory.scheduled import recurring_jobs
from contactory.web.messages import deadlines
from contactory.web.shared import Shared


class Services(Shared):
    """Created once per process, before the first request."""

    def __init__(self, settings: Settings, metrics: SharedMetrics) -> None:
        db = Database(
            settings.database_url,
            settings.pool_size,
            settings.statement_timeout,
            settings.connection_lifetime,
        )
        keys, catalogs = Keys(db), Catalogs(db)
        super().__init__(settings, db, keys)
        self._keys, self._metrics = keys, metrics
        self._contacts = ContactServices(db, settings, catalogs)
        self._job_watch = JobWatch(db)
        self.add(keys, catalogs, metrics, self._contacts, self._job_watch)
        self.add(Readiness(db), Passwords(), CountCache())
        metrics.before_snapshot = self._gauge
        runner = JobRunner(db, JOB_TYPES)
        jobs = recurring_jobs(
            settings, db, keys, catalogs, self._contacts.search, runner, self._share_metrics
        )
        self._schedule = Schedule(db, jobs, lambda: self._contacts.changes.waiting > 0)
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the background tasks; connections are opened when they are needed."""
        self._contacts.start()
        self._schedule.start()
        self._watching = asyncio.create_task(deadlines.watch())

    def end_waiting(self) -> None:
        """Has the requests answered that only wait for something to happen, since the process is to end."""
        self._job_watch.close()

    async def stop(self) -> None:
        """Finishes the accepted requests, then closes every connection."""
        if self._watching is not None:
            self._watching.cancel()
        await self._schedule.stop()
        await self._contacts.stop()
        try:
            await write_last_used(self.db, self._keys)
        except Unavailable:
            log.warning("last use of keys not written")
        await self._contacts.close()
        await self.db.close()

    def _gauge(self) -> None:
        """Brings this process's gauges up to date."""
        WAITING.set(self._contacts.waiting)
        POOL_SIZE.set(self.db.size)
        POOL_USED.set(self.db.in_use)
        POOL_WAITING.set(self.db.waiting)
        TZDATA.say(version=TZDATA_VERSION)
        BUILD.say(postgresql=self.db.server_version)

    async def _share_metrics(self) -> int:
        await asyncio.to_thread(self._metrics.write, self._metrics.snapshot())
        return 0
