"""A change of a type takes minutes of a connection: it has its own share, beside that of slow requests."""

import asyncio
from datetime import UTC, datetime

from contactory.database.db import Database
from contactory.database.shares import SLOW, Use
from contactory.fields.model import CustomField, FieldPatch
from contactory.fields.retype import TypeChange
from contactory.rules.actor import ANONYMOUS
from tests.world import World

SEARCH = Use("a neighbour", "search")


def test_a_change_of_a_type_and_slow_requests_do_not_wait_for_each_other(world: World) -> None:
    field_id, now = world.field("f", "text"), datetime.now(UTC)
    field = CustomField(field_id, world.acme, "f", "text", 0, now, now)

    async def run() -> None:
        db = Database(world.sql.url, 4, 30)  # One place for slow uses.
        change = TypeChange(db, field, "1", FieldPatch(type="number"), "number", ANONYMOUS, "test")
        for use in (SEARCH, change._use):
            async with db.connection(use):
                await asyncio.sleep(SLOW * 1.5)
        async with db.connection(SEARCH):
            await asyncio.wait_for(change._refuse_misfits(), 5)
        async with db.connection(change._use), asyncio.timeout(5), db.connection(SEARCH) as conn:
            assert await conn.fetchval("select 1") == 1
        await db.close()

    world.sql.run(run())
