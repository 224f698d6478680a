"""DELETE /v1/contacts/{id}, with and without purge, and POST /v1/contacts/{id}/restore."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.world import Caller, World, an_email

PHONE, FORMER_PHONE = "+14155551234", "+14155554321"
KEYED, OTHER_KEY = {"idempotency-key": "refused"}, {"idempotency-key": "of another"}


def is_stored(world: World, word: str) -> bool:
    """Whether any row of any table has the word, in whatever case."""
    tables = world.sql.fetch("select tablename from pg_tables where schemaname = 'public'")
    places = [f"select to_jsonb(t)::text as text from {table} t" for (table,) in tables]
    places.append("select convert_from(body, 'UTF8') from kept_answers where body is not null")
    return any(
        world.sql.value(f"select exists (select from ({place}) x (text) where text ilike $1)", f"%{word}%")
        for place in places
    )


def test_a_deleted_contact_is_gone(world: World) -> None:
    made = world.alice.made(phone=PHONE)
    answer = world.wendy.remove(made["id"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert world.alice.fetch(made["id"]).status_code == 404
    assert world.alice.list().json() == []
    assert world.alice.list(phone=PHONE, count=True).headers["x-total-count"] == "0"


def test_deleting_again_is_not_found(world: World) -> None:
    made = world.alice.made()
    assert [world.alice.remove(made["id"]).status_code for _ in range(2)] == [204, 404]


def test_what_cannot_be_seen_cannot_be_deleted(world: World) -> None:
    made = world.alice.made()
    for outsider in (world.carol, world.tom, world.caller(world.acme_two)):
        for each in (False, True):
            assert outsider.remove(made["id"], purge=each).status_code == 404
        assert outsider.restore(made["id"]).status_code == 404
    assert world.bob.remove(made["id"]).status_code == 403
    assert world.alice.read(made["id"]) == made


def test_its_phone_and_email_are_free_at_once(world: World) -> None:
    email = an_email()
    made = world.alice.made(phone=PHONE, email=email)
    world.alice.remove(made["id"])
    assert world.alice.create({"phone": PHONE, "email": email}).status_code == 201


def test_a_restored_contact_is_as_it_was(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made(phone=PHONE, email=an_email(), tags=["vip"], customFields={"MRR": 5})
    world.alice.remove(made["id"])
    answer = world.wendy.restore(made["id"])
    assert answer.status_code == 200
    assert answer.json() == {**made, "updatedAt": answer.json()["updatedAt"]}
    assert world.alice.read(made["id"]) == answer.json()
    assert world.alice.list(phone=PHONE).json() == [answer.json()]


def test_restoring_is_refused_where_the_phone_or_the_email_was_taken(world: World) -> None:
    email = an_email()
    made = world.alice.made(phone=PHONE, email=email)
    world.alice.remove(made["id"])
    by_phone, by_email = world.alice.made(phone=PHONE), world.alice.made(email=email)
    refused = world.alice.restore(made["id"])
    assert (refused.status_code, refused.json()["type"]) == (409, "/errors/conflict")
    named = {error["pointer"]: error["contactId"] for error in refused.json()["errors"]}
    assert named == {"/phone": by_phone["id"], "/email": by_email["id"]}
    assert world.alice.fetch(made["id"]).status_code == 404


def test_restoring_an_active_contact_changes_nothing(world: World) -> None:
    """The first answer may have been lost, and the request sent again."""
    made = world.alice.made(phone=PHONE, tags=["vip"])
    world.alice.remove(made["id"])
    restored = world.alice.restore(made["id"])
    for again in (world.alice.restore(made["id"]), world.alice.restore(made["id"], dryRun=True)):
        assert (again.status_code, again.json()) == (200, restored.json())
        assert again.headers["etag"] == restored.headers["etag"]
    assert [event["type"] for event in world.alice.history(made["id"]).json()] == [
        "contact.restored",
        "contact.deleted",
        "contact.created",
    ]
    assert world.carol.restore(made["id"]).status_code == 404
    world.alice.remove(made["id"], purge=True)
    assert world.alice.restore(made["id"]).status_code == 404


def test_a_deleted_contact_can_be_changed_by_nothing(world: World) -> None:
    made = world.alice.made()
    world.alice.remove(made["id"])
    assert world.alice.patch(made["id"], {"firstName": "June"}).status_code == 404
    assert world.alice.set_tags(made["id"], ["vip"]).status_code == 404
    assert world.alice.delete(f"/v1/contacts/{made['id']}/tags/vip").status_code == 404
    assert world.alice.history(made["id"]).status_code == 404


def test_purging_needs_an_admin(world: World) -> None:
    made = world.alice.made()
    for other in (world.wendy, world.bob):
        assert other.remove(made["id"], purge=True).status_code == 403
    assert world.alice.read(made["id"]) == made


def test_a_purged_contact_leaves_no_trace_of_its_values(world: World) -> None:
    world.field("Secret")
    value = "xyzzy"

    def fill(caller: Caller, number: int) -> None:
        caller.patch(
            made["id"],
            {"firstName": f"{value}-{number}", "customFields": {"Secret": f"{value}-{number}"}},
            headers={"idempotency-key": f"fill-{number}"},
        )

    made = world.alice.made(firstName=value, email=f"{value}@example.com")
    for number in range(3):
        fill(world.alice, number)
    world.alice.upsert(
        {"email": f"{value}@example.com", "lastName": value}, headers={"idempotency-key": "upsert"}
    )
    world.alice.batch(
        {"op": "update", "id": made["id"], "data": {"lastName": f"{value}-batch"}},
        headers={"idempotency-key": "batch"},
    )
    assert is_stored(world, value)
    assert world.alice.remove(made["id"], purge=True).status_code == 204
    assert not is_stored(world, value)
    assert world.alice.fetch(made["id"], include="deleted").status_code == 404
    assert world.alice.restore(made["id"]).status_code == 404
    assert world.alice.remove(made["id"], purge=True).status_code == 404


def test_a_purge_erases_what_a_refused_request_quoted(world: World) -> None:
    """The kept answer of a request that clashed with a contact names its id only."""
    made = world.alice.made(email="xyzzy2@example.com")
    refused = world.alice.create({"email": "xyzzy2@example.com"}, headers={"idempotency-key": "clash"})
    assert refused.status_code == 409
    world.alice.remove(made["id"], purge=True)
    assert not is_stored(world, "xyzzy2")


REFUSALS: dict[str, Callable[[Caller, Any], httpx.Response]] = {
    "a change by id": lambda caller, contact: caller.patch(
        contact["id"], {"email": "xyzzy@@example.com"}, headers=KEYED
    ),
    "an upsert by its phone": lambda caller, contact: caller.upsert(
        {"phone": PHONE, "timezone": "Xyzzy/Street"}, headers=KEYED
    ),
    "a creation with its e-mail": lambda caller, contact: caller.create(
        {"email": "Purge@example.com", "phone": "xyzzy"}, headers=KEYED
    ),
    "a change by a batch": lambda caller, contact: caller.batch(
        {"op": "update", "id": contact["id"], "data": {"timezone": "Xyzzy"}}, headers=KEYED
    ),
    "an upsert by a batch": lambda caller, contact: caller.batch(
        {"op": "create", "data": {"firstName": "Jane"}},
        {"op": "upsert", "data": {"phone": "+1 415 555 1234", "email": "xyzzy"}},
        headers=KEYED,
    ),
    "the phone that it had before": lambda caller, contact: caller.upsert(
        {"phone": FORMER_PHONE, "timezone": "Xyzzy"}, headers=KEYED
    ),
    "the e-mail that it had before": lambda caller, contact: caller.upsert(
        {"email": "FORMER@example.com", "timezone": "Xyzzy"}, headers=KEYED
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_purge_erases_the_kept_answers_that_refused_something_about_the_contact(
    world: World, refusal: str
) -> None:
    made = world.alice.made(phone=FORMER_PHONE, email="former@example.com")
    world.alice.patch(made["id"], {"phone": PHONE, "email": "purge@example.com"})
    other = world.alice.patch(world.alice.made()["id"], {"timezone": "Plugh"}, headers=OTHER_KEY)
    assert other.status_code == 400
    answer = REFUSALS[refusal](world.alice, made)
    assert answer.status_code == (200 if "batch" in refusal else 400), answer.text
    assert is_stored(world, "xyzzy")
    assert world.alice.remove(made["id"], purge=True).status_code == 204
    assert not is_stored(world, "xyzzy")
    assert is_stored(world, "plugh"), "the answers about others are kept"


def test_what_was_answered_about_another_contact_outlives_the_purge(world: World) -> None:
    gone = world.alice.made(phone=PHONE)
    world.alice.remove(gone["id"])
    made = world.alice.create({"phone": PHONE}, headers=KEYED)
    world.alice.remove(gone["id"], purge=True)
    again = world.alice.create({"phone": PHONE}, headers=KEYED)
    assert (again.status_code, again.json()) == (201, made.json())


def test_a_deleted_contact_can_be_purged(world: World) -> None:
    made = world.alice.made(phone=PHONE)
    world.alice.remove(made["id"])
    assert world.alice.remove(made["id"], purge=True).status_code == 204
    assert world.alice.fetch(made["id"], include="deleted").status_code == 404
    events = world.sql.fetch("select type, version from contact_events where contact_id = $1", made["id"])
    assert [tuple(event) for event in events] == [("contact.purged", 3)]


def test_purging_a_contact_leaves_the_others(world: World) -> None:
    made, other = world.alice.made(tags=["vip"]), world.alice.made(tags=["vip"])
    world.alice.remove(made["id"], purge=True)
    assert world.alice.list().json() == [other]
    assert len(world.alice.history(other["id"]).json()) == 1
