"""Keeping the months of the events: those to come are made ahead, and those that are too old are dropped."""

from datetime import UTC, datetime, timedelta

from contactory.base.logs import log
from contactory.database.db import LOCK_TIMEOUT, Connection, Database
from contactory.database.months import drop_months, make_months, too_old

# The search would miss a contact that was changed in these months if it has not come across it yet.
_NOT_SEARCHED = """
select exists (
    select from workspaces w
      left join search_progress p on p.workspace_id = w.id
     where w.deleted_at is null
       and exists (select from contact_events e
                    where e.workspace_id = w.id and e.at > coalesce(p.at, timestamptz 'epoch') and e.at < $1))
"""


async def keep_months(db: Database, retention: float) -> None:
    """Makes the months to come, and drops those that ended `retention` seconds ago; with 0 it drops none.

    Several processes may do so at once: what one has done the others find done. Where a lock is not to be had
    at once, the next time will do.
    """
    now = datetime.now(UTC)
    try:
        async with db.connection() as conn:
            await make_months(conn, now)
            if retention:
                await _drop_before(conn, now - timedelta(seconds=retention))
    except LOCK_TIMEOUT:
        log.debug("months of the history are in use, so that they are changed later")


async def _drop_before(conn: Connection, before: datetime) -> None:
    if await too_old(conn, before) and await conn.fetchval(_NOT_SEARCHED, before):
        return
    dropped = await drop_months(conn, before)
    if dropped:
        log.info("history dropped", months=dropped)
