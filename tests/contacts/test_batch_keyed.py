"""POST /v1/contacts/batch in one transaction: with an Idempotency-Key, or as a dry run."""

import random
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.servers import Server
from tests.statements import counted
from tests.world import Caller, World, at_once
from tests.yardstick import times

BATCHES = 160
PHONES = [f"+4420794600{n:02}" for n in range(9)]
EMAILS = [f"{name}@example.com" for name in ("ann", "bob", "cid", "dan", "eve", "fay")]
TAGS = ["a", "b", "c", "ü"]
NOWHERE = "0192f000-0000-7000-8000-000000000000"
APART = ("id", "workspaceId", "createdAt", "updatedAt", "instance", "requestId", "contactId")
"""What differs between twins."""


def key() -> dict[str, str]:
    return {"idempotency-key": secrets.token_hex()}


def statuses(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [result["status"] for result in answer.json()["results"]]


class Twins:
    """Two workspaces that are alike: one is sent plain batches, and the other batches with a key."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self.plain, self.keyed = (world.caller(world.workspace(n, country="GB")) for n in ("One", "Two"))
        for caller in (self.plain, self.keyed):
            for name, kind in (("Size", "text"), ("MRR", "number")):
                world.field(name, kind, workspace_id=caller.workspace_id)
        self.pairs: list[tuple[str, str]] = [(NOWHERE, NOWHERE)]

    def data(self, number: int) -> dict[str, Any]:
        """Values of which some clash, some are new, and few are not valid."""
        rng = self.rng
        data: dict[str, Any] = {"firstName": f"N{number}"} if rng.random() < 0.7 else {}
        if rng.random() < 0.5:
            data["phone"] = rng.choice([*PHONES, f"0{PHONES[0][3:]}", None, "no phone"])
        if rng.random() < 0.5:
            data["email"] = rng.choice([*EMAILS, EMAILS[0].upper(), None, ""])
        if rng.random() < 0.4:
            data["tags"] = rng.sample([*TAGS, f"new {rng.randrange(12)}"], 2)
        if rng.random() < 0.3:
            data["customFields"] = rng.choice(
                [{"Size": "L"}, {"MRR": number}, {"MRR": "much"}, {"Size": None, "MRR": 5}, {"Sise": "L"}]
            )
        if rng.random() < 0.2:
            data["consent"] = {"sms": {"status": rng.choice(["granted", "denied", "unknown"])}}
        return data

    def operation(self, number: int) -> list[dict[str, Any]]:
        """One operation, as it is sent to each twin."""
        kind = self.rng.choice(["create", "create", "upsert", "upsert", "update", "update", "delete"])
        data = self.data(number)
        if kind in ("create", "upsert"):
            if kind == "upsert" and self.rng.random() < 0.3:
                data["preserveExisting"] = True
            return [{"op": kind, "data": data}] * 2
        rest: dict[str, Any] = {} if kind == "delete" else {"data": data}
        if self.rng.random() < 0.2:
            rest["ifMatch"] = self.rng.randrange(1, 4)
        return [{"op": kind, "id": contact_id, **rest} for contact_id in self.rng.choice(self.pairs)]

    def compare(self, size: int) -> None:
        """The same becomes of each operation, tried or done, and of all contacts."""
        one, other = zip(*(self.operation(number) for number in range(size)), strict=True)
        before = self.stored(1)
        tried = self.keyed.batch(*other, dryRun=True)
        assert self.stored(1) == before
        done = self.keyed.batch(*other, headers=key())
        plain = self.plain.batch(*one)
        assert self.seen(plain) == self.seen(done), one
        assert self.seen(plain) == self.seen(tried), one
        for mine, theirs in zip(plain.json()["results"], done.json()["results"], strict=True):
            if mine["status"] == 201:
                self.pairs.append((mine["contact"]["id"], theirs["contact"]["id"]))
        assert self.stored(0) == self.stored(1), one

    def seen(self, answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return without(answer.json()["results"])

    def stored(self, side: int) -> list[Any]:
        """Every contact, in the order of the pairs."""
        caller = (self.plain, self.keyed)[side]
        found = {c["id"]: c for c in caller.list(limit=1000, include="version").json()}
        return [len(found), *(without(found.get(pair[side])) for pair in self.pairs)]

    def histories(self, side: int) -> list[Any]:
        """The history of every contact that was made, in the order of the pairs."""
        caller = (self.plain, self.keyed)[side]
        events = [caller.history(pair[side], limit=1000, include="deleted") for pair in self.pairs[1:]]
        return [[(event["type"], without(event["changes"])) for event in each.json()] for each in events]


def without(value: Any) -> Any:
    """A value without what differs between twins, and without the times of a consent."""
    if isinstance(value, dict):
        return {name: without(inner) for name, inner in value.items() if name not in (*APART, "at")}
    return [without(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.timeout(240)
def test_a_batch_with_a_key_and_a_dry_run_do_what_a_plain_batch_does(world: World) -> None:
    rng = random.Random(13)
    for _ in range(8):
        twins = Twins(world, rng)
        for number in range(BATCHES // 8):
            twins.compare(rng.choice((2, 5, 9, 30)) if number else 12)
        assert twins.histories(0) == twins.histories(1)


def mixed(contacts: Iterable[str], first: int, count: int) -> list[dict[str, Any]]:
    """Updates, upserts of contacts that exist and of new ones, and creations."""
    operations: list[dict[str, Any]] = []
    for number, contact_id in zip(range(count), contacts, strict=False):
        operations += [
            {"op": "update", "id": contact_id, "data": {"firstName": f"A{first}", "tags": ["x"]}},
            {"op": "create", "data": {"email": f"c{first + number}@example.com"}},
            {"op": "upsert", "data": {"email": f"u{number}@example.com", "lastName": f"B{first}"}},
        ]
    return operations


@pytest.mark.parametrize("how", ["with a key", "as a dry run"])
def test_a_batch_in_one_transaction_takes_few_statements(
    how: str,
    world: World,
    database_url: str,
    private_server: Callable[..., httpx.Client],
) -> None:
    contacts = [world.alice.made()["id"] for _ in range(100)]
    with counted(database_url) as statements:
        alice = world.alice.at(private_server(database_url=statements.url))
        more: dict[str, Any] = {"dryRun": True} if how == "as a dry run" else {"headers": key()}
        alice.batch(*mixed(contacts, 0, 100), headers=key())
        before = statements.since()
        answer = alice.batch(*mixed(contacts, 1000, 100), **more)
        assert set(statuses(answer)) == {200, 201}
        assert statements.since(before).total() < 60, statements.since(before)


def test_a_batch_with_a_key_costs_the_server_little_more_than_one_without(
    world: World, server: Server
) -> None:
    contacts = [world.alice.made()["id"] for _ in range(250)]
    operations = [
        {"op": "update", "id": each, "data": {"firstName": f"{n}"}} for n in range(4) for each in contacts
    ]
    ratio = times(
        lambda: world.alice.batch(*operations, headers=key()),
        lambda: world.alice.batch(*operations),
        clock=server.processor_seconds,
        rounds=3,
    )
    assert ratio < 2


def test_a_refusal_among_many_refuses_only_itself(world: World) -> None:
    taken = world.alice.made(phone=PHONES[0], email=EMAILS[0])
    contacts = [world.alice.made()["id"] for _ in range(200)]
    operations: list[dict[str, Any]] = [
        {"op": "update", "id": each, "data": {"lastName": "Doe", "tags": [f"t{n}"]}}
        for n, each in enumerate(contacts)
    ]
    operations[50]["data"]["phone"] = PHONES[0]
    operations[120]["id"] = NOWHERE
    operations.append({"op": "create", "data": {"email": EMAILS[0], "tags": ["late"]}})
    answer = world.alice.batch(*operations, headers=key())
    expected = [200] * 200 + [409]
    expected[50], expected[120] = 409, 404
    assert statuses(answer) == expected
    results = answer.json()["results"]
    assert {r["problem"]["errors"][0]["contactId"] for r in (results[50], results[200])} == {taken["id"]}
    assert world.alice.read(contacts[50])["lastName"] is None
    names = {tag["name"] for tag in world.alice.get("/v1/tags?limit=1000").json()}
    assert names == {f"t{n}" for n in range(200)} - {"t50", "t120"}


def creations(addresses: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """A creation for each number of a phone and number of an e-mail."""
    return [
        {"op": "create", "data": {"phone": f"+44207946{phone:04}", "email": f"p{email}@example.com"}}
        for phone, email in addresses
    ]


SAME = creations((n, n) for n in range(400))


@pytest.mark.parametrize(
    "others",
    [creations((n, n) for n in reversed(range(400))), creations((n + 400, 399 - n) for n in range(400))],
    ids=["in another order", "with other phones"],
)
def test_batches_that_create_the_same_addresses_both_come_to_an_end(
    world: World, others: list[dict[str, Any]]
) -> None:
    for _ in range(3):
        world.sql.execute("delete from contacts where workspace_id = $1", world.acme)
        answers = at_once(
            lambda: world.alice.batch(*SAME, headers=key()),
            lambda: world.wendy.batch(*others, headers=key()),
            lambda: world.alice.batch(*SAME, headers=key()),
            lambda: world.wendy.batch(*others, headers=key()),
        )
        found = [status for answer in answers for status in statuses(answer)]
        assert sorted(found) == [201] * 400 + [409] * 1200


def test_plain_writes_beside_a_batch_with_a_key_are_not_lost(world: World) -> None:
    """A PATCH between the look-up of a batch and its locks may give a contact another phone."""
    contacts = [world.alice.made(phone=phone)["id"] for phone in PHONES]

    def exchange(caller: Caller) -> set[int]:
        found: set[int] = set()
        for number in range(20):
            spare = f"+4420794610{number % 9:02}"
            contact = contacts[number % 9]
            found.add(caller.patch(contact, {"phone": spare, "lastName": f"P{number}"}).status_code)
            found.add(caller.patch(contact, {"phone": PHONES[number % 9]}).status_code)
        return found

    def batches(caller: Caller) -> set[int]:
        found: set[int] = set()
        for number in range(20):
            operations = [{"op": "upsert", "data": {"phone": p, "firstName": f"{number}"}} for p in PHONES]
            operations += [{"op": "update", "id": c, "data": {"tags": [f"t{number}"]}} for c in contacts]
            found |= set(statuses(caller.batch(*operations, headers=key())))
        return found

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(exchange, world.alice), pool.submit(batches, world.wendy)
        assert one.result() <= {200, 409}
        assert other.result() <= {200, 201}
    assert {len(world.alice.read(each)["tags"]) for each in contacts} == {20}
