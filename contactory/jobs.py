"""What each server process does beside its requests, at its own pace."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from contactory.auth import Keys
from contactory.contacts.search import SearchIndex, catch_up
from contactory.contacts.sweep import sweep
from contactory.db import COLLISION, Database
from contactory.errors import Unavailable
from contactory.fields.retype import end_abandoned
from contactory.idempotency import KEPT
from contactory.logs import log
from contactory.users.attempts import forget_old

_EVERY_SECONDS = 10.0
_FIND_SECONDS = 0.3
# Rests between pieces, so that a flood of changes is not slowed down by being made findable.
_REST_TIMES, _REST_SECONDS = 9.0, 2.0
_PAUSE_SECONDS = 0.05  # Between two pieces of a long job, so that requests come first.


class Jobs:
    """The jobs of one process."""

    def __init__(self, db: Database, keys: Keys, search: SearchIndex) -> None:
        self._db = db
        self._keys = keys
        self._search = search

    async def run(self) -> None:
        """Runs for ever; what fails is tried again the next time."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                await self._once()
            except (Unavailable, *COLLISION):
                continue
            except Exception as error:
                log.error("job failed", error=type(error).__name__)

    async def _once(self) -> None:
        await write_last_used(self._db, self._keys)
        await _drop_old_records(self._db)
        await _drop_old_sign_ins(self._db)
        await end_abandoned(self._db)
        while await sweep(self._db):
            await asyncio.sleep(_PAUSE_SECONDS)
        while await catch_up(self._db):
            await asyncio.sleep(_PAUSE_SECONDS)

    async def keep_findable(self) -> None:
        """Makes what this process changes findable, for ever."""
        while True:
            begun = time.monotonic()
            try:
                await self._search.work(self._db)
            except (Unavailable, *COLLISION):
                pass  # `catch_up` finds what was lost.
            except Exception as error:
                log.error("job failed", error=type(error).__name__)
            rest = min(_REST_SECONDS, _REST_TIMES * (time.monotonic() - begun))
            await asyncio.sleep(max(_FIND_SECONDS, rest))

    async def last(self) -> None:
        """What must not wait until the next start."""
        try:
            await write_last_used(self._db, self._keys)
        except Unavailable:
            log.warning("last use of keys not written")


async def write_last_used(db: Database, keys: Keys) -> None:
    """Writes down when each key was last used."""
    used, keys.used = keys.used, {}
    if not used:
        return
    async with db.connection() as conn:
        await conn.execute(
            """update api_keys k set last_used_at = u.at
                 from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
                where k.id = u.id and (k.last_used_at is null or k.last_used_at < u.at)""",
            list(used),
            [datetime.fromtimestamp(seconds, UTC) for seconds in used.values()],
        )


async def _drop_old_records(db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute(
            """delete from idempotency_records where (key_id, key) in
               (select key_id, key from idempotency_records where created_at < $1 limit 10000)""",
            datetime.now(UTC) - KEPT,
        )


async def _drop_old_sign_ins(db: Database) -> None:
    now = datetime.now(UTC)
    async with db.connection() as conn:
        await conn.execute("delete from sessions where expires_at < $1", now)
        await conn.execute("delete from one_time_links where expires_at < $1", now - timedelta(days=30))
        await forget_old(conn, now)
