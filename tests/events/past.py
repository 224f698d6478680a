"""A history that reaches back: months of the past, and contacts that were changed in them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contactory.database.months import MONTHS, month_of
from tests.servers import Sql
from tests.world import World


def month(back: int) -> datetime:
    """When the month begins that is so many months before the present one."""
    found = month_of(datetime.now(UTC))
    for _ in range(back):
        found = month_of(found - timedelta(days=1))
    return found


def make_past(sql: Sql, months: int) -> None:
    """Cuts so many months, of the past, off the end of the first part."""

    async def cut(conn: Any) -> None:
        async with conn.transaction():
            await conn.execute("alter table contact_events detach partition contact_events_first")
            for back in range(months, 0, -1):
                await MONTHS.make_one(conn, month(back))
            await MONTHS.attach(conn, "contact_events_first", "minvalue", f"'{month(months)}'")

    sql.run(cut(sql.conn))


def age(world: World, contact_id: str, days: float) -> None:
    """Puts all that has happened to a contact so many days back."""
    step = timedelta(days=days)
    world.sql.execute(
        "update contact_events set at = at - $2::interval, previous_at = null where contact_id = $1",
        contact_id,
        step,
    )
    world.sql.execute(
        """update contacts set created_at = created_at - $2::interval, updated_at = updated_at - $2::interval
            where id = $1""",
        contact_id,
        step,
    )


def months_of(world: World, contact_id: str) -> list[str]:
    """The parts in which a contact's events lie, the oldest event first."""
    rows = world.sql.fetch(
        "select tableoid::regclass::text from contact_events where contact_id = $1 order by version",
        contact_id,
    )
    return [row[0] for row in rows]
