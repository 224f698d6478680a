"""Objections outlive deletion: they hold for the phones and e-mails of deleted contacts."""

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from contactory.contacts.write import create
from contactory.contacts.write import statement as s
from tests.contacts.test_consent import AT, DENIED, GRANTED, NOTHING, UNKNOWN, consent_of, put
from tests.contacts.test_statement import change_of, effect
from tests.servers import Sql
from tests.world import World, a_phone, an_email, at_once

BEFORE, AFTER = "2026-01-15T10:29:59Z", "2026-01-15T10:30:01Z"
CARRIED = {"status": "denied", "source": "carried over from a deleted contact", "at": AT}
OBJECTIONS = {"call": DENIED, "sms": GRANTED, "doNotContact": True}
BEGINS_WITH = {**NOTHING, "call": CARRIED, "doNotContact": True}


def deleted(world: World, consent: Any = OBJECTIONS, **fields: Any) -> dict[str, Any]:
    """A deleted contact."""
    contact = world.alice.made(**fields, consent=consent)
    assert world.alice.remove(contact["id"]).status_code == 204
    return contact


def by_creating(world: World, phone: str) -> str:
    return world.alice.made(phone=phone)["id"]


def by_creating_with_a_key(world: World, phone: str) -> str:
    return world.alice.create({"phone": phone}, headers={"idempotency-key": phone}).json()["id"]


def by_upserting(world: World, phone: str) -> str:
    answer = world.alice.upsert({"phone": phone, "tags": ["never seen"]})
    assert answer.status_code == 201
    return answer.json()["id"]


def by_a_batch_that_creates(world: World, phone: str) -> str:
    answer = world.alice.batch({"op": "create", "data": {"phone": phone}})
    return answer.json()["results"][0]["contact"]["id"]


def by_a_keyed_batch_that_upserts(world: World, phone: str) -> str:
    operation = {"op": "upsert", "data": {"phone": phone}}
    answer = world.alice.batch(operation, headers={"idempotency-key": phone})
    return answer.json()["results"][0]["contact"]["id"]


def by_the_dashboard(world: World, phone: str) -> str:
    answer = world.person().post(f"/w/{world.acme}/contacts/new", {"firstName": "Jane", "phone": phone})
    assert answer.status_code == 303
    return world.alice.list(phone=phone).json()[0]["id"]


def by_a_patch(world: World, phone: str) -> str:
    contact = world.alice.made(phone=a_phone())
    assert world.alice.patch(contact["id"], {"phone": phone}).status_code == 200
    return contact["id"]


def by_a_batch_that_updates(world: World, phone: str) -> str:
    contact, other = world.alice.made(), world.alice.made()
    answer = world.alice.batch(
        {"op": "update", "id": other["id"], "data": {"lastName": "Doe"}},
        {"op": "update", "id": contact["id"], "data": {"phone": phone, "tags": ["new here"]}},
    )
    assert [result["status"] for result in answer.json()["results"]] == [200, 200]
    assert consent_of(world.alice, other) == NOTHING
    return contact["id"]


def by_an_upsert_that_finds(world: World, phone: str) -> str:
    email = an_email()
    contact = world.alice.made(email=email)
    assert world.alice.upsert({"email": email, "phone": phone}).status_code == 200
    return contact["id"]


def by_taking_a_change_back(world: World, phone: str) -> str:
    """The contact had the number, gave it away, and gets it back."""
    contact = world.alice.made()
    world.alice.patch(contact["id"], {"phone": phone})
    world.alice.patch(contact["id"], {"consent": {"call": {"status": "unknown"}, "doNotContact": False}})
    world.alice.patch(contact["id"], {"phone": None})
    world.person().post(f"/w/{world.acme}/contacts/{contact['id']}/undo", {"version": "4"})
    assert world.alice.read(contact["id"])["phone"] == phone
    return contact["id"]


