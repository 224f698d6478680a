"""Every event is written in one place, in the transaction of its change, and no version has two."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import msgspec
import pytest

from contactory.base.ids import new_id
from contactory.contacts.write import statement
from contactory.database.db import COLLISION
from tests.rules.statements import PACKAGE
from tests.servers import sql_at
from tests.waiting import until_waiting
from tests.world import World

LIMITS = (1000, 100_000)


def test_one_place_writes_events() -> None:
    writes = re.compile(r"(insert\s+into|update|merge\s+into)\s+(only\s+)?contact_events\b", re.IGNORECASE)
    writers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if writes.search(path.read_text("utf-8"))
    }
    assert writers == {"events/record.py"}


def a_change(world: World, contact_id: str, name: str, at: datetime) -> str:
    """What the statement takes."""
    catalog = world.sql.value("select catalog_version from workspaces where id = $1", world.acme)
    change = {
        "workspace_id": world.acme,
        "contact_id": contact_id,
        "mask": statement.FIRST_NAME,
        "catalog_version": catalog,
        "first_name": name,
        "at": at,
        "event_id": new_id(),
        "actor_type": "system",
        "via": "api",
        "request_id": "r",
    }
    return msgspec.json.encode([change]).decode()


EDGE = timedelta(days=40)


@pytest.mark.parametrize("apart_by", [timedelta(0), EDGE], ids=["in one month", "across the edge of a month"])
@pytest.mark.parametrize("other", ["a change", "a purge"])
def test_no_version_has_two_events_even_where_no_row_is_locked(
    world: World, apart_by: timedelta, other: str
) -> None:
    """The mutant without the lock: what remains is the version that an update has to find."""
    mutant = statement.SHORT.replace("for update of c", "")
    assert mutant != statement.SHORT
    contact = world.alice.made(firstName="Jane")
    at = datetime.fromisoformat(contact["updatedAt"]) + timedelta(seconds=1)
    second = a_change(world, contact["id"], "Second", at + apart_by)
    outcome: list[Any] = []

    def change() -> None:
        with sql_at(world.sql.url) as sql:
            try:
                outcome.append(sql.fetch(mutant, second, *LIMITS))
            except COLLISION as error:
                outcome.append(error)

    with sql_at(world.sql.url) as first:
        first.execute("begin")
        first.execute("select 1 from contacts where id = $1 for update", contact["id"])
        waiting = Thread(target=change)
        waiting.start()
        until_waiting(world.sql)
        if other == "a purge":
            first.execute("delete from contacts where id = $1", contact["id"])
            first.execute("delete from contact_events where contact_id = $1", contact["id"])
        else:
            first.fetch(statement.SHORT, a_change(world, contact["id"], "First", at), *LIMITS)
        first.execute("commit")
        waiting.join()
    if other == "a purge":
        assert (
            world.sql.value("select count(*) from contact_events where contact_id = $1", contact["id"]) == 0
        )
        return
    assert isinstance(outcome[0], COLLISION)
    versions = world.sql.fetch(
        "select version, at from contact_events where contact_id = $1 order by 1", contact["id"]
    )
    assert [row["version"] for row in versions] == [1, 2]
    assert world.alice.read(contact["id"])["firstName"] == "First"


def test_a_change_that_waited_for_another_one_is_made_at_the_first_attempt(
    world: World,
) -> None:
    """The row that it finds after the lock is another one than that of its snapshot, and is the right one."""
    contact = world.alice.made(firstName="Jane")
    at = datetime.fromisoformat(contact["updatedAt"]) + timedelta(seconds=1)
    document = a_change(world, contact["id"], "Second", at)
    answers: list[Any] = []

    def change() -> None:
        with sql_at(world.sql.url) as sql:
            answers.extend(sql.fetch(statement.SHORT, document, *LIMITS))

    with sql_at(world.sql.url) as first:
        first.execute("begin")
        first.fetch(statement.SHORT, a_change(world, contact["id"], "First", at), *LIMITS)
        waiting = Thread(target=change)
        waiting.start()
        until_waiting(world.sql)
        first.execute("commit")
        waiting.join()
    assert [(row["verdict"], row["version"]) for row in answers] == [("changed", 3)]


def test_a_change_after_a_day_of_rest_says_when_the_one_before_was(world: World) -> None:
    contact = world.alice.made(firstName="Jane")
    world.alice.patch(contact["id"], {"firstName": "June"})
    world.sql.execute(
        "update contacts set updated_at = updated_at - interval '25 hours' where id = $1", contact["id"]
    )
    before = world.alice.read(contact["id"])["updatedAt"]
    world.alice.patch(contact["id"], {"firstName": "Jean"})
    found = world.sql.fetch(
        "select previous_at from contact_events where contact_id = $1 order by version", contact["id"]
    )
    assert [row[0] for row in found] == [None, None, datetime.fromisoformat(before)]


def columns(world: World, contact_id: str) -> list[tuple[str | None, str | None]]:
    rows = world.sql.fetch(
        """select cause_type, cause_id::text from contact_events where contact_id = $1
            order by version""",
        contact_id,
    )
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("undone", ["a change", "a deletion"])
def test_an_undo_names_what_it_takes_back(world: World, undone: str) -> None:
    olive = world.person()
    contact = world.alice.made(firstName="Jane")
    act: Callable[[], Any] = {
        "a change": lambda: world.alice.patch(contact["id"], {"firstName": "June"}),
        "a deletion": lambda: world.alice.remove(contact["id"]),
    }[undone]
    act()
    [event, *_] = world.alice.history(contact["id"], include="deleted").json()
    done = olive.post(f"/w/{world.acme}/contacts/{contact['id']}/undo", {"version": "2"})
    assert done.status_code == 303, done.text
    newest, *others = world.alice.history(contact["id"]).json()
    assert newest["cause"] == {"type": "undo", "id": event["id"]}
    assert not any("cause" in event for event in others)
    assert columns(world, contact["id"]) == [(None, None), (None, None), ("undo", event["id"])]
