"""A change that has to be refused costs those that share its batch nothing."""

import asyncio
import random
from collections import Counter
from collections.abc import Generator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.durability.client import Answer, HttpConnection
from tests.servers import Server
from tests.waiting import until
from tests.world import World, a_phone
from tests.writer.traffic import BatchSizes, connections, scaled, swarm

pytestmark = pytest.mark.timeout(scaled(60, 900))
SIZE = 32
ROUNDS = scaled(60, 1_000)
CHANCE = random.Random(32)


async def rounds(port: int, key: str, contacts: list[str], poison: dict[str, Any]) -> list[list[Answer]]:
    """The answers to ROUNDS times SIZE concurrent changes, of which that of the first contact is poisoned."""

    def body(number: int, contact: int) -> dict[str, Any]:
        return poison if contact == 0 else {"firstName": f"Round {number}"}

    async with AsyncExitStack() as stack:
        clients = await connections(stack, port, key, SIZE)
        answers: list[list[Answer]] = []
        for number in range(ROUNDS):
            CHANCE.shuffle(clients)
            work = [
                client.request("PATCH", f"/v1/contacts/{contact_id}", body(number, contact))
                for contact, (client, contact_id) in enumerate(zip(clients, contacts, strict=True))
            ]
            # Gathered in another order each time, so that the poison is not always the first to arrive.
            order = CHANCE.sample(range(SIZE), SIZE)
            given = await asyncio.gather(*(work[contact] for contact in order))
            answers.append([given[order.index(contact)] for contact in range(SIZE)])
        return answers


def test_one_clash_in_each_batch_is_refused_and_nothing_else(world: World, crew: Server) -> None:
    taken = a_phone()
    owner = world.alice.made(phone=taken)
    contacts = [world.alice.made()["id"] for _ in range(SIZE)]
    before = BatchSizes.of(crew.url)
    poison = {"firstName": "Poisoned", "phone": taken}
    answers = asyncio.run(rounds(crew.port, world.alice.key, contacts, poison))

    statuses = Counter(answer.status for each in answers for answer in each)
    assert statuses == {409: ROUNDS, 200: ROUNDS * (SIZE - 1)}
    assert all(each[0].status == 409 for each in answers)
    assert {each[0].json["errors"][0]["contactId"] for each in answers} == {owner["id"]}
    for number, each in enumerate(answers):
        assert {answer.json["firstName"] for answer in each[1:]} == {f"Round {number}"}
        assert {answer.version for answer in each[1:]} == {number + 2}
    assert world.alice.read(contacts[0])["firstName"] == "Jane", "nothing of the refused change was kept"

    # A change that is counted twice was in a batch with the poison, and then written alone. Each process
    # tells the others of its numbers twice a second.
    until(lambda: BatchSizes.of(crew.url).since(before).changes - ROUNDS * SIZE >= ROUNDS * 3)


@pytest.fixture
def _oddity(world: World) -> Generator[None]:
    """The database refuses a value that we know nothing of."""
    world.sql.execute("alter table contacts add constraint odd check (first_name <> 'Odd') not valid")
    yield
    world.sql.execute("alter table contacts drop constraint odd")


@pytest.mark.usefixtures("_oddity")
def test_a_change_that_the_database_refuses_unexpectedly_is_refused_alone(world: World, crew: Server) -> None:
    contacts = [world.alice.made()["id"] for _ in range(SIZE)]
    answers = asyncio.run(rounds(crew.port, world.alice.key, contacts, {"firstName": "Odd"}))
    statuses = Counter(answer.status for each in answers for answer in each)
    assert statuses == {500: ROUNDS, 200: ROUNDS * (SIZE - 1)}


@pytest.mark.usefixtures("_oddity")
def test_a_new_contact_that_the_database_refuses_unexpectedly_is_refused_alone(
    world: World, crew: Server
) -> None:
    async def create(number: int, http: HttpConnection) -> int:
        name = "Odd" if number == SIZE // 2 else "Even"
        return (await http.request("POST", "/v1/contacts", {"firstName": name})).status

    for _ in range(5):
        assert Counter(swarm(crew.port, world.alice.key, SIZE, create)) == {500: 1, 201: SIZE - 1}
