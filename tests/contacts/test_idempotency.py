"""Idempotency-Key: a request that is sent again is done once."""

import asyncio
import secrets
from functools import partial
from typing import Any

import httpx
import pytest

from tests.world import Caller, World, a_phone, at_once, pointers

OWN_HEADERS = {"x-request-id", "idempotency-replayed", "date", "transfer-encoding"}


def key(name: str = "") -> dict[str, str]:
    return {"idempotency-key": name or secrets.token_hex(8)}


def same(first: httpx.Response, second: httpx.Response) -> bool:
    """Whether the second answer is the first one given again."""
    kept = [{n: v for n, v in a.headers.items() if n not in OWN_HEADERS} for a in (first, second)]
    return (first.status_code, first.content, kept[0]) == (second.status_code, second.content, kept[1])


def contacts(caller: Caller) -> int:
    return int(caller.list(count=True).headers["x-total-count"])


def test_the_first_answer_is_given_again_and_says_so(world: World) -> None:
    sent = key()
    first, second = (
        world.alice.create({"firstName": "Jane", "tags": ["vip"]}, headers=sent) for _ in range(2)
    )
    assert first.status_code == 201
    assert same(first, second)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["etag"] == first.headers["etag"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert contacts(world.alice) == 1


def test_a_patch_sent_again_is_answered_as_then_even_where_the_contact_has_moved_on(world: World) -> None:
    made, sent = world.alice.made(), key()
    first = world.alice.patch(made["id"], {"firstName": "June"}, headers=sent)
    later = world.alice.patch(made["id"], {"firstName": "Joan"}).json()
    assert same(first, world.alice.patch(made["id"], {"firstName": "June"}, headers=sent))
    assert world.alice.read(made["id"]) == later


def test_upserts_and_restores_heed_it_too(world: World) -> None:
    sent, phone = key(), a_phone()
    first, second = (world.alice.upsert({"phone": phone}, headers=sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert same(first, second)
    world.alice.remove(first.json()["id"])
    sent = key()
    first, second = (world.alice.restore(first.json()["id"], headers=sent) for _ in range(2))
    assert same(first, second)
    assert second.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("fields", "status"), [({"firstName": 5}, 400), ({}, 400), ({"phone": "+14155551234"}, 409)]
)
def test_a_refusal_is_kept_too(world: World, fields: dict[str, Any], status: int) -> None:
    taken, sent = world.alice.made(phone="+14155551234"), key()
    first = world.alice.create(fields, headers=sent)
    assert first.status_code == status
    world.alice.remove(taken["id"])
    second = world.alice.create(fields, headers=sent)
    assert same(first, second)
    assert second.headers["content-type"] == "application/problem+json"


def test_of_a_refusal_nothing_else_is_kept(world: World) -> None:
    def windows() -> list[tuple[str, bool]]:
        return [(each["name"], each["isDefault"]) for each in world.alice.get("/v1/send-windows").json()]

    before, sent = windows(), key()
    again = {**world.alice.get("/v1/send-windows").json()[0], "isDefault": True}
    body = {name: again[name] for name in ("name", "channels", "days", "isDefault")}
    first, second = (world.alice.post("/v1/send-windows", body, headers=sent) for _ in range(2))
    assert first.status_code == 409, first.text
    assert same(first, second)
    assert windows() == before


def test_not_found_and_precondition_failed_are_kept(world: World) -> None:
    made = world.alice.made()
    for contact_id, more, status in (
        (made["id"], {"if-match": '"9"'}, 412),
        ("0192f000-0000-7000-8000-000000000000", {}, 404),
    ):
        sent = {**key(), **more}
        first, second = (world.alice.patch(contact_id, {"firstName": "June"}, headers=sent) for _ in range(2))
        assert first.status_code == status
        assert same(first, second)
        assert second.headers["idempotency-replayed"] == "true"


def test_401_and_403_are_not_kept(world: World) -> None:
    sent = key()
    assert world.bob.create({"firstName": "Jane"}, headers=sent).status_code == 403
    world.sql.execute("update api_keys set permission = 'write' where id = $1", world.bob.key_id)
    promoted = world.caller(world.acme, "write")
    assert promoted.create({"firstName": "Jane"}, headers=sent).status_code == 201
    assert world.revoked.create({"firstName": "Jane"}, headers=sent).status_code == 401
    kept = world.sql.fetch("select key_id::text from kept_answers where key = $1", sent["idempotency-key"])
    assert [row[0] for row in kept] == [promoted.key_id]


@pytest.mark.parametrize("other", ["body", "path", "query", "method", "if-match"])
def test_the_same_key_with_another_request_is_refused(world: World, other: str) -> None:
    made, second, sent = world.alice.made(), world.alice.made(), key()
    assert world.alice.patch(made["id"], {"firstName": "June"}, headers=sent).status_code == 200
    refused = {
        "body": lambda: world.alice.patch(made["id"], {"firstName": "Joan"}, headers=sent),
        "path": lambda: world.alice.patch(second["id"], {"firstName": "June"}, headers=sent),
        "query": lambda: world.alice.patch(made["id"], {"firstName": "June"}, headers=sent, dryRun=False),
        "method": lambda: world.alice.create({"firstName": "June"}, headers=sent),
        "if-match": lambda: world.alice.patch(
            made["id"], {"firstName": "June"}, headers={**sent, "if-match": '"2"'}
        ),
    }[other]()
    assert (refused.status_code, refused.json()["type"]) == (422, "/errors/idempotency-mismatch")
    assert refused.json()["retryable"] is False
    assert world.alice.read(second["id"]) == second
    assert contacts(world.alice) == 2


def test_a_key_belongs_to_its_api_key(world: World) -> None:
    sent = key()
    answers = [
        who.create({"firstName": "Jane"}, headers=sent) for who in (world.alice, world.wendy, world.carol)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 3


@pytest.mark.parametrize(
    "name", ["x", "x" * 255, "a b", "~!@#$%^&*()", "8e03978e-40d5-43e8-bc93-6894a57f9324"]
)
def test_a_key_has_1_to_255_printable_characters(world: World, name: str) -> None:
    answers = [world.alice.create({"firstName": "Jane"}, headers=key(name)) for _ in range(2)]
    assert [a.headers.get("idempotency-replayed") for a in answers] == [None, "true"]


@pytest.mark.parametrize("name", [b"", b"x" * 256, b"tab\there", b"\xc3\xa9", b"\xff"])
def test_what_is_no_key_is_refused(world: World, name: bytes) -> None:
    headers: Any = {"authorization": f"Bearer {world.alice.key}", "idempotency-key": name}
    refused = world.http.post("/v1/contacts", json={"firstName": "Jane"}, headers=headers)
    assert refused.status_code == 400
    assert list(pointers(refused)) == ["Idempotency-Key"]
    assert contacts(world.alice) == 0


def test_a_key_on_a_request_that_heeds_none_is_of_no_consequence(world: World) -> None:
    made, sent = world.alice.made(), key()
    for _ in range(2):
        assert world.alice.fetch(made["id"], headers=sent).status_code == 200
    assert [world.alice.remove(made["id"], headers=sent).status_code for _ in range(2)] == [204, 404]


def test_a_record_is_kept_24_hours(world: World) -> None:
    sent = key()
    world.alice.create({"firstName": "Jane"}, headers=sent)
    age = "update kept_answers set created_at = now() - $2::text::interval where key = $1"
    world.sql.execute(age, sent["idempotency-key"], "23 hours 59 minutes")
    again = world.alice.create({"firstName": "Jane"}, headers=sent)
    assert again.headers["idempotency-replayed"] == "true"
    world.sql.execute(age, sent["idempotency-key"], "24 hours 1 minute")
    new = world.alice.create({"firstName": "June"}, headers=sent)
    assert (new.status_code, new.json()["firstName"]) == (201, "June")
    assert "idempotency-replayed" not in new.headers
    assert same(new, world.alice.create({"firstName": "June"}, headers=sent))
    assert world.alice.create({"firstName": "Jane"}, headers=sent).status_code == 422


def test_many_at_once_are_done_once(world: World) -> None:
    sent = key()
    answers = at_once(*[lambda: world.alice.create({"firstName": "Jane"}, headers=sent)] * 12)
    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(waiting) == 12
    assert done
    assert len({answer.json()["id"] for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    for answer in waiting:
        assert answer.json()["retryable"] is True
        assert int(answer.headers["retry-after"]) >= 1
    assert contacts(world.alice) == 1
    assert world.alice.create({"firstName": "Jane"}, headers=sent).headers["idempotency-replayed"] == "true"


def test_many_at_once_in_two_processes_are_done_once(world: World, second_http: httpx.Client) -> None:
    there = world.alice.at(second_http)
    for _ in range(5):
        sent = key()
        callers = [world.alice, there] * 4
        answers = at_once(*(partial(c.create, {"firstName": "Jane"}, headers=sent) for c in callers))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert contacts(world.alice) == 5


def test_a_record_is_replayed_by_another_process(world: World, second_http: httpx.Client) -> None:
    sent = key()
    first = world.alice.create({"firstName": "Jane"}, headers=sent)
    second = world.alice.at(second_http).create({"firstName": "Jane"}, headers=sent)
    assert same(first, second)
    assert second.headers["idempotency-replayed"] == "true"


def test_while_the_first_is_in_flight_the_second_is_told_to_come_again(
    world: World, second_http: httpx.Client
) -> None:
    made, sent = world.alice.made(), key()

    async def held(work: Any) -> list[httpx.Response]:
        """While somebody else holds the contact's row, so that the first request has to wait."""
        async with world.sql.conn.transaction():
            await world.sql.conn.execute("select from contacts where id = $1 for update", made["id"])
            first = asyncio.create_task(asyncio.to_thread(work, world.alice))
            await asyncio.sleep(0.4)
            here = await asyncio.to_thread(work, world.alice)
            there = await asyncio.to_thread(work, world.alice.at(second_http))
        return [await first, here, there]

    def work(caller: Caller) -> httpx.Response:
        return caller.patch(made["id"], {"firstName": "June"}, headers=sent)

    first, here, there = world.sql.run(held(work))
    assert first.status_code == 200
    for answer in (here, there):
        assert (answer.status_code, answer.json()["type"]) == (409, "/errors/conflict")
        assert answer.json()["retryable"] is True
        assert "retry-after" in answer.headers
    assert work(world.alice).headers["idempotency-replayed"] == "true"


def test_a_second_request_waits_for_the_first_one_a_moment(world: World, second_http: httpx.Client) -> None:
    made, sent = world.alice.made(), key()

    def work(caller: Caller) -> httpx.Response:
        return caller.patch(made["id"], {"firstName": "June"}, headers=sent)

    async def held(there: Caller) -> list[httpx.Response]:
        """Both requests, while the contact's row is locked for less time than the second one waits."""
        async with world.sql.conn.transaction():
            await world.sql.conn.execute("select from contacts where id = $1 for update", made["id"])
            first = asyncio.create_task(asyncio.to_thread(work, world.alice))
            await asyncio.sleep(0.2)
            second = asyncio.create_task(asyncio.to_thread(work, there))
            await asyncio.sleep(0.05)
        return [await first, await second]

    for there in (world.alice, world.alice.at(second_http)):
        first, second = world.sql.run(held(there))
        assert same(first, second)
        assert second.headers["idempotency-replayed"] == "true"
        sent = key()


def test_the_record_and_the_change_are_in_one_transaction(world: World) -> None:
    sent = key()
    made = world.alice.create({"firstName": "Jane"}, headers=sent).json()
    transactions = world.sql.row(
        """select c.xmin::text, r.xmin::text from contacts c, kept_answers r
            where c.id = $1 and r.key = $2""",
        made["id"],
        sent["idempotency-key"],
    )
    event = world.sql.value("select tx::text from contact_events where contact_id = $1", made["id"])
    record = world.sql.value(
        "select created_at = created_at and status = 201 from kept_answers where key = $1",
        sent["idempotency-key"],
    )
    assert record
    # A savepoint has a number of its own, but one that only its transaction can have committed.
    assert int(event) <= int(transactions[0]) <= int(event) + 5
    assert int(event) <= int(transactions[1]) <= int(event) + 5


def test_a_dry_run_takes_no_key(world: World) -> None:
    sent = key()
    assert world.alice.create({"firstName": "Jane"}, headers=sent, dryRun=True).status_code == 201
    assert world.alice.create({"firstName": "Jane"}, headers=sent).status_code == 201
    assert contacts(world.alice) == 1
