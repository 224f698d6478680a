"""Consent: GET and PUT /v1/contacts/{id}/consent, and `consent` in what makes or changes a contact."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contactory.contacts.consent import born, parse_consent, show_consent
from contactory.rules.checks import Errors
from tests.world import Caller, World, a_phone, an_email, at_once, pointers

AT = "2026-01-15T10:30:00Z"
UNKNOWN = {"status": "unknown", "source": None, "at": None}
NOTHING = {"call": UNKNOWN, "sms": UNKNOWN, "email": UNKNOWN, "doNotContact": False}
GRANTED = {"status": "granted", "source": "web form", "at": AT}
DENIED = {"status": "denied", "source": "STOP", "at": AT}


def consent_of(caller: Caller, contact: dict[str, Any]) -> dict[str, Any]:
    answer = caller.get(f"/v1/contacts/{contact['id']}/consent")
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(caller: Caller, contact: dict[str, Any], consent: Any, **more: Any) -> httpx.Response:
    return caller.put(f"/v1/contacts/{contact['id']}/consent", consent, **more)


def test_nothing_is_known_of_a_new_contact(world: World) -> None:
    contact = world.alice.made()
    assert consent_of(world.bob, contact) == NOTHING
    stored = "select consent from contacts where workspace_id = $1 and id = $2"
    assert world.sql.fetch(stored, world.acme, contact["id"])[0][0] is None


def test_what_is_put_is_kept_and_the_rest_stays(world: World) -> None:
    contact = world.alice.made()
    first = put(world.wendy, contact, {"call": GRANTED})
    assert (first.status_code, first.json()) == (200, {**NOTHING, "call": GRANTED})
    assert first.headers["etag"] == '"2"'
    second = put(world.wendy, contact, {"sms": DENIED, "doNotContact": True})
    assert second.json() == {"call": GRANTED, "sms": DENIED, "email": UNKNOWN, "doNotContact": True}
    assert consent_of(world.bob, contact) == second.json()


def test_a_do_not_contact_is_never_lost_by_leaving_it_out(world: World) -> None:
    contact = world.alice.made()
    put(world.alice, contact, {"doNotContact": True})
    assert put(world.alice, contact, {"call": GRANTED}).json()["doNotContact"] is True
    assert put(world.alice, contact, {"doNotContact": False}).json() == {**NOTHING, "call": GRANTED}


def test_the_time_is_now_unless_given_and_any_zone_becomes_utc(world: World) -> None:
    contact = world.alice.made()
    before = datetime.now(UTC)
    call = put(world.alice, contact, {"call": {"status": "granted"}}).json()["call"]
    assert before <= datetime.fromisoformat(call["at"]) <= datetime.now(UTC)
    assert call["source"] is None
    given = {"status": "denied", "at": "2026-01-15T05:30:00-05:00"}
    assert put(world.alice, contact, {"sms": given}).json()["sms"]["at"] == AT


def test_unknown_forgets_what_was_known(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED})
    assert put(world.alice, contact, {"call": {"status": "unknown"}}).json() == NOTHING
    assert put(world.alice, contact, NOTHING).headers["etag"] == '"2"'


def test_what_was_read_can_be_put_back(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED, "email": {"status": "denied"}, "doNotContact": True})
    again = put(world.alice, contact, consent_of(world.alice, contact))
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')


def test_saying_again_what_is_known_changes_nothing(world: World) -> None:
    """Neither the evidence gets lost, nor do two automations set each other off."""
    contact = world.alice.made(consent={"call": GRANTED, "doNotContact": True})
    before = world.alice.read(contact["id"])
    for same in ({"status": "granted"}, {"status": "granted", "source": " web form "}, GRANTED):
        answer = put(world.alice, contact, {"call": same, "doNotContact": True})
        assert answer.json() == {**NOTHING, "call": GRANTED, "doNotContact": True}
        assert answer.headers["etag"] == '"1"'
    assert world.alice.read(contact["id"]) == before
    assert len(world.alice.history(contact["id"]).json()) == 1


def test_another_status_takes_nothing_over_from_the_last_one(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED})
    call = put(world.alice, contact, {"call": {"status": "denied"}}).json()["call"]
    assert (call["status"], call["source"]) == ("denied", None)
    assert call["at"] > AT
    cleared = put(world.alice, contact, {"call": {"status": "denied", "source": None, "at": AT}})
    assert cleared.json()["call"] == {"status": "denied", "source": None, "at": AT}


def test_a_source_is_cleared_by_null_alone(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED})
    answer = put(world.alice, contact, {"call": {"status": "granted", "source": None}})
    assert answer.json()["call"] == {**GRANTED, "source": None}


def test_a_change_of_consent_is_a_change_of_the_contact(world: World) -> None:
    contact = world.alice.made()
    put(world.alice, contact, {"call": GRANTED})
    after = world.alice.fetch(contact["id"])
    assert after.headers["etag"] == '"2"'
    assert after.json() == {**contact, "updatedAt": after.json()["updatedAt"]}
    assert after.json()["updatedAt"] > contact["updatedAt"]


def test_the_history_tells_each_name_that_changed(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED})
    put(world.wendy, contact, {"call": GRANTED, "sms": DENIED, "doNotContact": True})
    put(world.wendy, contact, {"call": {"status": "unknown"}, "doNotContact": False})
    third, second, first = world.alice.history(contact["id"]).json()
    assert first["changes"] == [{"field": "consent.call", "from": UNKNOWN, "to": GRANTED}]
    assert second["type"] == "contact.updated"
    assert second["actor"]["name"] == "Wendy"
    assert second["changes"] == [
        {"field": "consent.sms", "from": UNKNOWN, "to": DENIED},
        {"field": "consent.doNotContact", "from": False, "to": True},
    ]
    assert third["changes"] == [
        {"field": "consent.call", "from": GRANTED, "to": UNKNOWN},
        {"field": "consent.doNotContact", "from": True, "to": False},
    ]


def test_if_match_guards_a_consent(world: World) -> None:
    contact = world.alice.made()
    assert put(world.alice, contact, {"call": GRANTED}, headers={"if-match": '"1"'}).status_code == 200
    late = put(world.alice, contact, {"call": DENIED}, headers={"if-match": '"1"'})
    assert (late.status_code, late.headers["etag"]) == (412, '"2"')
    assert consent_of(world.alice, contact)["call"] == GRANTED


def test_an_unchanged_consent_need_not_be_sent_again(world: World) -> None:
    contact = world.alice.made()
    path = f"/v1/contacts/{contact['id']}/consent"
    known = world.alice.get(path).headers["etag"]
    again = world.alice.get(path, headers={"if-none-match": known})
    assert (again.status_code, again.content) == (304, b"")


def test_a_dry_run_of_a_consent_keeps_nothing(world: World) -> None:
    contact = world.alice.made()
    tried = put(world.alice, contact, {"call": GRANTED}, dryRun=True)
    assert (tried.json()["call"], tried.headers["x-dry-run"]) == (GRANTED, "true")
    assert consent_of(world.alice, contact) == NOTHING


def test_consents_at_once_are_all_kept(world: World) -> None:
    contact = world.alice.made()
    given = [{"call": GRANTED}, {"sms": DENIED}, {"email": GRANTED}, {"doNotContact": True}]
    at_once(*(lambda part=part: put(world.alice, contact, part) for part in given))
    assert consent_of(world.alice, contact) == {
        "call": GRANTED,
        "sms": DENIED,
        "email": GRANTED,
        "doNotContact": True,
    }
    assert world.alice.fetch(contact["id"]).headers["etag"] == '"5"'


# In what makes and changes contacts.


def test_a_contact_can_be_made_and_changed_with_its_consent(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED, "sms": UNKNOWN, "doNotContact": False})
    assert consent_of(world.alice, contact) == {**NOTHING, "call": GRANTED}
    changed = world.alice.patch(contact["id"], {"lastName": "Doe", "consent": {"email": DENIED}})
    assert list(changed.json()) == list(contact)
    assert consent_of(world.alice, contact) == {**NOTHING, "call": GRANTED, "email": DENIED}


def test_an_empty_consent_changes_nothing(world: World) -> None:
    contact = world.alice.made(consent={})
    answer = world.alice.patch(contact["id"], {"consent": {}})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')


def test_an_upsert_writes_a_consent_down(world: World) -> None:
    phone = a_phone()
    made = world.alice.upsert({"phone": phone, "consent": {"call": GRANTED}})
    assert made.status_code == 201
    found = world.alice.upsert({"phone": phone, "consent": {"call": DENIED, "doNotContact": True}})
    assert found.status_code == 200
    assert consent_of(world.alice, found.json()) == {**NOTHING, "call": DENIED, "doNotContact": True}


def test_preserving_fills_only_what_is_unknown(world: World) -> None:
    phone = a_phone()
    contact = world.alice.made(phone=phone, consent={"call": DENIED, "doNotContact": True})
    fill = {"call": GRANTED, "sms": GRANTED, "email": UNKNOWN, "doNotContact": False}
    world.alice.upsert({"phone": phone, "consent": fill, "preserveExisting": True})
    expected = {"call": DENIED, "sms": GRANTED, "email": UNKNOWN, "doNotContact": True}
    assert consent_of(world.alice, contact) == expected
    again = world.alice.upsert({"phone": phone, "consent": fill, "preserveExisting": True})
    assert again.headers["etag"] == '"2"'
    other = world.alice.made(phone=a_phone())
    world.alice.upsert({"phone": other["phone"], "consent": {"doNotContact": True}, "preserveExisting": True})
    assert consent_of(world.alice, other)["doNotContact"] is True


def test_a_batch_carries_consents(world: World) -> None:
    known, mail = world.alice.made(consent={"sms": DENIED}), an_email()
    answer = world.alice.batch(
        {"op": "create", "data": {"firstName": "New", "consent": {"call": GRANTED}}},
        {"op": "upsert", "data": {"email": mail, "consent": {"email": GRANTED}}},
        {"op": "update", "id": known["id"], "data": {"consent": {"call": DENIED, "doNotContact": True}}},
        {"op": "update", "id": known["id"], "data": {"consent": {"call": {"status": "perhaps"}}}},
    )
    made, upserted, updated, refused = answer.json()["results"]
    assert [r["status"] for r in (made, upserted, updated, refused)] == [201, 201, 200, 400]
    assert consent_of(world.alice, made["contact"]) == {**NOTHING, "call": GRANTED}
    assert consent_of(world.alice, upserted["contact"]) == {**NOTHING, "email": GRANTED}
    expected = {**NOTHING, "call": DENIED, "sms": DENIED, "doNotContact": True}
    assert consent_of(world.alice, known) == expected
    assert refused["problem"]["errors"][0]["pointer"] == "/data/consent/call/status"


# Where it is shown.


def test_the_consent_is_shown_on_request_only(world: World) -> None:
    contact = world.alice.made(consent={"call": GRANTED})
    assert "consent" not in world.alice.read(contact["id"])
    shown = world.alice.fetch(contact["id"], include="consent").json()
    assert shown == {**contact, "consent": {**NOTHING, "call": GRANTED}}
    listed = world.alice.list(include=["consent", "timezones"]).json()
    assert listed[0]["consent"] == shown["consent"]
    assert "timezones" in listed[0]
    assert "consent" not in world.alice.list().json()[0]
    for sort in ("-createdAt", "updatedAt", "-updatedAt"):
        assert world.alice.list(include="consent", sort=sort).json()[0]["consent"] == shown["consent"]


def test_a_deleted_contact_keeps_its_consent_out_of_sight(world: World) -> None:
    contact = world.alice.made(consent={"call": DENIED})
    world.alice.remove(contact["id"])
    path = f"/v1/contacts/{contact['id']}/consent"
    assert world.alice.get(path).status_code == 404
    assert put(world.alice, contact, {"call": GRANTED}).status_code == 404
    seen = world.alice.fetch(contact["id"], include=["deleted", "consent"]).json()
    assert seen["consent"]["call"] == DENIED
    world.alice.restore(contact["id"])
    assert consent_of(world.alice, contact)["call"] == DENIED


def test_a_purge_erases_the_consent(world: World) -> None:
    contact = world.alice.made(consent={"call": {**DENIED, "source": "purge-me"}})
    put(world.alice, contact, {"sms": {**GRANTED, "source": "purge-me"}})
    world.alice.remove(contact["id"], purge=True)
    for table in ("contacts", "contact_events", "kept_answers"):
        assert world.sql.fetch(f"select 1 from {table} t where t::text like '%purge-me%'") == []


# What is wrong.


@pytest.mark.parametrize(
    ("consent", "wrong"),
    [
        ({}, {"": "no_fields"}),
        ({"fax": GRANTED}, {"/fax": "unknown_field"}),
        ({"call": "granted"}, {"/call": "wrong_type"}),
        ({"call": None}, {"/call": "wrong_type"}),
        ({"call": {}}, {"/call/status": "required"}),
        ({"call": {"status": None}}, {"/call/status": "unknown_value"}),
        ({"call": {**GRANTED, "by": "me"}}, {"/call/by": "unknown_field"}),
        ({"call": {**GRANTED, "source": 5}}, {"/call/source": "wrong_type"}),
        ({"call": {**GRANTED, "source": "x" * 256}}, {"/call/source": "wrong_length"}),
        ({"call": {**GRANTED, "at": "2026-01-15T10:30:00"}}, {"/call/at": "invalid_timestamp"}),
        ({"call": {**GRANTED, "at": 5}}, {"/call/at": "invalid_timestamp"}),
        ({"call": {**GRANTED, "at": "0001-01-01T00:00:00Z"}}, {"/call/at": "implausible_time"}),
        ({"call": {**GRANTED, "at": "9999-12-31T23:59:59Z"}}, {"/call/at": "implausible_time"}),
        (
            {"call": {**UNKNOWN, "source": "x", "at": AT}},
            {"/call/source": "not_here", "/call/at": "not_here"},
        ),
        ({"doNotContact": None}, {"/doNotContact": "wrong_type"}),
        ({"doNotContact": 1}, {"/doNotContact": "wrong_type"}),
        (
            {"call": {"status": "yes", "at": "now"}, "sms": 5, "emial": {}, "doNotContact": []},
            {
                "/call/status": "unknown_value",
                "/call/at": "invalid_timestamp",
                "/sms": "wrong_type",
                "/emial": "unknown_field",
                "/doNotContact": "wrong_type",
            },
        ),
    ],
)
def test_all_that_is_wrong_with_a_consent_is_told_at_once(
    world: World, consent: Any, wrong: dict[str, str]
) -> None:
    contact = world.alice.made()
    refused = put(world.alice, contact, consent)
    assert (refused.status_code, pointers(refused)) == (400, wrong)
    assert world.alice.fetch(contact["id"]).headers["etag"] == '"1"'
    if consent:
        inside = world.alice.create({"firstName": "Jane", "consent": consent})
        assert pointers(inside) == {f"/consent{pointer}": code for pointer, code in wrong.items()}


@pytest.mark.parametrize("consent", [None, [], "granted", True])
def test_a_consent_is_an_object(world: World, consent: Any) -> None:
    assert pointers(world.alice.create({"firstName": "J", "consent": consent})) == {"/consent": "wrong_type"}


def test_a_clock_a_little_fast_is_no_reason_to_refuse(world: World) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    late = (datetime.now(UTC) + timedelta(hours=30)).isoformat()
    contact = world.alice.made()
    assert put(world.alice, contact, {"call": {"status": "granted", "at": soon}}).status_code == 200
    refused = put(world.alice, contact, {"call": {"status": "granted", "at": late}})
    assert pointers(refused) == {"/call/at": "implausible_time"}


def test_reading_is_not_enough_to_write_a_consent(world: World) -> None:
    contact = world.alice.made()
    assert put(world.bob, contact, {"call": GRANTED}).status_code == 403


STATUS = st.sampled_from(["unknown", "granted", "denied"])
TIMES = st.integers(0, 1_760_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
SOURCES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@st.composite
def channels(draw: st.DrawFn) -> dict[str, Any]:
    status = draw(STATUS)
    if status == "unknown":
        return UNKNOWN
    source = draw(SOURCES).strip() or None
    return {"status": status, "source": source, "at": draw(TIMES).isoformat().replace("+00:00", "Z")}


@given(call=channels(), sms=channels(), email=channels(), flag=st.booleans())
@settings(max_examples=200)
def test_whatever_is_given_whole_is_shown_as_given(call: Any, sms: Any, email: Any, flag: bool) -> None:
    whole = {"call": call, "sms": sms, "email": email, "doNotContact": flag}
    errors = Errors()
    stored = msgspec.json.encode(born(parse_consent(whole, errors))).decode()
    assert errors.found == []
    assert msgspec.to_builtins(show_consent(stored)) == whole
