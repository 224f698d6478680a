"""A write with an Idempotency-Key goes through the queue, and PostgreSQL writes the answer that is kept."""

import asyncio
import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import msgspec
import pytest

from contactory.base.settings import Settings
from contactory.contacts.read.json_sql import contact_json
from contactory.contacts.write.change import Change
from contactory.contacts.write.lanes import ChangeLane
from contactory.contacts.write.queue import Apart
from contactory.contacts.write.statement import FIRST_NAME
from contactory.database.answers import new_claim
from contactory.database.db import Database
from tests.servers import Sql
from tests.statements import counted
from tests.world import Caller, World, a_phone, an_email, at_once

TIMES = 20
ODD = [
    *(chr(code) for code in range(0x01, 0x20)),
    *"\x7f\x80\x85\xa0\u2028\u2029\ufeff\uffff\\\"/'<>&%",
    "\U0001f600",
    "e\u0301",
    "\u00fc",
    "\\u0041",
    "{}",
    "x",
]


def key() -> dict[str, str]:
    return {"idempotency-key": secrets.token_hex()}


def again(first: httpx.Response, send: Callable[[], httpx.Response]) -> None:
    """Asserts that the request, sent again, is answered as at first."""
    second = send()
    assert second.headers["idempotency-replayed"] == "true"
    assert (second.status_code, second.content) == (first.status_code, first.content)
    kept = ("content-type", "etag", "location")
    assert [second.headers.get(name) for name in kept] == [first.headers.get(name) for name in kept]


@pytest.mark.parametrize("way", ["patch", "upsert"])
def test_it_is_one_statement(
    world: World, database_url: str, private_server: Callable[..., httpx.Client], way: str
) -> None:
    with counted(database_url) as statements:
        alice = world.alice.at(private_server(database_url=statements.url))
        phone = a_phone()
        contact = alice.made(phone=phone, tags=["vip"])
        send = {
            "patch": lambda name: alice.patch(contact["id"], {"firstName": name}, headers=key()),
            "upsert": lambda name: alice.upsert({"phone": phone, "firstName": name}, headers=key()),
        }[way]
        send("first")
        before = statements.since()
        for number in range(TIMES):
            assert send(f"{number}").status_code == 200
        often = {text: count for text, count in statements.since(before).items() if count >= TIMES}
    assert list(often.values()) == [TIMES] * (1 if way == "patch" else 2), (
        "an upsert also looks for the contact"
    )
    assert sum("insert into kept_answers" in text for text in often) == 1


def test_an_answer_with_a_key_is_to_the_byte_the_one_without(world: World) -> None:
    rng = random.Random(1)
    for number, name in enumerate(["Plan", 'a "quoted" one', "\u00fc\u2028", "\U0001f600", "b\\c", "zero"]):
        world.field(name)
        if number == 3:
            world.alice.made(customFields={name: "old"})
    fields = [field["name"] for field in world.alice.get("/v1/custom-fields").json()]
    tags = ["vip", "Vip", "\U0001f600", "\uffee", 'a"b', "\\", "\u00e9", "z\u2028z", "0"]
    contacts = [world.alice.made(email=an_email(), phone=a_phone())["id"] for _ in range(5)]

    def text() -> str:
        return "".join(rng.choices(ODD, k=rng.randint(0, 6)))

    for _ in range(200):
        changes: dict[str, Any] = {
            "firstName": rng.choice([None, f"J{text()}n"]),
            "lastName": rng.choice(["Doe", "\u00d8 \u7530 \U0001f600", '"']),
        }
        changes["customFields"] = {name: rng.choice([None, text()]) for name in rng.sample(fields, 3)}
        changes["tags"] = rng.sample(tags, rng.randint(0, 3))
        sent, contact_id = key(), rng.choice(contacts)
        send = partial(world.alice.patch, contact_id, changes, headers=sent)
        first = send()
        if first.status_code == 400:  # Names cannot have every character.
            del changes["firstName"]
            first = (send := partial(world.alice.patch, contact_id, changes, headers=key()))()
        assert first.status_code == 200, first.text
        read = world.alice.fetch(contact_id)
        assert (first.content, first.headers["etag"]) == (read.content, read.headers["etag"])
        again(first, send)


def test_an_answer_shows_merged_and_deleted_tags_as_a_read_does(world: World) -> None:
    contact = world.alice.made(tags=["old", "new", "gone", "stays"])["id"]
    assert world.alice.request("PATCH", "/v1/tags/old", {"name": "new", "merge": True}).status_code == 200
    assert world.alice.delete("/v1/tags/gone").status_code == 204
    first = world.alice.patch(contact, {"firstName": "June"}, headers=key())
    assert first.json()["tags"] == ["new", "stays"]
    assert first.content == world.alice.fetch(contact).content
    field_id = world.field("Plan")
    world.alice.patch(contact, {"customFields": {"Plan": "Pro"}})
    assert world.alice.delete(f"/v1/custom-fields/{field_id}").status_code == 204
    assert world.alice.patch(contact, {"firstName": "Jo"}, headers=key()).json()["customFields"] == {}


