"""The months of `contact_events`: a partition for each, made ahead, and dropped whole when it is too old.

There is no default partition. `contact_events_later` takes all from the end of the last month on, so that no
write ever lacks a partition, however wrong a clock is; making a month cuts it off from there. At the other
end stands `contact_events_first`, with all that was there before the first month, or once months have been
dropped `contact_events_dropped`, which is empty but for what a wrong clock writes. So the partitions have an
order: PostgreSQL reads the newest first and stops when it has enough, which it does not beside a default one.

What takes a lock that stands in the way of writers takes it for milliseconds, and gives up where it has to
wait longer: it is tried again at the next occasion, which may be weeks ahead of the need.
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
"""Months that are made after the present one."""
LATER, DROPPED, _GONE = "contact_events_later", "contact_events_dropped", "contact_events_gone"
_WAIT = "200ms"
_FEW = 50_000  # Rows of a wrong clock that are moved to a new month while writers wait.
_PARTS = """
select c.relname, pg_get_expr(c.relpartbound, c.oid)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = 'contact_events'::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
"""
_BOUND = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(.+)')\) TO \((?:MAXVALUE|'(.+)')\)")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Part(NamedTuple):
    """A partition, and the moments that it holds: from `low` on, and before `high`; None: without an end."""

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
    """Since when all events are there but those of purged contacts; None where none was dropped ever."""
    found = await parts(conn)
    since = found[0].high if found[0].name == DROPPED else found[0].low
    for before, after in pairwise(found):
        if before.high != after.low:  # Somebody has dropped a month by hand.
            since = after.low
    return since


async def last_month(conn: Connection) -> datetime | None:
    """The last month that has a partition of its own; None where none has."""
    found = await parts(conn)
    return found[-2].low if len(found) > 1 else None


def month_of(moment: datetime) -> datetime:
    """When the month of this moment begins."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def following(month: datetime) -> datetime:
    """When the month after this one begins."""
    return month_of(month + timedelta(days=31))


async def make_months(conn: Connection, now: datetime) -> bool:
    """Makes the months that are lacking; says whether it made any. Raises LOCK_TIMEOUT."""
    if not await _lacking(conn, now):
        return False
    async with _rearranging(conn):
        lacking = await _lacking(conn, now)
        if not lacking:
            return False
        await conn.execute(f"alter table contact_events detach partition {LATER}")
        for month in lacking:
            await _make_month(conn, month)
        await conn.execute(f"delete from {LATER} where at < $1", following(lacking[-1]))
        await _attach(conn, LATER, f"'{following(lacking[-1])}'", "maxvalue")
    return True


async def _make_month(conn: Connection, month: datetime) -> None:
    """Makes a month, with what a clock that was ahead has written of it."""
    name, end = f"contact_events_{month:%Y_%m}", following(month)
    await _make(conn, name)
    await conn.execute(f"insert into {name} select * from {LATER} where at >= $1 and at < $2", month, end)
    await _attach(conn, name, f"'{month}'", f"'{end}'")


async def _lacking(conn: Connection, now: datetime) -> list[datetime]:
    """The months that are to be made, as far as not too much of a wrong clock has to be moved."""
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
    """Drops every month that has ended before that moment; gives their names. Raises LOCK_TIMEOUT."""
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
    """Removes what is no part any more, also after a crash: apart, since no writer waits for this."""
    gone = """select relname from pg_class
               where relname ^@ $1 and relkind = 'r' and not relispartition and pg_table_is_visible(oid)"""
    for row in await conn.fetch(gone, _GONE):
        await conn.execute(f"drop table if exists {row[0]}")


async def too_old(conn: Connection, before: datetime) -> list[Part]:
    """The parts that have ended before that moment, where a month is among them."""
    old = [part for part in await parts(conn) if part.high and part.high <= before]
    return old if any(part.name != DROPPED for part in old) else []


@asynccontextmanager
async def _rearranging(conn: Connection) -> AsyncGenerator[None]:
    """A transaction that has the table for itself."""
    async with conn.transaction():
        await conn.execute(f"set local lock_timeout = '{_WAIT}'")
        await conn.execute("lock table only contact_events in access exclusive mode")
        yield


async def _make(conn: Connection, name: str) -> None:
    await conn.execute(f"create table {name} (like contact_events including defaults)")
    # No index of the parent's can be unique without the time.
    await conn.execute(f"alter table {name} add primary key (workspace_id, contact_id, version)")


async def _attach(conn: Connection, name: str, low: str, high: str) -> None:
    await conn.execute(
        f"alter table contact_events attach partition {name} for values from ({low}) to ({high})"
    )
