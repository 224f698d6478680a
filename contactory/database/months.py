"""The months of `contact_events`: a partition for each, made in advance, and dropped when it is too old.

The table does not have a default partition. `contact_events_later` takes all events after the last month, so
that every write has a partition, even if a clock is wrong; a new month is cut off its beginning. The lowest
partition is `contact_events_first`, with all events before the first month, or, after months have been
dropped, `contact_events_dropped`, which only has what a wrong clock writes. So the partitions are in order,
and PostgreSQL reads the newest first and stops when it has enough rows, which a default partition prevents.

A lock that blocks writers is held for milliseconds. If it is not free within a fraction of a second, the
change is left for the next time, since months are made long before they are needed.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from contactory.database.db import Connection

AHEAD = 3
"""How many months are made after the present one."""
LATER, DROPPED, _GONE = "contact_events_later", "contact_events_dropped", "contact_events_gone"
_WAIT = "200ms"
_FEW = 50_000  # The most rows of a wrong clock that are moved to a new month while writers wait.
_PARTS = """
select c.relname, pg_get_expr(c.relpartbound, c.oid)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'contact_events'::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
"""
_BOUND = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(.+)')\) TO \((?:MAXVALUE|'(.+)')\)")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Part(NamedTuple):
    """A partition, for events from `low` on and before `high`; None: without a limit."""

    name: str
    low: datetime | None
    high: datetime | None


async def parts(conn: Connection) -> list[Part]:
    """The partitions, in their order."""
    found = [_part(*row) for row in await conn.fetch(_PARTS)]
    return sorted(found, key=lambda part: part.low or _BEFORE_ALL)


@lru_cache
def _part(name: str, bound: str) -> Part:
    ends = _BOUND.fullmatch(bound)
    if not ends:
        raise ValueError(f"{name} is not a month of the events: {bound}")
    low, high = (datetime.fromisoformat(end) if end else None for end in ends.groups())
    return Part(name, low, high)


async def kept_since(conn: Connection) -> datetime | None:
    """The time since which all events exist, except those of purged contacts; None: none was ever dropped."""
    found = await parts(conn)
    since = found[0].high if found[0].name == DROPPED else found[0].low
    for before, after in pairwise(found):
        if before.high != after.low:  # A month was dropped by hand.
            since = after.low
    return since


async def last_month(conn: Connection) -> datetime | None:
    """The last month that has its own partition; None if there is none."""
    found = await parts(conn)
    return found[-2].low if len(found) > 1 else None


def month_of(moment: datetime) -> datetime:
    """The beginning of the month of this moment."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def following(month: datetime) -> datetime:
    """The beginning of the next month."""
    return month_of(month + timedelta(days=31))


async def make_months(conn: Connection, now: datetime) -> int:
    """Makes the missing months; returns how many. Raises LOCK_TIMEOUT."""
    if not await _lacking(conn, now):
        return 0
    async with _rearranging(conn):
        lacking = await _lacking(conn, now)
        if not lacking:
            return 0
        await conn.execute(f"alter table contact_events detach partition {LATER}")
        for month in lacking:
            await _make_month(conn, month)
        await conn.execute(f"delete from {LATER} where at < $1", following(lacking[-1]))
        await _attach(conn, LATER, f"'{following(lacking[-1])}'", "maxvalue")
    return len(lacking)


async def _make_month(conn: Connection, month: datetime) -> None:
    """Makes a month, with the events of it that a wrong clock has already written."""
    name, end = f"contact_events_{month:%Y_%m}", following(month)
    await _make(conn, name)
    await conn.execute(f"insert into {name} select * from {LATER} where at >= $1 and at < $2", month, end)
    await _attach(conn, name, f"'{month}'", f"'{end}'")


async def _lacking(conn: Connection, now: datetime) -> list[datetime]:
    """The missing months, up to the first one that too many events would have to be moved to."""
    month = (await parts(conn))[-1].low or now
    last = month_of(now)
    for _ in range(AHEAD):
        last = following(last)
    lacking: list[datetime] = []
    while month <= last:
        lacking.append(month)
        month = following(month)
    while lacking and await _many_before(conn, following(lacking[-1])):
        lacking.pop()
    return lacking


async def _many_before(conn: Connection, end: datetime) -> bool:
    return await conn.fetchval(
        f"select count(*) > {_FEW} from (select from {LATER} where at < $1 limit {_FEW + 1}) few", end
    )


async def drop_months(conn: Connection, before: datetime) -> list[str]:
    """Drops every month that ended before that moment; returns their names. Raises LOCK_TIMEOUT."""
    await _clear_away(conn)
    old = await too_old(conn, before)
    if old:
        async with _rearranging(conn):
            old = await too_old(conn, before)
            for part in old:
                await conn.execute(f"alter table contact_events detach partition {part.name}")
                await conn.execute(f"alter table {part.name} rename to {_GONE}_{part.name[15:]}")
            if old:
                await _make(conn, DROPPED)
                await _attach(conn, DROPPED, "minvalue", f"'{old[-1].high}'")
    await _clear_away(conn)
    return [part.name for part in old]


async def _clear_away(conn: Connection) -> None:
    """Removes detached months, also those that a crash has left. Writers do not wait for this."""
    gone = """select relname from pg_class
               where relname ^@ $1 and relkind = 'r' and not relispartition and pg_table_is_visible(oid)"""
    for row in await conn.fetch(gone, _GONE):
        await conn.execute(f"drop table if exists {row[0]}")


async def too_old(conn: Connection, before: datetime) -> list[Part]:
    """The partitions that ended before that moment, if a month is among them."""
    old = [part for part in await parts(conn) if part.high and part.high <= before]
    return old if any(part.name != DROPPED for part in old) else []


@asynccontextmanager
async def _rearranging(conn: Connection) -> AsyncGenerator[None]:
    """A transaction with an exclusive lock on the table."""
    async with conn.transaction():
        await conn.execute(f"set local lock_timeout = '{_WAIT}'")
        await conn.execute("lock table only contact_events in access exclusive mode")
        yield


async def _make(conn: Connection, name: str) -> None:
    await conn.execute(f"create table {name} (like contact_events including defaults)")
    # A unique index of the whole table would have to include the time.
    await conn.execute(f"alter table {name} add primary key (workspace_id, contact_id, version)")


async def _attach(conn: Connection, name: str, low: str, high: str) -> None:
    await conn.execute(
        f"alter table contact_events attach partition {name} for values from ({low}) to ({high})"
    )
