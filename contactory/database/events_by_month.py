"""Prepares a table of many events for becoming the first part of the one that is kept by months.

It may hold 10^7 rows, and is written to meanwhile. PostgreSQL takes it over without reading it if a
constraint tells already that it ends before the first month. The constraint holds for new rows at once, and
for those that are there once it has been validated, while writers go on. Each step can be broken off and done
again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from contactory.database.db import Connection
from contactory.database.locks import patiently
from contactory.database.months import following, month_of

_STATE = """
select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz as ends, convalidated as valid
  from pg_constraint
 where conrelid = 'contact_events'::regclass and conname = 'contact_events_end'
"""
_DROP = "alter table contact_events drop constraint if exists contact_events_end"
_ADD = """
alter table contact_events add constraint contact_events_end check (at is not null and at < '{}') not valid
"""
_VALIDATE = "alter table contact_events validate constraint contact_events_end"
_MARGIN = timedelta(days=1)


async def prepare(conn: Connection, say: Callable[[str], None]) -> None:
    """Makes it known where the events end that there are."""
    if not await conn.fetchval("select exists (select from contact_events)"):
        return
    size = await conn.fetchval("select pg_size_pretty(pg_table_size('contact_events'))")
    now: datetime = await conn.fetchval("select now()")
    state = await conn.fetchrow(_STATE)
    if state is None or state["ends"] < now + _MARGIN:
        say(f"  1 of 3: looking for the newest of the events ({size})")
        newest = await conn.fetchval("select max(at) from contact_events")
        # Two months on, so that there is time; and beyond what a clock that was wrong has written.
        ends = max(following(following(month_of(now))), following(month_of(newest + _MARGIN)))
        await patiently(conn, [(_DROP,), (_ADD.format(ends),)], say)
    if state is None or not state["valid"]:
        say(f"  2 of 3: reading the events ({size}), while the servers go on")
        await conn.execute(_VALIDATE)  # Its lock is in the way of no reader and no writer.
    say("  3 of 3: putting them in their place")
