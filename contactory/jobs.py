"""What each server process does beside its requests, at its own pace."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from contactory.access.attempts import forget_old
from contactory.access.keys import Keys
from contactory.base.logs import log
from contactory.contacts.read.search import SearchIndex, catch_up
from contactory.contacts.write.cleanup import sweep
from contactory.database.db import COLLISION, Database
from contactory.events.months import keep_months
from contactory.fields.retype import end_abandoned
from contactory.rules.errors import Unavailable
from contactory.web.idempotency import forget

_EVERY_SECONDS = 10.0
_FIND_SECONDS = 0.3
# How long a job rests after a piece of it, in times of what that took: a flood of changes must not pay much.
_REST, _REST_IN_A_FLOOD = 1.0, 40.0
_LONGEST_REST = 5.0


class Jobs:
    """The jobs of one process."""

    def __init__(
        self,
        db: Database,
        keys: Keys,
        search: SearchIndex,
        busy: Callable[[], bool],
        history_retention: float = 0,
    ) -> None:
        self._db = db
        self._keys = keys
        self._search = search
        self._busy = busy
        self._history_retention = history_retention

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
        await _drop_old_sign_ins(self._db)
        await end_abandoned(self._db)
        await self._in_pieces(lambda: sweep(self._db))
        await self._in_pieces(lambda: catch_up(self._db))
        await keep_months(self._db, self._history_retention)

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
            await asyncio.sleep(max(_FIND_SECONDS, self._rest(begun)))

    async def keep_answers_few(self) -> None:
        """Removes the kept answers whose time is over, for ever: apart, so that no long job holds it up."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                begun = time.monotonic()
                while await forget(self._db):
                    # However busy it is, since a busy server is what keeps many.
                    await asyncio.sleep(min(_LONGEST_REST, _REST * (time.monotonic() - begun)))
                    begun = time.monotonic()
            except (Unavailable, *COLLISION):
                continue
            except Exception as error:
                log.error("job failed", error=type(error).__name__)

    async def _in_pieces(self, work: Callable[[], Awaitable[bool]]) -> None:
        """Does a long job, as long as `work` says that there is more."""
        begun = time.monotonic()
        while await work():
            await asyncio.sleep(self._rest(begun))
            begun = time.monotonic()

    def _rest(self, begun: float) -> float:
        """Seconds to rest after work that began then."""
        times = _REST_IN_A_FLOOD if self._busy() else _REST
        return min(_LONGEST_REST, times * (time.monotonic() - begun))

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
                where k.id = u.id
                  -- After `now()`: of a time before the clock was set back.
                  and (k.last_used_at is null or k.last_used_at < u.at or k.last_used_at > now())""",
            list(used),
            [datetime.fromtimestamp(seconds, UTC) for seconds in used.values()],
        )


async def _drop_old_sign_ins(db: Database) -> None:
    async with db.connection() as conn:
        await conn.execute("delete from sessions where expires_at < now()")
        await conn.execute("delete from one_time_links where expires_at < now() - interval '30 days'")
        await forget_old(conn)
