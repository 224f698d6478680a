"""Waiting for a change of a job, without a database connection for each waiting request."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

from contactory.database.db import COLLISION, Database
from contactory.rules.errors import Unavailable

_LOOK_SECONDS = 0.5
_MOST = 1000
"""The limit of waiting requests in one process, half of them for one workspace.

Further requests are answered at once.
"""


class _Waiter(NamedTuple):
    workspace_id: str
    job_id: str
    version: int
    changed: "asyncio.Future[None]"


class JobWatch:
    """The waiting requests of one process: one statement twice per second checks all of them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiters: set[_Waiter] = set()
        self._of_workspace: Counter[str] = Counter()
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    def admits(self, workspace_id: str) -> bool:
        """Whether one more request about a job of the workspace may wait."""
        if self._closed or len(self._waiters) >= _MOST:
            return False
        return self._of_workspace[workspace_id] < _MOST // 2

    def close(self) -> None:
        """Ends the waiting of all requests, also of later ones."""
        self._closed = True
        for waiter in self._waiters:
            _wake(waiter)

    async def change(self, workspace_id: str, job_id: str, version: int, seconds: float) -> bool:
        """Waits up to that long; returns whether the job may have another version by now."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(workspace_id, job_id, version, loop.create_future())
        self._waiters.add(waiter)
        self._of_workspace[workspace_id] += 1
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await waiter.changed
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
            self._leave(workspace_id)
        return True

    def _leave(self, workspace_id: str) -> None:
        self._of_workspace[workspace_id] -= 1
        if not self._of_workspace[workspace_id]:
            del self._of_workspace[workspace_id]

    async def _look(self) -> None:
        while self._waiters:
            await asyncio.sleep(_LOOK_SECONDS)
            with suppress(Unavailable, *COLLISION):  # The requests continue to wait.
                await self._wake_changed()

    async def _wake_changed(self) -> None:
        waiting = list(self._waiters)
        async with self._db.connection() as conn:
            rows = await conn.fetch(
                """select workspace_id::text, id::text, version from jobs
                    where workspace_id = any($1::text[]::uuid[]) and id = any($2::text[]::uuid[])""",
                [waiter.workspace_id for waiter in waiting],
                [waiter.job_id for waiter in waiting],
            )
        versions = {(row[0], row[1]): row[2] for row in rows}
        for waiter in waiting:
            if versions.get((waiter.workspace_id, waiter.job_id)) != waiter.version:
                _wake(waiter)


def _wake(waiter: _Waiter) -> None:
    if not waiter.changed.done():
        waiter.changed.set_result(None)
