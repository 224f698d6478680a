"""The catalogue of a workspace: when a process reads it, by the statements that it runs."""

from collections import Counter
from collections.abc import Callable, Generator
from functools import partial

import httpx
import pytest

from tests.statements import Statements, counted
from tests.world import Caller, World, at_once

TIMES = 20
TAGS = 9_000


@pytest.fixture
def statements(database_url: str) -> Generator[Statements]:
    with counted(database_url) as statements:
        yield statements


@pytest.fixture
def alice(world: World, statements: Statements, private_server: Callable[..., httpx.Client]) -> Caller:
    """Alice at a process whose statements are counted, in a workspace with many tags."""
    world.sql.execute(
        """insert into tags (workspace_id, name, created_at)
           select $1, 'tag ' || n, now() from generate_series(1, $2::int) n""",
        world.acme,
        TAGS,
    )
    world.field("Plan")
    alice = world.alice.at(private_server(database_url=statements.url))
    alice.made(customFields={"Plan": "Pro"})
    return alice


def catalogues(statements: Counter[str]) -> int:
    """How often all tags of a workspace were read."""
    return sum(count for text, count in statements.items() if "from tags t\n where t.workspace_id" in text)


def test_a_request_that_is_refused_does_not_read_the_catalogue(alice: Caller, statements: Statements) -> None:
    contact_id = alice.made()["id"]
    before = statements.since()
    refused: list[httpx.Response] = []
    for _ in range(TIMES):
        refused += [
            alice.patch(contact_id, {"customFields": {"Plam": "Pro"}}),
            alice.create({"firstName": 5}),
            alice.upsert({"lastName": "Doe"}),
            alice.patch(contact_id, {"email": "x"}, headers={"idempotency-key": f"{len(refused)}"}),
            alice.create({"email": "x"}, dryRun=True),
            alice.get("/v1/availability", phone="x", channel="call"),
        ]
    batch = alice.batch(*({"op": "create", "data": {"customFields": {"Plam": "x"}}} for _ in range(TIMES)))
    assert {answer.status_code for answer in refused} == {400}
    assert {result["status"] for result in batch.json()["results"]} == {400}
    assert catalogues(statements.since(before)) == 0


def test_a_keyed_request_does_not_read_the_catalogue(alice: Caller, statements: Statements) -> None:
    contact_id = alice.made()["id"]
    before = statements.since()
    for number in range(TIMES):
        key = {"idempotency-key": f"{number}"}
        answer = alice.patch(contact_id, {"tags": ["tag 7", f"new {number}"]}, headers=key)
        assert answer.json()["tags"] == sorted([*(f"new {n}" for n in range(number + 1)), "tag 7"])
    assert catalogues(statements.since(before)) == 0


def test_those_who_wait_for_a_changed_catalogue_share_its_reading(
    world: World, alice: Caller, statements: Statements
) -> None:
    contact_id = alice.made()["id"]
    for number in range(3):
        before = statements.since()
        world.field(f"Field {number}")  # Behind the back of the process, which finds out by refusing it.
        changes = {"customFields": {f"Field {number}": "x"}}
        answers = at_once(*[partial(alice.patch, contact_id, changes)] * TIMES)
        assert [answer.status_code for answer in answers] == [200] * TIMES
        assert catalogues(statements.since(before)) <= 3


def test_a_tag_of_a_dry_run_is_not_known_afterwards(alice: Caller) -> None:
    contact_id = alice.made()["id"]
    assert alice.patch(contact_id, {"tags": ["fresh"]}, dryRun=True).json()["tags"] == ["fresh"]
    assert alice.patch(contact_id, {"tags": ["fresh"]}).json()["tags"] == ["fresh"]
    assert alice.get("/v1/tags", q="fresh").json()[0]["contactCount"] == 1
