"""The registry of recurring jobs: the work of each process besides its requests.

To add one, write a function that does a piece of it, and add a row here. It is `alone` if two processes would
only disturb each other; data in a process's own memory is written by every process itself.
"""

from collections.abc import Awaitable, Callable

from contactory.access.keys import Keys, write_last_used
from contactory.access.sessions import drop_old_sign_ins
from contactory.base.logs import log
from contactory.base.settings import Settings
from contactory.catalog.catalog import POLL_SECONDS, Catalogs
from contactory.contacts.read.search import SearchIndex, catch_up
from contactory.contacts.write.cleanup import FIELDS, TAGS, WORKSPACES, sweep
from contactory.database.db import Database
from contactory.events.months import keep_months
from contactory.fields.retype import end_abandoned
from contactory.jobs.runner import JobRunner
from contactory.jobs.store import drop_old_jobs
from contactory.rules.errors import Unavailable
from contactory.schedule.job import Job, Piece
from contactory.web.idempotency import keep_days

_HOUR = 3600.0


def recurring_jobs(
    settings: Settings,
    db: Database,
    keys: Keys,
    catalogs: Catalogs,
    search: SearchIndex,
    runner: JobRunner,
    share_metrics: Callable[[], Awaitable[int]],
) -> list[Job]:
    """All recurring jobs, for one process."""
    return [
        Job("poll", POLL_SECONDS, lambda: _poll(db, keys, catalogs), prompt=True),
        Job("share_metrics", POLL_SECONDS, lambda: _once(share_metrics()), prompt=True),
        Job("index_changes", 0.3, lambda: search.work(db)),
        Job("write_last_used", 10, lambda: _once(write_last_used(db, keys))),
        Job("workspace_jobs", 1, runner.run),
        Job("drop_old_sign_ins", 10, lambda: _once(drop_old_sign_ins(db)), alone=True),
        Job("drop_kept_answers", 600, lambda: _once(keep_days(db)), alone=True),
        Job("end_abandoned_type_changes", 10, lambda: _once(end_abandoned(db)), alone=True),
        Job("sweep_tags", 10, lambda: sweep(db, TAGS), alone=True),
        Job("sweep_fields", 10, lambda: sweep(db, FIELDS), alone=True),
        Job("sweep_workspaces", 10, lambda: sweep(db, WORKSPACES), alone=True),
        Job("catch_up_search", 10, lambda: catch_up(db), alone=True),
        Job("keep_months", 600, lambda: _once(keep_months(db, settings.history_retention)), alone=True),
        Job("drop_old_jobs", _HOUR, lambda: drop_old_jobs(db), alone=True),
    ]


async def _once(work: Awaitable[int]) -> Piece:
    return Piece(await work)


async def _poll(db: Database, keys: Keys, catalogs: Catalogs) -> Piece:
    """Detects within a second what other processes have revoked or renamed."""
    try:
        await keys.poll()
        await catalogs.poll()
    except Unavailable:
        log.warning("database away")
        raise
    db.retire()
    return Piece()
