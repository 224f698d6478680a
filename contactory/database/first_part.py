"""Prepares a large table, so that it can become the first partition of a table by time (periods.py).

The table may have 10^7 rows, and servers write to it in the meantime. PostgreSQL attaches it without reading
it if a valid constraint shows that all rows are before the first period. The constraint applies to new rows
at once, and to the existing rows after its validation, which does not block writers. Each step can be
interrupted and repeated.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from contactory.database import answers, months
from contactory.database.db import Connection
from contactory.database.locks import patiently

_STATE = """
select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz as ends, convalidated as valid
  from pg_constraint
 where conrelid = $1::text::regclass and conname = $1 || '_end'
"""
# The newest of each workspace, which the index by time finds at once.
_NEWEST_EVENT = """
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
_MARGIN = timedelta(days=1)


class FirstPart(NamedTuple):
    """A table that becomes a partition."""

    table: str
    column: str
    """Its time."""
    rows: str
    newest: str
    """SQL that finds its newest row."""
    end: Callable[[datetime, datetime], datetime]
    """The end of the partition, from the present time and that of the newest row."""

    async def prepare(self, conn: Connection, say: Callable[[str], None]) -> None:
        """Adds a valid constraint on the time of the rows, unless the table is empty."""
        table, name = self.table, f"{self.table}_end"
        if not await conn.fetchval(f"select exists (select from {table})"):
            return
        size = await conn.fetchval(f"select pg_size_pretty(pg_table_size('{table}'))")
        now: datetime = await conn.fetchval("select now()")
        state = await conn.fetchrow(_STATE, table)
        if state is None or state["ends"] < now + _MARGIN:
            say(f"  1 of 3: finding the newest of all {self.rows} ({size})")
            ends = self.end(now, await conn.fetchval(self.newest) + _MARGIN)
            drop = f"alter table {table} drop constraint if exists {name}"
            check = f"check ({self.column} is not null and {self.column} < '{ends}')"
            await patiently(
                conn, [(drop,), (f"alter table {table} add constraint {name} {check} not valid",)], say
            )
        if state is None or not state["valid"]:
            say(f"  2 of 3: checking the time of all {self.rows} ({size}); servers can go on")
            # Its lock blocks neither readers nor writers.
            await conn.execute(f"alter table {table} validate constraint {name}")
        say("  3 of 3: attaching them as the first part")


def _end_of_events(now: datetime, newest: datetime) -> datetime:
    """Two months ahead, so that there is time, and after all events that a wrong clock has written."""
    following = months.following
    return max(following(following(months.month_of(now))), following(months.month_of(newest)))


def _end_of_answers(now: datetime, newest: datetime) -> datetime:
    """More than a day ahead, so that servers of the release before can go on until they are replaced."""
    return answers.following(answers.day_of(max(now + _MARGIN, newest)))


EVENTS = FirstPart("contact_events", "at", "events", _NEWEST_EVENT, _end_of_events)
ANSWERS = FirstPart(
    "idempotency_records",
    "created_at",
    "kept answers",
    "select max(created_at) from idempotency_records",
    _end_of_answers,
)
