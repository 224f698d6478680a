"""The recurring job that makes the next months of the events and drops the old ones."""

from contextlib import suppress
from datetime import datetime, timedelta

from contactory.base.logs import log
from contactory.database.db import LOCK_TIMEOUT, Connection, Database
from contactory.database.months import MONTHS

# Without these events the search would miss the contacts that it has not indexed yet.
_NOT_SEARCHED = """
select exists (
    select from workspaces w
      left join search_progress p on p.workspace_id = w.id
     where w.deleted_at is null
       and exists (select from contact_events e
                    where e.workspace_id = w.id and e.at > coalesce(p.at, timestamptz 'epoch') and e.at < $1))
"""


async def keep_months(db: Database, retention: float) -> int:
    """Makes the next months, and drops those that ended `retention` seconds ago; with 0 it drops none.

    Returns how many it has made or dropped, by the database's clock. Several processes can run it at once. If
    a lock is not free, it leaves the work for the next time.
    """
    done = 0
    with suppress(LOCK_TIMEOUT):
        async with db.connection() as conn:
            now: datetime = await conn.fetchval("select now()")
            done = await MONTHS.make(conn, now)
            if retention:
                done += await _drop_before(conn, now - timedelta(seconds=retention))
    return done


async def _drop_before(conn: Connection, before: datetime) -> int:
    if await MONTHS.too_old(conn, before) and await conn.fetchval(_NOT_SEARCHED, before):
        return 0
    dropped = await MONTHS.drop(conn, before)
    if dropped:
        log.info("history dropped", months=dropped)
    return len(dropped)
