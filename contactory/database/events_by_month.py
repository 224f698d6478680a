"""Prepares a large table of events, so that it can become the first partition of the table by months.

The table may have 10^7 rows, and servers write to it in the meantime. PostgreSQL attaches it without reading
it if a valid constraint shows that all rows are before the first month. The constraint applies to new rows at
once, and to the existing rows after its validation, which does not block writers. Each step can be
interrupted and repeated.
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
# The newest of each workspace, which the index by time finds at once.
_NEWEST = """
with recursive each (workspace_id) as (
    (select workspace_id from contact_events order by workspace_id limit 1)
     union all
    select (select e.workspace_id from contact_events e where e.workspace_id > each.workspace_id
             order by e.workspace_id limit 1)
      from each where each.workspace_id is not null
)
select max((select e.at from contact_events e where e.workspace_id = each.workspace_id
             order by e.at desc limit 1))
  from each
"""
_DROP = "alter table contact_events drop constraint if exists contact_events_end"
_ADD = """
alter table contact_events add constraint contact_events_end check (at is not null and at < '{}') not valid
"""
_VALIDATE = "alter table contact_events validate constraint contact_events_end"
_MARGIN = timedelta(days=1)


async def prepare(conn: Connection, say: Callable[[str], None]) -> None:
    """Adds a valid constraint on the time of the events, unless the table is empty."""
    if not await conn.fetchval("select exists (select from contact_events)"):
        return
    size = await conn.fetchval("select pg_size_pretty(pg_table_size('contact_events'))")
    now: datetime = await conn.fetchval("select now()")
    state = await conn.fetchrow(_STATE)
    if state is None or state["ends"] < now + _MARGIN:
        say(f"  1 of 3: finding the newest event ({size})")
        newest = await conn.fetchval(_NEWEST)
        # Two months ahead, so that there is time, and after all events that a wrong clock has written.
        ends = max(following(following(month_of(now))), following(month_of(newest + _MARGIN)))
        await patiently(conn, [(_DROP,), (_ADD.format(ends),)], say)
    if state is None or not state["valid"]:
        say(f"  2 of 3: checking the time of all events ({size}); servers can go on")
        await conn.execute(_VALIDATE)  # Its lock blocks neither readers nor writers.
    say("  3 of 3: attaching them as the first part of the history")
