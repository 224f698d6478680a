"""What was asked for, what was acknowledged, and whether the database agrees with both.

Operation N sets a contact's first name and one custom field to N, and adds a tag that N determines. Whatever
happened in between, it must be in the database whole or not at all, and once at most; and it must be there,
as the version that the answer named, if it was acknowledged.
"""

from collections import defaultdict
from typing import Any, NamedTuple

import msgspec

from contactory.database.db import Connection
from tests.servers import sql_at

NEW_TAG_EVERY = 32
SHARED_TAGS = 64


class Operation(NamedTuple):
    """What one request asked for."""

    number: int
    contact_id: str
    field: str

    @property
    def tag(self) -> str:
        """Now and then one that has to be made, which takes another path through the code."""
        made = self.number % NEW_TAG_EVERY == 0
        return f"own {self.number}" if made else f"shared {self.number % SHARED_TAGS}"

    @property
    def body(self) -> dict[str, Any]:
        value = str(self.number)
        return {"firstName": value, "customFields": {self.field: value}, "tags": [self.tag]}


class Place(NamedTuple):
    """Where in the history an operation is."""

    contact_id: str
    version: int


class Ledger:
    """The operations of one test, by their numbers."""

    def __init__(self) -> None:
        self.asked: list[Operation] = []
        self.acknowledged: dict[int, Place] = {}

    def ask(self, contact_id: str, field: str) -> Operation:
        """A new operation, about to be sent."""
        operation = Operation(len(self.asked), contact_id, field)
        self.asked.append(operation)
        return operation

    def acknowledge(self, operation: Operation, version: int) -> None:
        """The operation was answered with success."""
        self.acknowledged[operation.number] = Place(operation.contact_id, version)

    def audit(self, url: str, workspace_id: str) -> "Audit":
        """What the database says of them; requests may go on in the meantime."""
        acknowledged = dict(self.acknowledged)
        with sql_at(url) as sql:
            snapshot = sql.run(_snapshot(sql.conn, workspace_id))
        return Audit(self.asked, acknowledged, snapshot)


class _Snapshot(NamedTuple):
    contacts: list[Any]
    events: list[Any]
    tags: dict[int, str]
    fields: dict[str, str]


async def _snapshot(conn: Any, workspace_id: str) -> _Snapshot:
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        return await _read(conn, workspace_id)


async def _read(conn: Connection, workspace_id: str) -> _Snapshot:
    contacts = "select id::text, version, first_name, tag_ids, fields from contacts where workspace_id = $1"
    events = """select contact_id::text, version, type, changes from contact_events where workspace_id = $1
                 order by contact_id, version"""
    tags = "select id, name from tags where workspace_id = $1"
    fields = "select num::text, name from custom_fields where workspace_id = $1"
    return _Snapshot(
        await conn.fetch(contacts, workspace_id),
        await conn.fetch(events, workspace_id),
        {row["id"]: row["name"] for row in await conn.fetch(tags, workspace_id)},
        {row["num"]: row["name"] for row in await conn.fetch(fields, workspace_id)},
    )


class Audit:
    """Compares operations with the database."""

    def __init__(self, asked: list[Operation], acknowledged: dict[int, Place], snapshot: _Snapshot) -> None:
        self._asked = asked
        self._snapshot = snapshot
        self._tag_ids = {name: tag_id for tag_id, name in snapshot.tags.items()}
        self.found: dict[int, Place] = {}
        """Where each operation is that was kept."""
        self.faults: list[str] = []
        """Everything that does not agree."""
        self._compare_contacts()
        self._compare_operations(acknowledged)

    def _compare_contacts(self) -> None:
        histories: defaultdict[str, list[Any]] = defaultdict(list)
        for event in self._snapshot.events:
            histories[event["contact_id"]].append(event)
        for row in self._snapshot.contacts:
            self._replay(row, histories[row["id"]])

    def _compare_operations(self, acknowledged: dict[int, Place]) -> None:
        for number, place in acknowledged.items():
            found = self.found.get(number)
            if found != place:
                self.faults.append(f"lost: operation {number} was acknowledged as {place} and is {found}")
        for name in self._tag_ids:
            kind, _, number = name.partition(" ")
            if kind == "own" and int(number) not in self.found:
                self.faults.append(f"half: tag {name!r} is there without its operation")

    def _replay(self, row: Any, events: list[Any]) -> None:
        """The history, from the first event on, must lead to the contact as it is."""
        state: dict[str, Any] = {"firstName": None, "tags": []}
        for version, event in enumerate(events, 1):
            place = Place(row["id"], version)
            if event["version"] != version:
                self.faults.append(f"gap: {place} is missing in the history")
                return
            changes = msgspec.json.decode(event["changes"])
            self._step(place, state, changes)
            if event["type"] == "contact.updated":
                self._find(place, state, changes)
        kept = {f"custom {num}": value for num, value in msgspec.json.decode(row["fields"]).items()}
        is_now = {"firstName": row["first_name"], "tags": row["tag_ids"], **kept}
        if is_now != state or row["version"] != len(events):
            self.faults.append(f"row: {row['id']} at {row['version']} is {is_now}, its history says {state}")

    def _step(self, place: Place, state: dict[str, Any], changes: dict[str, Any]) -> None:
        pairs = {name: pair for name, pair in changes.items() if name != "customFields"}
        pairs |= {f"custom {num}": pair for num, pair in changes.get("customFields", {}).items()}
        for name, (before, after) in pairs.items():
            if state.get(name) != before:
                self.faults.append(f"before: {place} says {name} was {before}, and it was {state.get(name)}")
            state[name] = after

    def _find(self, place: Place, state: dict[str, Any], changes: dict[str, Any]) -> None:
        """The event must be one operation, whole, that is nowhere else."""
        number = int(changes["firstName"][1])
        operation = self._asked[number]
        written = {self._snapshot.fields[num]: after for num, (_, after) in changes["customFields"].items()}
        if (
            place.contact_id != operation.contact_id
            or written != {operation.field: str(number)}
            or self._tag_ids.get(operation.tag) not in state["tags"]
            or not changes.keys() <= {"firstName", "customFields", "tags"}
        ):
            self.faults.append(f"half: {operation} is not whole at {place}: {changes}")
        if number in self.found:
            self.faults.append(f"twice: {operation} is at {self.found[number]} and at {place}")
        self.found[number] = place
