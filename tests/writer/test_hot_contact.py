"""Many clients at one contact: nothing is lost, nothing goes back in time, nothing deadlocks."""

import random
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.durability.client import HttpConnection
from tests.servers import Server, Sql, running
from tests.world import World
from tests.writer.traffic import scaled, swarm

pytestmark = pytest.mark.timeout(scaled(60, 900))
CLIENTS = 64
PATCHES = scaled(25, 200)
HOT = 50
CROWD = 128
SECONDS = scaled(5, 60)


def test_each_client_sees_its_own_value_and_none_is_lost(world: World, crew: Server) -> None:
    for number in range(CLIENTS):
        world.field(f"Client {number}")
    contact_id = world.alice.made()["id"]

    async def client(number: int, http: HttpConnection) -> None:
        name = f"Client {number}"
        for step in range(PATCHES):
            answer = await http.request(
                "PATCH", f"/v1/contacts/{contact_id}", {"customFields": {name: str(step)}}
            )
            assert answer.status == 200, answer
            assert answer.json["customFields"][name] == str(step)

    swarm(crew.port, world.alice.key, CLIENTS, client)
    answer = world.alice.fetch(contact_id)
    last = str(PATCHES - 1)
    assert answer.json()["customFields"] == {f"Client {number}": last for number in range(CLIENTS)}
    assert answer.headers["etag"] == f'"{1 + CLIENTS * PATCHES}"'


class Access(NamedTuple):
    """One read or write of the field that all share: what was seen, at which version, and when."""

    writes: bool
    begun: float
    ended: float
    version: int
    value: str | None


def test_one_field_that_all_write_is_a_linearisable_register(world: World, crew: Server) -> None:
    contact_id = world.alice.made()["id"]
    path = f"/v1/contacts/{contact_id}"

    async def client(number: int, http: HttpConnection) -> list[Access]:
        seen: list[Access] = []
        for step in range(PATCHES):
            writes = (number + step) % 3 > 0
            begun = time.monotonic()
            body = {"firstName": f"{number} {step}"}
            answer = await (http.request("PATCH", path, body) if writes else http.request("GET", path))
            assert answer.status == 200, answer
            value = answer.json["firstName"]
            assert not writes or value == body["firstName"]
            seen.append(Access(writes, begun, time.monotonic(), answer.version, value))
        return seen

    accesses = [access for seen in swarm(crew.port, world.alice.key, CLIENTS, client) for access in seen]
    assert_linearisable(accesses, first="Jane")


def assert_linearisable(accesses: list[Access], first: str) -> None:
    """The versions order all accesses as if one came after the other, and no access contradicts the clock."""
    written = {access.version: access.value for access in accesses if access.writes}
    writes = sum(access.writes for access in accesses)
    assert sorted(written) == list(range(2, writes + 2)), "each write has a version of its own"
    for access in accesses:
        assert access.value == written.get(access.version, first), "a read sees what its version wrote"
    ends = sorted(accesses, key=lambda access: access.ended)
    newest = done = 0
    for access in sorted(accesses, key=lambda access: access.begun):
        while ends[done].ended < access.begun:
            newest = max(newest, ends[done].version)
            done += 1
        assert access.version >= newest + access.writes, "what was acknowledged before is seen"


@pytest.mark.parametrize(
    ("accesses", "promise"),
    [
        ([Access(True, 0, 1, 2, "a"), Access(True, 0, 1, 2, "b")], "version of its own"),
        ([Access(True, 0, 1, 2, "a"), Access(False, 2, 3, 1, "Jane")], "acknowledged before"),
        ([Access(True, 0, 1, 2, "a"), Access(False, 2, 3, 2, "Jane")], "what its version wrote"),
        ([Access(True, 0, 1, 3, "a"), Access(True, 2, 3, 2, "b")], "acknowledged before"),
    ],
)
def test_a_history_that_is_not_linearisable_is_found_out(accesses: list[Access], promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        assert_linearisable(accesses, "Jane")


def deadlocks(sql: Sql) -> int:
    """How many there were in connections that are closed by now."""
    return sql.value("select deadlocks from pg_stat_database where datname = current_database()")


@pytest.mark.parametrize(("processes", "writers"), [(1, 16), (4, 4)])
def test_writers_of_the_same_contacts_and_tags_never_deadlock(
    world: World, sql: Sql, database_url: str, tmp_path: Path, processes: int, writers: int
) -> None:
    contacts = [world.alice.made()["id"] for _ in range(HOT)]
    before = deadlocks(sql)

    async def client(number: int, http: HttpConnection) -> int:
        rng = random.Random(number)
        turn = 0
        while time.monotonic() < until:
            # Everybody makes the same new tags, in an order of their own.
            tags = [f"tag {turn // 5} {n}" for n in rng.sample(range(3), 3)] if rng.random() < 0.3 else []
            body = {"firstName": str(rng.random()), "tags": tags}
            answer = await http.request("PATCH", f"/v1/contacts/{rng.choice(contacts)}", body)
            assert answer.status == 200, answer
            turn += 1
        return turn

    settings = {"database_url": database_url, "workers": processes, "writers": writers}
    with running(tmp_path / "server.log", **settings) as server:
        until = time.monotonic() + SECONDS
        turns = swarm(server.port, world.alice.key, CROWD, client)
    assert sum(turns) > 10 * CROWD
    assert deadlocks(sql) == before
