"""Tables that are partitioned by time: a partition for each period, made in advance, and dropped when old.

Such a table does not have a default partition. `TABLE_later` takes all rows after the last period, so that
every write has a partition, even if a clock is wrong; a new period is cut off its beginning. The lowest
partition is the one with all rows before the first period, or, after periods have been dropped,
`TABLE_dropped`, which only has what a wrong clock writes. So the partitions are in order, and PostgreSQL
reads the newest first and stops when it has enough rows, which a default partition prevents.

A lock that blocks writers is held for milliseconds. If it is not free within a fraction of a second, the
change is left for the next time, since periods are made long before they are needed.
"""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from contactory.database.db import Connection

_WAIT = "200ms"
_FEW = 50_000  # The most rows of a wrong clock that are moved to a new period while writers wait.
_PARTS = """
select c.relname, pg_get_expr(c.relpartbound, c.oid)
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where i.inhparent = '{}'::regclass and pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
"""
_DETACHED = """
select relname from pg_class
 where relname ^@ $1 and relkind = 'r' and not relispartition and pg_table_is_visible(oid)
"""
_BOUND = re.compile(r"FOR VALUES FROM \((?:MINVALUE|'(.+)')\) TO \((?:MAXVALUE|'(.+)')\)")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


class Part(NamedTuple):
    """A partition, for rows from `low` on and before `high`; None: without a limit."""

    name: str
    low: datetime | None
    high: datetime | None


@lru_cache
def _part(name: str, bound: str) -> Part:
    ends = _BOUND.fullmatch(bound)
    if not ends:
        raise ValueError(f"{name} is not a period of its table: {bound}")
    low, high = (datetime.fromisoformat(end) if end else None for end in ends.groups())
    return Part(name, low, high)


class Periods:
    """The partitions of one table.

    `column` is its time; `begin` gives the beginning of the period of a moment, `following` that of the next
    period, and `label` the end of a partition's name. `ahead` periods are made after the present one. `keys`
    are the statements that give a new partition, `{name}`, its own keys, indexes and settings; PostgreSQL
    chooses the names of indexes, because a partition that was detached still has its own.
    """

    def __init__(
        self,
        table: str,
        column: str,
        *,
        begin: Callable[[datetime], datetime],
        following: Callable[[datetime], datetime],
        label: str,
        ahead: int,
        keys: Sequence[str],
    ) -> None:
        self._table = table
        self._column = column
        self._begin = begin
        self._following = following
        self._label = label
        self._ahead = ahead
        self._keys = keys
        self._later, self._dropped, self._gone = (f"{table}_{end}" for end in ("later", "dropped", "gone"))

    async def parts(self, conn: Connection) -> list[Part]:
        """The partitions, in their order."""
        found = [_part(*row) for row in await conn.fetch(_PARTS.format(self._table))]
        return sorted(found, key=lambda part: part.low or _BEFORE_ALL)

    async def kept_since(self, conn: Connection) -> datetime | None:
        """The time since which no row was dropped; None: none was ever dropped."""
        found = await self.parts(conn)
        since = found[0].high if found[0].name == self._dropped else found[0].low
        for before, after in pairwise(found):
            if before.high != after.low:  # A period was dropped by hand.
                since = after.low
        return since

    async def last(self, conn: Connection) -> datetime | None:
        """The last period that has its own partition; None if there is none."""
        found = await self.parts(conn)
        return found[-2].low if len(found) > 1 else None

    async def make(self, conn: Connection, now: datetime) -> int:
        """Makes the missing periods; returns how many. Raises LOCK_TIMEOUT."""
        if not await self._lacking(conn, now):
            return 0
        async with self._rearranging(conn):
            lacking = await self._lacking(conn, now)
            if not lacking:
                return 0
            await conn.execute(f"alter table {self._table} detach partition {self._later}")
            for period in lacking:
                await self.make_one(conn, period)
            end = self._following(lacking[-1])
            await conn.execute(f"delete from {self._later} where {self._column} < $1", end)
            await self.attach(conn, self._later, f"'{end}'", "maxvalue")
        return len(lacking)

    async def make_one(self, conn: Connection, period: datetime) -> None:
        """Makes a period, with the rows of it that a wrong clock has already written."""
        name, end = f"{self._table}_{period:{self._label}}", self._following(period)
        await self._make_part(conn, name)
        await conn.execute(
            f"""insert into {name}
                select * from {self._later} where {self._column} >= $1 and {self._column} < $2""",
            period,
            end,
        )
        await self.attach(conn, name, f"'{period}'", f"'{end}'")

    async def _lacking(self, conn: Connection, now: datetime) -> list[datetime]:
        """The missing periods, up to the first one that too many rows would have to be moved to."""
        period = (await self.parts(conn))[-1].low or now
        last = self._begin(now)
        for _ in range(self._ahead):
            last = self._following(last)
        lacking: list[datetime] = []
        while period <= last:
            lacking.append(period)
            period = self._following(period)
        while lacking and await self._many_before(conn, self._following(lacking[-1])):
            lacking.pop()
        return lacking

    async def _many_before(self, conn: Connection, end: datetime) -> bool:
        return await conn.fetchval(
            f"""select count(*) > {_FEW}
                  from (select from {self._later} where {self._column} < $1 limit {_FEW + 1}) few""",
            end,
        )

    async def drop(self, conn: Connection, before: datetime) -> list[str]:
        """Drops every period that ended before that moment; returns their names. Raises LOCK_TIMEOUT."""
        await self._clear_away(conn)
        old = await self.too_old(conn, before)
        if old:
            async with self._rearranging(conn):
                old = await self.too_old(conn, before)
                for part in old:
                    await conn.execute(f"alter table {self._table} detach partition {part.name}")
                    gone = f"{self._gone}_{part.name.removeprefix(f'{self._table}_')}"
                    await conn.execute(f"alter table {part.name} rename to {gone}")
                if old:
                    await self._make_part(conn, self._dropped)
                    await self.attach(conn, self._dropped, "minvalue", f"'{old[-1].high}'")
        await self._clear_away(conn)
        return [part.name for part in old]

    async def _clear_away(self, conn: Connection) -> None:
        """Removes detached periods, also those that a crash has left. Writers do not wait for this."""
        for row in await conn.fetch(_DETACHED, self._gone):
            await conn.execute(f"drop table if exists {row[0]}")

    async def too_old(self, conn: Connection, before: datetime) -> list[Part]:
        """The partitions that ended before that moment, if a period is among them."""
        old = [part for part in await self.parts(conn) if part.high and part.high <= before]
        return old if any(part.name != self._dropped for part in old) else []

    @asynccontextmanager
    async def _rearranging(self, conn: Connection) -> AsyncGenerator[None]:
        """A transaction with an exclusive lock on the table."""
        async with conn.transaction():
            await conn.execute(f"set local lock_timeout = '{_WAIT}'")
            await conn.execute(f"lock table only {self._table} in access exclusive mode")
            yield

    async def _make_part(self, conn: Connection, name: str) -> None:
        await conn.execute(f"create table {name} (like {self._table} including defaults)")
        for key in self._keys:
            await conn.execute(key.format(name=name))

    async def attach(self, conn: Connection, name: str, low: str, high: str) -> None:
        """Makes a table the partition between these bounds, which are SQL."""
        await conn.execute(
            f"alter table {self._table} attach partition {name} for values from ({low}) to ({high})"
        )
