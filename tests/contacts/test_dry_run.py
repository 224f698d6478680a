"""?dryRun=true: everything is checked, the would-be answer is given, and nothing is kept."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.world import World, a_phone, an_email, pointers

UNKNOWN = {"id", "createdAt", "updatedAt"}
Tried = Callable[[World, dict[str, Any], dict[str, Any]], httpx.Response]
WRITES: dict[str, Tried] = {
    "create": lambda w, c, how: w.wendy.create(
        {"firstName": "New", "tags": ["fresh"], "email": "new@example.com"}, **how
    ),
    "patch": lambda w, c, how: w.wendy.patch(
        c["id"], {"firstName": "June", "tags": ["fresh"], "customFields": {"A": 1}}, **how
    ),
    "upsert of one that is there": lambda w, c, how: w.wendy.upsert(
        {"phone": c["phone"], "firstName": "June"}, **how
    ),
    "upsert of one that is not": lambda w, c, how: w.wendy.upsert(
        {"phone": "+442071234567", "tags": ["fresh"]}, **how
    ),
    "delete": lambda w, c, how: w.wendy.remove(c["id"], **how),
    "purge": lambda w, c, how: w.alice.remove(c["id"], purge=True, **how),
    "set tags": lambda w, c, how: w.wendy.set_tags(c["id"], ["fresh"], **how),
    "remove tag": lambda w, c, how: w.wendy.delete(f"/v1/contacts/{c['id']}/tags/vip", **how),
}


def stored(world: World) -> list[str]:
    """All that is stored of Acme's workspace."""
    return [
        row[0]
        for table in ("contacts", "contact_events", "tags")
        for row in world.sql.fetch(
            f"select to_jsonb(t)::text from {table} t where workspace_id = $1 order by 1", world.acme
        )
    ]


def comparable(answer: httpx.Response) -> Any:
    if not answer.content:
        return answer.status_code
    return (
        answer.status_code,
        {k: v for k, v in answer.json().items() if k not in UNKNOWN},
        answer.headers.get("etag"),
    )


@pytest.mark.parametrize("name", WRITES)
def test_the_answer_is_the_one_that_would_be_given_and_nothing_is_kept(world: World, name: str) -> None:
    world.field("A")
    contact = world.alice.made(phone=a_phone(), tags=["vip"])
    before = stored(world)
    tried = WRITES[name](world, contact, {"dryRun": True})
    assert tried.headers["x-dry-run"] == "true"
    assert stored(world) == before
    done = WRITES[name](world, contact, {})
    assert "x-dry-run" not in done.headers
    assert comparable(tried) == comparable(done)
    assert stored(world) != before


def test_restoring_can_be_tried(world: World) -> None:
    contact = world.alice.made()
    world.alice.remove(contact["id"])
    before = stored(world)
    tried = world.wendy.restore(contact["id"], dryRun=True)
    assert (tried.status_code, tried.headers["x-dry-run"]) == (200, "true")
    assert stored(world) == before


def test_everything_is_checked(world: World) -> None:
    contact, other = world.alice.made(), world.alice.made(email="jane@example.com")
    wrong = world.alice.patch(contact["id"], {"firstName": 5, "customFields": {"Nope": 1}}, dryRun=True)
    assert set(pointers(wrong)) == {"/firstName", "/customFields/Nope"}
    taken = world.alice.patch(contact["id"], {"email": "JANE@example.com"}, dryRun=True)
    assert (taken.status_code, taken.json()["errors"][0]["contactId"]) == (409, other["id"])
    stale = world.alice.patch(contact["id"], {"firstName": "J"}, dryRun=True, headers={"if-match": '"5"'})
    assert stale.status_code == 412
    assert world.bob.patch(contact["id"], {"firstName": "J"}, dryRun=True).status_code == 403
    assert world.carol.patch(contact["id"], {"firstName": "J"}, dryRun=True).status_code == 404
    assert world.wendy.remove(contact["id"], purge=True, dryRun=True).status_code == 403


def test_a_problem_of_a_dry_run_says_that_it_was_one(world: World) -> None:
    contact = world.alice.made()
    refused = world.alice.patch(contact["id"], {"firstName": 5}, dryRun=True)
    assert (refused.status_code, refused.headers.get("x-dry-run")) == (400, "true")


def test_dry_run_false_is_no_dry_run(world: World) -> None:
    contact = world.alice.made()
    answer = world.alice.patch(contact["id"], {"firstName": "June"}, dryRun=False)
    assert "x-dry-run" not in answer.headers
    assert world.alice.read(contact["id"])["firstName"] == "June"


@pytest.mark.parametrize("wrong", ["yes", "2", "on"])
def test_dry_run_is_true_or_false(world: World, wrong: str) -> None:
    refused = world.alice.create({"firstName": "Jane"}, dryRun=wrong)
    assert list(pointers(refused)) == ["dryRun"]
    assert world.alice.list().json() == []


def test_a_read_knows_no_dry_run(world: World) -> None:
    assert list(pointers(world.alice.list(dryRun=True))) == ["dryRun"]


def test_a_dry_run_that_names_a_new_tag_leaves_other_processes_alone(world: World) -> None:
    """A tag that was never kept must not be remembered by the process that tried it."""
    contact = world.alice.made()
    tried = world.alice.patch(contact["id"], {"tags": ["never kept"]}, dryRun=True)
    assert tried.json()["tags"] == ["never kept"]
    assert world.alice.list(tag="never kept").json() == []
    done = world.alice.patch(contact["id"], {"tags": ["never kept"]})
    assert done.json()["tags"] == ["never kept"]
    assert world.alice.read(contact["id"])["tags"] == ["never kept"]
    assert world.alice.made(email=an_email(), tags=["never kept"])["tags"] == ["never kept"]
