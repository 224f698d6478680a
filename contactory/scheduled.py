"""The registry of recurring jobs: what each process does beside its requests.

To add one: a function that does a piece of it, and a row here. It is alone where two processes at it would
only be in each other's way; what is in a process's own memory every process writes down for itself.
"""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from contactory.access.keys import write_last_used
from contactory.access.sessions import drop_old_sign_ins
from contactory.base.logs import log
from contactory.catalog.catalog import POLL_SECONDS
from contactory.contacts.read.search import catch_up
from contactory.contacts.write.cleanup import FIELDS, TAGS, WORKSPACES, sweep
from contactory.fields.retype import end_abandoned
from contactory.jobs.store import drop_old_jobs
from contactory.rules.errors import Unavailable
from contactory.schedule.job import Job, Piece
from contactory.web.idempotency import forget

if TYPE_CHECKING:
    from contactory.services import Services

_HOUR = 3600.0


def recurring_jobs(app: "Services") -> list[Job]:
    """All of them, for one process."""
    db = app.db
    return [
        Job("poll", POLL_SECONDS, lambda: _poll(app)),
        Job("share_metrics", POLL_SECONDS, lambda: _share_metrics(app)),
        Job("index_changes", 0.3, lambda: app.search.work(db)),
        Job("write_last_used", 10, lambda: _once(write_last_used(db, app.keys))),
        Job("workspace_jobs", 1, app.job_runner.run),
        Job("drop_old_sign_ins", 10, lambda: _once(drop_old_sign_ins(db)), alone=True),
        # However busy the server is, since a busy one is what keeps many.
        Job("drop_kept_answers", 10, lambda: _forget(app), alone=True, gives_way=False),
        Job("end_abandoned_type_changes", 10, lambda: _once(end_abandoned(db)), alone=True),
        Job("sweep_tags", 10, lambda: sweep(db, TAGS), alone=True),
        Job("sweep_fields", 10, lambda: sweep(db, FIELDS), alone=True),
        Job("sweep_workspaces", 10, lambda: sweep(db, WORKSPACES), alone=True),
        Job("catch_up_search", 10, lambda: catch_up(db), alone=True),
        Job("drop_old_jobs", _HOUR, lambda: drop_old_jobs(db), alone=True),
    ]


async def _once(work: Awaitable[int]) -> Piece:
    return Piece(await work)


async def _forget(app: "Services") -> Piece:
    return Piece(*await forget(app.db))


async def _poll(app: "Services") -> Piece:
    """Learns within a second what was revoked or renamed elsewhere."""
    try:
        await app.keys.poll()
        await app.catalogs.poll()
    except Unavailable:
        log.warning("database away")
        raise
    app.db.retire()
    return Piece()


async def _share_metrics(app: "Services") -> Piece:
    app.gauge()
    await asyncio.to_thread(app.metrics.write, app.metrics.snapshot())
    return Piece()
