"""Reads go to the months that can matter, however many there are."""

import re
import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactory.catalog.catalog import read_catalog
from contactory.contacts.read.filter import And, Compare
from contactory.contacts.read.history import EventCursor, history, recent
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.write import statement
from contactory.database.migrate import migrate
from tests.conftest import client_of
from tests.events.past import make_past
from tests.events.test_record import LIMITS, a_change
from tests.servers import named, running, sql_at
from tests.world import World

MONTHS = 36
EVENTS = 40
"""Of each contact, one every four weeks."""


class Explained:
    """A connection that also asks how what is fetched from the events is executed."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self.plans: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._conn, name)

    async def fetch(self, query: str, *args: Any) -> Any:
        if "contact_events e" in query:
            rows = await self._conn.fetch(f"explain (analyze, costs off, timing off) {query}", *args)
            self.plans.append("\n".join(row[0] for row in rows))
        return await self._conn.fetch(query, *args)


def touched(plan: str) -> set[str]:
    """The parts from which a plan has read, or tried to."""
    lines = re.findall(r"Scan.* on (contact_events_\w+).*\((.*)\)", plan)
    assert len({name for name, _ in lines}) > 1, f"these are not the months:\n{plan}"
    return {name for name, what in lines if "never executed" not in what}


def rows_read(plan: str) -> float:
    """How many events it has read, those that it threw away included."""
    scans = re.findall(r"on contact_events_\w+ .*\(actual rows=([\d.]+) loops=(\d+)\)", plan)
    thrown = re.findall(r"Rows Removed by (?:Filter|Index Recheck): ([\d.]+)", plan)
    return sum(float(rows) * int(loops) for rows, loops in scans) + sum(map(float, thrown))


_CONTACTS = """
insert into contacts (workspace_id, id, first_name, tag_ids, fields, version, created_at, updated_at)
select $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Jane', '{}', '{}', $2, $3,
       now() - n * interval '1 minute'
  from generate_series(1, 1000) n
"""
_EVENTS = """
insert into contact_events (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
select workspace_id, id, n, gen_random_uuid(), 'contact.updated',
       updated_at - ($2 - n) * interval '4 weeks', 'system', 'api', '{}'
  from contacts, generate_series(1, $2) n
 where workspace_id = $1
"""
CONTACT = "00000000-0000-7000-8000-000000000007"


@pytest.fixture(scope="module")
def old(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """Three years of history: a thousand contacts, each changed every four weeks."""
    with ExitStack() as stack:
        beside = stack.enter_context(sql_at(database_url))
        name = f"contactory_old_{secrets.token_hex(4)}"
        beside.execute(f"create database {name} template template0")
        stack.callback(beside.execute, f"drop database {name}")
        sql = stack.enter_context(sql_at(named(database_url, name)))
        sql.run(migrate(sql.conn))
        make_past(sql, MONTHS)
        log = tmp_path_factory.mktemp("old") / "server.log"
        server = stack.enter_context(running(log, database_url=sql.url))
        world = World(sql, stack.enter_context(client_of(server)))
        sql.execute(_CONTACTS, world.acme, EVENTS, datetime.now(UTC) - timedelta(days=1150))
        sql.execute(_EVENTS, world.acme, EVENTS)
        sql.execute("vacuum analyze")
        yield world


def plan_of(world: World, read: Callable[[Any], Any]) -> str:
    """How what is read of the events is executed."""
    conn = Explained(world.sql.conn)
    world.sql.run(read(conn))
    [plan] = conn.plans
    return plan


def listed(world: World, sort: str, *wanted: Compare) -> str:
    async def read(conn: Any) -> None:
        catalog = await read_catalog(conn, world.acme)
        assert catalog
        page = await list_contacts(conn, catalog, And(wanted), sort, 20, 0, None)
        assert len(page.rows) == 20

    return plan_of(world, read)


TODAY_AND_AHEAD = 6
"""This month, the one before where it has just begun, and those to come."""


def test_lists_by_change_go_to_the_months_that_can_matter(old: World) -> None:
    today = datetime.now(UTC) - timedelta(hours=20)
    for sort in ("-updatedAt", "updatedAt", "createdAt"):
        plan = listed(old, sort, Compare("updatedAt", "after", today))
        assert len(touched(plan)) <= TODAY_AND_AHEAD, plan
    # Without a bound too: the newest month fills the page, and no event has a later one.
    plan = listed(old, "-updatedAt")
    assert len(touched(plan)) <= TODAY_AND_AHEAD, plan
    assert rows_read(plan) < 200, plan


def test_a_history_reads_what_it_shows_and_no_more(old: World) -> None:
    async def first(conn: Any) -> None:
        events, following = await history(conn, old.acme, CONTACT, 10, None)
        assert len(events) == 10
        assert following
        assert following.at == events[-1].at

    plan = plan_of(old, first)
    assert rows_read(plan) <= MONTHS + 20, plan

    async def last(conn: Any) -> None:
        back = EventCursor(4, datetime.now(UTC) - timedelta(days=1000))
        events, following = await history(conn, old.acme, CONTACT, 10, back)
        assert (len(events), following) == (3, None)

    plan = plan_of(old, last)
    assert len(touched(plan)) <= 8, plan


def test_a_history_is_walked_through_all_months(old: World) -> None:
    page = old.alice.history(CONTACT, limit=7)
    found = page.json()
    while "next" in page.links:
        page = old.alice.get(page.links["next"]["url"])
        found += page.json()
    moments = [datetime.fromisoformat(event["at"]) for event in found]
    assert len(moments) == EVENTS
    assert moments == sorted(moments, reverse=True)
    # A cursor of a release that did not know the months.
    assert [event["id"] for event in old.alice.history(CONTACT, cursor="11").json()] == [
        event["id"] for event in found[-10:]
    ]


def test_the_latest_changes_of_a_workspace_are_read_from_the_latest_month(old: World) -> None:
    class All(Explained):
        async def fetch(self, query: str, *args: Any) -> Any:
            return await super().fetch(
                query.replace("from contact_events\n", "from contact_events e\n"), *args
            )

    conn = All(old.sql.conn)
    assert old.sql.run(recent(conn, old.acme, 5, deleted_too=False))  # pyright: ignore[reportArgumentType]
    # The first statement finds the latest changes; another one counts the simultaneous ones of a run.
    assert len(touched(conn.plans[0])) <= TODAY_AND_AHEAD, conn.plans[0]


def test_a_change_is_written_to_its_month_alone(old: World) -> None:
    """In blocks: what it reads and writes does not depend on how many months there are."""

    def blocks(world: World) -> int:
        contact = world.alice.made(firstName="Jane")
        sizes: list[int] = []
        for name in ("June", "Jean", "Joan"):
            document = a_change(world, contact["id"], name, datetime.now(UTC))
            explained = f"explain (analyze, buffers, format json) {statement.SHORT}"
            plan = world.sql.value(explained, document, *LIMITS)
            sizes.append(int(re.findall(r'"Shared Hit Blocks": (\d+)', plan)[0]))
        return min(sizes)

    many = blocks(old)
    for row in old.sql.fetch(
        """select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'contact_events'::regclass and c.relname ~ 'contact_events_20(1|2[0-5])'"""
    ):
        old.sql.execute(f"drop table {row[0]}")
    assert many <= blocks(old) + 3