WAYS = [
    by_creating,
    by_creating_with_a_key,
    by_upserting,
    by_a_batch_that_creates,
    by_a_keyed_batch_that_upserts,
    by_the_dashboard,
    by_a_patch,
    by_a_batch_that_updates,
    by_an_upsert_that_finds,
    by_taking_a_change_back,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_opted_out_is_not_called_after_being_deleted_and_made_again(
    world: World, way: Callable[[World, str], str]
) -> None:
    phone = a_phone()
    deleted(world, phone=phone)
    contact = way(world, phone)
    assert consent_of(world.alice, {"id": contact}) == BEGINS_WITH
    asked = world.bob.get(f"/v1/contacts/{contact}/availability", channel="call", at="2026-03-02T18:00:00Z")
    assert asked.json()["reasons"][:2] == ["do_not_contact", "consent_denied"]
    listed = world.bob.list(availableAt="2026-03-02T18:00:00Z", channel="call").json()
    assert contact not in [each["id"] for each in listed]


def test_an_email_carries_an_objection_as_a_phone_does(world: World) -> None:
    email = an_email()
    deleted(world, email=email)
    for contact in (world.alice.made(email=email.upper()), world.alice.made(phone=a_phone())):
        expected = BEGINS_WITH if contact["email"] else NOTHING
        assert consent_of(world.alice, contact) == expected


def test_the_objections_of_several_deleted_contacts_unite(world: World) -> None:
    phone, email = a_phone(), an_email()
    deleted(world, {"call": DENIED}, phone=phone)
    deleted(world, {"call": {**DENIED, "at": AFTER}, "sms": GRANTED}, phone=phone)
    deleted(world, {"call": {**DENIED, "at": BEFORE}, "email": DENIED}, email=email)
    contact = world.alice.made(phone=phone, email=email)
    assert consent_of(world.alice, contact) == {
        **NOTHING,
        "call": {**CARRIED, "at": AFTER},
        "email": CARRIED,
    }


def test_a_restored_contact_takes_over_what_was_said_while_it_was_away(world: World) -> None:
    phone = a_phone()
    first = deleted(world, {"call": {**GRANTED, "at": BEFORE}, "sms": {**GRANTED, "at": AFTER}}, phone=phone)
    deleted(world, {"call": DENIED, "sms": DENIED}, phone=phone)
    assert world.alice.restore(first["id"]).status_code == 200
    assert consent_of(world.alice, first) == {**NOTHING, "call": CARRIED, "sms": {**GRANTED, "at": AFTER}}


def test_its_own_objection_comes_back_with_a_restored_contact_as_it_was(world: World) -> None:
    contact = deleted(world, phone=a_phone())
    world.alice.restore(contact["id"])
    assert consent_of(world.alice, contact) == {**NOTHING, **OBJECTIONS}


@pytest.mark.parametrize(
    ("granted", "counts"),
    [
        ({"status": "granted"}, False),
        ({"status": "granted", "at": BEFORE}, False),
        ({"status": "granted", "at": AT}, False),
        ({"status": "granted", "at": AFTER}, True),
        ({"status": "unknown"}, False),
    ],
)
@pytest.mark.parametrize("way", ["create", "upsert", "update"])
def test_only_a_later_consent_counts_against_an_objection(
    world: World, granted: Any, counts: bool, way: str
) -> None:
    phone = a_phone()
    deleted(world, {"call": DENIED, "doNotContact": True}, phone=phone)
    sent = {"phone": phone, "consent": {"call": granted, "sms": GRANTED, "doNotContact": False}}
    if way == "update":
        contact = world.alice.made()
        world.alice.patch(contact["id"], sent)
    else:
        answer = getattr(world.alice, way)(sent)
        assert answer.status_code == 201
        contact = answer.json()
    call = {**UNKNOWN, **granted} if counts else CARRIED
    assert consent_of(world.alice, contact) == {
        **NOTHING,
        "call": call,
        "sms": GRANTED,
        "doNotContact": True,
    }


def test_a_denial_in_the_request_stays_as_it_was_sent(world: World) -> None:
    phone = a_phone()
    deleted(world, {"call": DENIED}, phone=phone)
    own = {"status": "denied", "source": "letter", "at": BEFORE}
    assert consent_of(world.alice, world.alice.made(phone=phone, consent={"call": own}))["call"] == own


def test_an_import_that_runs_every_night_does_not_overrule_an_objection(world: World) -> None:
    phone = a_phone()
    deleted(world, {"call": DENIED}, phone=phone)
    for granted in ({"status": "granted"}, {"status": "granted", "at": BEFORE}, {"status": "unknown"}):
        for preserve in (False, True):
            row = {"phone": phone, "consent": {"call": granted}, "preserveExisting": preserve}
            contact = world.alice.upsert(row).json()
            assert consent_of(world.alice, contact)["call"] == CARRIED
    later = {"phone": phone, "consent": {"call": {"status": "granted", "at": AFTER}}}
    assert consent_of(world.alice, world.alice.upsert(later).json())["call"]["status"] == "granted"


@pytest.mark.parametrize("preserve", [False, True])
def test_an_import_that_runs_every_night_does_not_end_a_do_not_contact(world: World, preserve: bool) -> None:
    """Its column says false for everybody, and has done so from the first night on."""
    phone = a_phone()
    deleted(world, {"doNotContact": True}, phone=phone)
    row = {"phone": phone, "consent": {"doNotContact": False}, "preserveExisting": preserve}
    for night in range(3):
        contact = world.alice.upsert({**row, "lastName": f"Night {night}"}).json()
        assert consent_of(world.alice, contact) == {**NOTHING, "doNotContact": True}
    batch = world.alice.batch({"op": "upsert", "data": row}, headers={"idempotency-key": phone})
    assert batch.json()["results"][0]["contact"]["id"] == contact["id"]
    assert consent_of(world.alice, contact) == {**NOTHING, "doNotContact": True}
    put(world.alice, contact, {"doNotContact": False})
    assert consent_of(world.alice, contact) == NOTHING
    put(world.alice, contact, {"doNotContact": True})
    world.alice.upsert({"phone": phone, "consent": {"doNotContact": False}})
    assert consent_of(world.alice, contact) == NOTHING, "what was said to this contact itself, an upsert ends"


def test_a_consent_given_afterwards_counts(world: World) -> None:
    phone = a_phone()
    deleted(world, phone=phone)
    contact = world.alice.made(phone=phone)
    put(world.alice, contact, {"call": {"status": "granted"}})
    world.alice.patch(contact["id"], {"consent": {"doNotContact": False}})
    shown = consent_of(world.alice, contact)
    assert (shown["call"]["status"], shown["doNotContact"]) == ("granted", False)
    world.alice.patch(contact["id"], {"phone": phone, "lastName": "Doe"})
    world.alice.upsert({"phone": phone, "email": an_email()})
    assert consent_of(world.alice, contact) == shown, "its own number brings nothing back"


def test_another_writing_of_its_own_email_brings_no_objection_back(world: World) -> None:
    email = an_email()
    deleted(world, email=email)
    contact = world.alice.made(email=email)
    put(world.alice, contact, {"call": {"status": "unknown"}, "doNotContact": False})
    world.alice.patch(contact["id"], {"email": email.upper()})
    assert consent_of(world.alice, contact) == NOTHING
    world.alice.patch(contact["id"], {"email": None})
    world.alice.patch(contact["id"], {"email": email})
    assert consent_of(world.alice, contact) == BEGINS_WITH


def test_the_history_says_what_a_contact_began_with(world: World) -> None:
    phone = a_phone()
    deleted(world, phone=phone)
    contact = world.alice.made(phone=phone, consent={"call": {"status": "granted"}})
    [event] = world.alice.history(contact["id"]).json()
    assert event["changes"] == [
        {"field": "phone", "from": None, "to": phone},
        {"field": "timezone", "from": None, "to": "America/Los_Angeles"},
        {"field": "consent.call", "from": UNKNOWN, "to": CARRIED},
        {"field": "consent.doNotContact", "from": False, "to": True},
    ]
    assert world.alice.fetch(contact["id"]).headers["etag"] == '"1"'
    other = world.alice.made(consent={"call": {**GRANTED, "at": BEFORE}})
    world.alice.remove(contact["id"])
    world.alice.patch(other["id"], {"phone": phone})
    changes = world.alice.history(other["id"]).json()[0]["changes"]
    assert changes[1] == {
        "field": "consent.call",
        "from": {**GRANTED, "at": BEFORE},
        "to": CARRIED,
    }


def test_a_number_is_not_called_while_only_a_deleted_contact_has_it(world: World) -> None:
    phone = a_phone()
    deleted(world, phone=phone)
    deleted(world, {"sms": DENIED}, phone=phone)

    def reasons(channel: str, phone: str = phone) -> list[str]:
        asked = {"phone": phone, "channel": channel, "at": "2026-03-02T18:00:00Z"}
        return world.bob.get("/v1/availability", **asked).json()["reasons"]

    assert reasons("call") == ["do_not_contact", "consent_denied"]
    assert reasons("sms") == ["do_not_contact", "consent_denied"]
    assert reasons("call", a_phone()) == []
    looked_up = world.bob.get("/v1/contacts/lookup", phone=phone)
    assert (looked_up.status_code, "objected" in looked_up.json()["detail"]) == (404, True)
    nobody = world.bob.get("/v1/contacts/lookup", phone=a_phone())
    assert (nobody.status_code, "objected" in nobody.json()["detail"]) == (404, False)


def test_an_objection_holds_in_its_workspace_only(world: World) -> None:
    phone = a_phone()
    deleted(world, phone=phone)
    assert consent_of(world.carol, world.carol.made(phone=phone)) == NOTHING
    asked = world.carol.get("/v1/availability", phone=a_phone(), channel="call", at="2026-03-02T18:00:00Z")
    assert asked.json()["allowed"]
    two = world.ada.made(workspaceId=world.acme_two, phone=phone)
    assert consent_of(world.ada, two) == NOTHING


def test_a_deleted_contact_without_an_objection_passes_nothing_on(world: World) -> None:
    phone = a_phone()
    deleted(world, {"call": GRANTED}, phone=phone)
    assert consent_of(world.alice, world.alice.made(phone=phone)) == NOTHING


def test_a_purge_forgets_the_objection(world: World) -> None:
    phone = a_phone()
    contact = deleted(world, phone=phone)
    world.alice.remove(contact["id"], purge=True)
    assert consent_of(world.alice, world.alice.made(phone=phone)) == NOTHING


def test_a_creation_that_waits_for_the_deletion_knows_of_the_objection(world: World, sql: Sql) -> None:
    """The creation begins first, and sees the deletion only once that is committed."""
    for change in ("create", "patch"):
        phone = a_phone()
        former = world.alice.made(phone=phone, consent=OBJECTIONS)
        other = world.alice.made()
        sql.execute("begin")
        try:
            sql.execute("update contacts set deleted_at = now() where id = $1", former["id"])
            call = {
                "create": partial(world.alice.create, {"phone": phone}),
                "patch": partial(world.alice.patch, other["id"], {"phone": phone}),
            }[change]
            answers: list[Any] = []
            waiting = threading.Thread(target=lambda call=call, answers=answers: answers.append(call()))
            waiting.start()
            for _ in range(100):
                if sql.value("select count(*) from pg_locks where not granted"):
                    break
                time.sleep(0.005)
        finally:
            sql.execute("commit")
        waiting.join()
        assert answers[0].status_code in (200, 201), answers[0].text
        assert consent_of(world.alice, answers[0].json()) == BEGINS_WITH, change


def test_deletions_and_creations_at_once_lose_no_objection(world: World) -> None:
    phone = a_phone()
    world.alice.made(phone=phone, consent=OBJECTIONS)
    for _ in range(20):
        [holder] = world.alice.list(phone=phone).json()
        at_once(
            partial(world.alice.remove, holder["id"]),
            *[partial(world.alice.upsert, {"phone": phone, "consent": {"call": GRANTED}})] * 3,
        )
        [holder] = world.alice.list(phone=phone).json() or [world.alice.made(phone=phone)]
        shown = consent_of(world.alice, holder)
        assert shown["doNotContact"], shown


def test_an_upsert_looks_again_where_the_contact_has_let_a_number_go_meanwhile(
    world: World, sql: Sql
) -> None:
    """It had found the contact by phone and e-mail, so it had no reason to look for objections."""
    phone, email = a_phone(), an_email()
    contact = world.alice.made(phone=a_phone(), email=email)
    found = {"mask": s.PHONE | s.EMAIL | s.MATCH | s.NO_GAIN, "email": email, "email_key": email}
    for given, verdict in ((phone, "moved"), (contact["phone"], "same")):
        change = change_of(world, contact["id"], {**found, "phone": given})
        [[answer], *_] = sql.run(effect(sql.conn, s.LONG, change))
        assert answer["verdict"] == verdict


def test_a_creation_looks_by_the_indexes_even_while_nothing_is_known_of_the_table(sql: Sql) -> None:
    """A new database has no statistics, and a plan that walks the workspace would be kept for a minute."""
    sql.execute("set plan_cache_mode = force_generic_plan; set enable_seqscan = off")
    try:
        sql.execute(f"prepare creating (json) as {create._ONLY_UNKNOWN}")
        plan = "\n".join(row[0] for row in sql.fetch("explain execute creating ('[]')"))
    finally:
        sql.execute("deallocate creating; reset plan_cache_mode; reset enable_seqscan")
    assert not re.search(r"Join Filter:.*\bw\.id\b", plan), "each contact is checked once for each workspace"
    used = set(re.findall(r"using (contacts_\w+)", plan))
    assert used == {
        *("contacts_phone", "contacts_email"),
        *("contacts_deleted_phone", "contacts_deleted_email"),
    }