def test_postgresql_writes_every_character_as_the_server_does(sql: Sql) -> None:
    codes = [code for code in range(1, 0x110000) if not 0xD800 <= code < 0xE000]
    texts = ["".join(map(chr, codes[at : at + 1000])) for at in range(0, len(codes), 1000)]
    rows = sql.fetch(
        "select to_json(t)::text from unnest($1::text[]) with ordinality u (t, n) order by n", texts
    )
    assert [row[0] for row in rows] == [msgspec.json.encode(text).decode() for text in texts]


def test_postgresql_writes_times_as_the_server_does(sql: Sql) -> None:
    rng, start = random.Random(2), datetime(1970, 1, 1, tzinfo=UTC)
    times = [start + timedelta(microseconds=rng.randrange(10**16)) for _ in range(2000)]
    times += [start, *(start + timedelta(microseconds=10**n) for n in range(12))]
    columns = {"created_at": "t", "updated_at": "t", "tag_ids": "'{}'::bigint[]", "fields": "'{}'::jsonb"}
    columns |= {"id": "'i'", "workspace_id": "gen_random_uuid()"}
    shown = contact_json(lambda name: columns.get(name, "null::text"))
    rows = sql.fetch(
        f"select {shown} from unnest($1::timestamptz[]) with ordinality u (t, n) order by n", times
    )
    found = [msgspec.json.decode(row[0]) for row in rows]
    assert [(each["createdAt"], each["updatedAt"]) for each in found] == [
        (msgspec.to_builtins(each, str_keys=True), msgspec.to_builtins(each)) for each in times
    ]


def test_creations_and_upserts_are_answered_again(world: World) -> None:
    phone, mail = a_phone(), an_email()
    ways: list[Callable[..., httpx.Response]] = [
        partial(world.alice.create, {"firstName": "Jane", "tags": ["a tag", "b\u2028"]}),
        partial(world.alice.upsert, {"phone": phone, "firstName": "Joan"}),
        partial(world.alice.upsert, {"phone": phone, "email": mail, "tags": ["another tag"]}),
        partial(world.alice.upsert, {"phone": phone, "firstName": "June", "preserveExisting": True}),
        partial(world.ada.create, {"firstName": "Jane", "workspaceId": world.acme}),
    ]
    for way in ways:
        send = partial(way, headers=key())
        first = send()
        assert first.status_code in (200, 201)
        assert first.content == world.alice.fetch(first.json()["id"]).content
        again(first, send)
    assert len(world.alice.list().json()) == 3


@pytest.mark.parametrize(
    ("changes", "headers", "status"),
    [
        ({"firstName": "June"}, {"if-match": '"7"'}, 412),
        ({"fistName": "June"}, {}, 400),
        ({"phone": "+14155550199"}, {}, 409),
        ({"customFields": {"Plan": "x" * 10_000, "More": "x" * 10_000}}, {}, 400),
    ],
)
def test_a_refusal_is_kept_and_another_attempt_does_not_change_it(
    world: World, changes: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    world.alice.made(phone="+14155550199")
    contact = world.alice.made()["id"]
    send = partial(world.alice.patch, contact, changes, headers={**key(), **headers})
    first = send()
    assert first.status_code == status
    world.field("Plan")
    world.field("More")
    again(first, send)


def test_many_with_keys_and_without_share_batches_and_each_is_done_once(
    world: World, second_http: httpx.Client
) -> None:
    contact, callers = world.alice.made()["id"], [world.alice, world.alice.at(second_http)]

    def patch(caller: Caller, number: int, headers: dict[str, str]) -> httpx.Response:
        while True:
            answer = caller.patch(contact, {"tags": [f"t{number % 40}"]}, headers=headers)
            if answer.status_code not in (409, 503):
                return answer

    works: list[Callable[[], httpx.Response]] = []
    for number in range(60):
        headers = key() if number % 3 else {}
        works += [partial(patch, caller, number, headers) for caller in callers]
    answers = at_once(*works)
    assert {answer.status_code for answer in answers} == {200}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 40
    assert world.alice.read(contact)["tags"] == sorted(f"t{n}" for n in range(40))


def test_two_writes_with_one_key_at_once_are_written_one_after_the_other(world: World) -> None:
    """A request of a client that went away may still be in the queue when the client sends it again."""
    contacts = [world.alice.made()["id"] for _ in range(2)]
    claim = new_claim(world.account_id, secrets.token_hex(), b"same")
    version = world.sql.value("select catalog_version from workspaces where id = $1", world.acme)

    async def run() -> None:
        connection = Database(world.sql.url, 1, 10).lane()
        lane = ChangeLane(connection, Settings())
        changes = [
            Change(
                workspace_id=world.acme,
                contact_id=contact_id,
                mask=FIRST_NAME,
                first_name="Written",
                catalog_version=version,
                actor_type="api_key",
                actor_id=None,
                via="api",
                request_id=contact_id,
                claim_owner=claim.owner,
                claim_key=claim.key,
                claim_fingerprint=claim.fingerprint,
                claim_lock=claim.lock,
            )
            for contact_id in contacts
        ]
        with pytest.raises(Apart):
            await lane(changes)
        verdicts = [(await lane([change]))[0].verdict for change in changes]
        assert verdicts == ["changed", "unclear"]
        await connection.close()

    asyncio.run(run())
    assert [world.alice.fetch(each).json()["firstName"] for each in contacts] == ["Written", "Jane"]
