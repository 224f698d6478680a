"""POST /v1/contacts/upsert."""

from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from tests.statements import counted
from tests.world import World, a_phone, an_email, at_once, pointers

PHONE = "+14155551234"


def test_where_nobody_matches_a_contact_is_made(world: World) -> None:
    answer = world.alice.upsert({"phone": "+1 (415) 555-1234", "firstName": "Jane"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{world.http.base_url}/v1/contacts/{answer.json()['id']}"
    assert (answer.json()["phone"], answer.json()["timezone"]) == (PHONE, "America/Los_Angeles")


def test_the_contact_with_the_phone_is_changed(world: World) -> None:
    made = world.alice.made(phone=PHONE, firstName="Jane", lastName="Doe")
    answer = world.alice.upsert({"phone": "+1 415 555 1234", "firstName": "June"})
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    assert (answer.json()["firstName"], answer.json()["lastName"]) == ("June", "Doe")
    assert answer.headers["etag"] == '"2"'
    assert "location" not in answer.headers


def test_the_contact_with_the_email_is_changed_without_regard_to_case(world: World) -> None:
    made = world.alice.made(email="Jane@example.com")
    answer = world.alice.upsert({"email": "jane@EXAMPLE.com", "lastName": "Doe"})
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    assert answer.json()["email"] == "jane@example.com", "given values overwrite"


def test_the_phone_goes_before_the_email(world: World) -> None:
    email = an_email()
    made = world.alice.made(phone=PHONE)
    answer = world.alice.upsert({"phone": PHONE, "email": email})
    assert (answer.status_code, answer.json()["id"], answer.json()["email"]) == (200, made["id"], email)


def test_one_found_by_email_gets_the_phone(world: World) -> None:
    email = an_email()
    made = world.alice.made(email=email, phone="+12125551234")
    answer = world.alice.upsert({"phone": PHONE, "email": email})
    assert (answer.status_code, answer.json()["id"], answer.json()["phone"]) == (200, made["id"], PHONE)


def test_phone_and_email_of_two_contacts_are_refused_naming_both(world: World) -> None:
    email = an_email()
    one, other = world.alice.made(phone=PHONE), world.alice.made(email=email)
    refused = world.alice.upsert({"phone": PHONE, "email": email, "firstName": "June", "tags": ["fresh"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/errors/conflict")
    named = {error["pointer"]: error["contactId"] for error in refused.json()["errors"]}
    assert named == {"/phone": one["id"], "/email": other["id"]}
    assert (world.alice.read(one["id"]), world.alice.read(other["id"])) == (one, other)
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 0


@pytest.mark.parametrize(
    "fields", [{"firstName": "Jane"}, {"phone": None}, {"phone": "", "email": None, "lastName": "D"}]
)
def test_a_phone_or_an_email_is_needed(world: World, fields: dict[str, Any]) -> None:
    refused = world.alice.upsert(fields)
    assert refused.status_code == 400
    assert "phone" in refused.json()["detail"]
    assert "email" in refused.json()["detail"]


@pytest.mark.parametrize("by", [("phone",), ("email",), ("phone", "email")])
def test_deleted_contacts_never_match(world: World, by: tuple[str, ...]) -> None:
    values = {"phone": PHONE, "email": an_email()}
    deleted = world.alice.made(values)
    assert world.alice.remove(deleted["id"]).status_code == 204
    answer = world.alice.upsert({name: values[name] for name in by})
    assert answer.status_code == 201
    assert answer.json()["id"] != deleted["id"]


def test_contacts_of_other_workspaces_never_match(world: World) -> None:
    world.ada.made(workspaceId=world.acme_two, phone=PHONE)
    world.carol.made(phone=PHONE)
    assert world.alice.upsert({"phone": PHONE}).status_code == 201


def test_with_preserve_existing_only_what_is_empty_is_filled(world: World) -> None:
    world.field("MRR", "number")
    world.field("Plan")
    made = world.alice.made(phone=PHONE, firstName="Jane", tags=["vip"], customFields={"MRR": 5})
    sent = {
        "phone": PHONE,
        "preserveExisting": True,
        "firstName": "June",
        "lastName": "Doe",
        "email": "jane@example.com",
        "tags": ["new"],
        "customFields": {"MRR": 6, "Plan": "Pro"},
    }
    answer = world.alice.upsert(sent)
    assert (answer.status_code, answer.json()["id"]) == (200, made["id"])
    assert answer.json()["firstName"] == "Jane"
    assert answer.json()["lastName"] == "Doe"
    assert answer.json()["email"] == "jane@example.com"
    assert answer.json()["tags"] == ["new", "vip"]
    assert answer.json()["customFields"] == {"MRR": "5", "Plan": "Pro"}


def test_preserve_existing_never_clears(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made(phone=PHONE, firstName="Jane", customFields={"MRR": 5})
    cleared = {"phone": PHONE, "preserveExisting": True, "firstName": None, "customFields": {"MRR": None}}
    assert world.alice.upsert(cleared).json() == made


def test_without_it_null_clears(world: World) -> None:
    world.field("MRR", "number")
    world.alice.made(phone=PHONE, firstName="Jane", lastName="Doe", customFields={"MRR": 5})
    answer = world.alice.upsert({"phone": PHONE, "firstName": None, "customFields": {"MRR": None}})
    assert (answer.json()["firstName"], answer.json()["lastName"]) == (None, "Doe")
    assert answer.json()["customFields"] == {}


def test_tags_always_add(world: World) -> None:
    world.alice.made(phone=PHONE, tags=["gold"])
    for preserve in (True, False):
        answer = world.alice.upsert({"phone": PHONE, "tags": [f"{preserve}"], "preserveExisting": preserve})
    assert answer.json()["tags"] == ["False", "True", "gold"]


def test_a_zone_is_used_only_when_creating(world: World) -> None:
    made = world.alice.upsert({"phone": PHONE, "timezone": "Europe/Paris"}).json()
    assert made["timezone"] == "Europe/Paris"
    again = world.alice.upsert({"phone": PHONE, "timezone": "Asia/Tokyo"})
    assert (again.status_code, again.json()["timezone"]) == (200, "Europe/Paris")
    kept = world.alice.upsert({"phone": PHONE, "timezone": "Asia/Tokyo", "preserveExisting": True})
    assert kept.json()["timezone"] == "Europe/Paris"


def test_an_empty_zone_is_filled_under_preserve_existing_alone(world: World) -> None:
    made = world.alice.made(email="jane@example.com")
    assert made["timezone"] is None
    plain = world.alice.upsert({"email": "jane@example.com", "timezone": "Asia/Tokyo"})
    assert plain.json()["timezone"] is None
    filled = world.alice.upsert(
        {"email": "jane@example.com", "timezone": "Asia/Tokyo", "preserveExisting": True}
    )
    assert filled.json()["timezone"] == "Asia/Tokyo"


def test_a_wrong_zone_is_refused_also_where_it_would_not_be_used(world: World) -> None:
    world.alice.made(phone=PHONE)
    refused = world.alice.upsert({"phone": PHONE, "timezone": "Europe/Parys"})
    assert pointers(refused) == {"/timezone": "unknown_timezone"}


def test_an_upsert_that_changes_nothing_leaves_no_trace(world: World) -> None:
    made = world.alice.made(phone=PHONE, firstName="Jane", tags=["vip"])
    answer = world.alice.upsert({"phone": PHONE, "firstName": "Jane", "tags": ["vip"]})
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (200, made, '"1"')
    assert len(world.alice.history(made["id"]).json()) == 1


def test_an_account_key_must_say_in_which_workspace(world: World) -> None:
    refused = world.ada.upsert({"phone": PHONE})
    assert refused.json()["detail"] == "workspaceId is required for account-scoped API keys"
    assert world.ada.upsert({"phone": PHONE, "workspaceId": world.acme_two}).status_code == 201
    assert world.ada.upsert({"phone": PHONE, "workspaceId": world.acme_two}).status_code == 200
    assert world.ada.upsert({"phone": PHONE, "workspaceId": world.globex}).status_code == 404


def test_a_reader_may_not_upsert(world: World) -> None:
    assert world.bob.upsert({"phone": PHONE}).status_code == 403


@pytest.mark.parametrize("wrong", ["yes", 2, 1, 0, 1.0, None, [], "1"])
def test_preserve_existing_is_true_or_false(world: World, wrong: object) -> None:
    assert list(pointers(world.alice.upsert({"phone": PHONE, "preserveExisting": wrong}))) == [
        "/preserveExisting"
    ]


EMPTY = ["", " ", "\t\u3000"]


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("batch", [False, True])
def test_an_empty_string_counts_as_not_given(world: World, empty: str, batch: bool) -> None:
    """Automations send one for each field that was left free."""
    for name, kind in (("Plan", "text"), ("MRR", "number"), ("Since", "date"), ("Trial", "boolean")):
        world.field(name, kind)
    custom = {"Plan": "Pro", "MRR": 5, "Since": "2026-01-15", "Trial": True}
    made = world.alice.made(
        phone=PHONE,
        email="jane@example.com",
        firstName="Jane",
        lastName="Doe",
        timezone="Asia/Tokyo",
        tags=["vip"],
        customFields=custom,
        consent={"call": {"status": "granted", "source": "form"}},
    )
    names = ("firstName", "lastName", "timezone", "tags", "consent", "preserveExisting")
    sent: dict[str, Any] = {**dict.fromkeys(names, empty), "customFields": dict.fromkeys(custom, empty)}
    sent["customFields"]["Plan"] = "Max"

    def upsert(**fields: Any) -> dict[str, Any]:
        data = {**sent, **fields}
        if batch:
            answer = world.alice.batch({"op": "upsert", "data": data})
            return answer.json()["results"][0]
        answer = world.alice.upsert({**data, "workspaceId": empty})
        return {"status": answer.status_code, "contact": answer.json()}

    due = {**made, "customFields": {**made["customFields"], "Plan": "Max"}}
    for key in ({"phone": PHONE, "email": empty}, {"phone": empty, "email": "jane@example.com"}):
        result = upsert(**key)
        assert result["status"] == 200, result
        assert {**result["contact"], "updatedAt": made["updatedAt"]} == due
    consent = world.alice.get(f"/v1/contacts/{made['id']}/consent").json()
    assert (consent["call"]["status"], consent["call"]["source"]) == ("granted", "form")
    assert (
        upsert(phone=PHONE, customFields=empty, consent={"call": empty, "doNotContact": empty})["status"]
        == 200
    )
    fresh = upsert(phone="+442071838750", email=empty)
    assert (fresh["status"], fresh["contact"]["timezone"]) == (201, "Europe/London")
    assert fresh["contact"]["customFields"] == {"Plan": "Max"}


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("batch", [False, True])
def test_an_empty_string_within_a_value_counts_as_not_given(world: World, empty: str, batch: bool) -> None:
    given = {"status": "granted", "source": "form", "at": "2026-01-15T10:30:00Z"}
    made = world.alice.made(phone=PHONE, tags=["vip"], consent={"call": given, "sms": given})

    def upsert(**fields: Any) -> dict[str, Any]:
        data = {"phone": PHONE, **fields}
        if batch:
            return world.alice.batch({"op": "upsert", "data": data}).json()["results"][0]
        answer = world.alice.upsert(data)
        return {"status": answer.status_code, "problem": answer.json()}

    free = {"status": empty, "source": empty, "at": empty}
    tags = [empty, "gold", empty]
    answer = upsert(tags=tags, consent={"call": {**free, "status": "granted"}, "sms": free, "email": free})
    assert answer["status"] == 200, answer
    assert world.alice.read(made["id"])["tags"] == ["gold", "vip"]
    consent = world.alice.get(f"/v1/contacts/{made['id']}/consent").json()
    assert (consent["call"], consent["sms"]) == (given, given)
    assert consent["email"]["status"] == "unknown"
    refused = upsert(consent={"call": {"source": "form", "status": empty}, "sms": {"sauce": empty}})
    assert refused["status"] == 400
    codes = {e["pointer"].removeprefix("/data"): e["code"] for e in refused["problem"]["errors"]}
    assert codes == {
        "/consent/call/status": "required",
        "/consent/sms/sauce": "unknown_field",
        "/consent/sms/status": "required",
    }
    assert world.alice.patch(made["id"], {"tags": tags}).status_code == 400


@pytest.mark.parametrize("empty", EMPTY)
def test_a_phone_and_an_email_that_are_empty_are_missing(world: World, empty: str) -> None:
    for sent in (
        {"phone": empty, "email": empty},
        {"phone": empty, "firstName": empty},
        {"email": empty},
        {},
    ):
        assert pointers(world.alice.upsert(sent)) == {"": "required"}
        [result] = world.alice.batch({"op": "upsert", "data": sent}).json()["results"]
        assert [(e["pointer"], e["code"]) for e in result["problem"]["errors"]] == [("/data", "required")]


def test_what_is_missing_and_what_is_wrong_are_told_at_once(world: World) -> None:
    refused = world.alice.upsert({"phone": "", "lastName": 5, "nickname": "", "customFields": {"Nope": ""}})
    assert pointers(refused) == {
        "/lastName": "wrong_type",
        "/nickname": "unknown_field",
        "/customFields/Nope": "unknown_custom_field",
        "": "required",
    }
    assert pointers(world.alice.upsert({"phone": "12"})) == {"/phone": "no_country_code"}


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_workspace_counts_as_none(world: World, empty: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "/v1/contacts": {"firstName": "Jane"},
        "/v1/contacts/upsert": {"phone": PHONE},
        "/v1/contacts/batch": {"operations": [{"op": "create", "data": {"firstName": "Jane"}}]},
        "/v1/custom-fields": {"name": "Plan", "type": "text"},
        "/v1/send-windows": {"name": "Office", "preset": "us-tcpa"},
    }
    for path, body in bodies.items():
        assert world.alice.post(path, {**body, "workspaceId": empty}).status_code in (200, 201), path
        refused = world.ada.post(path, {**body, "workspaceId": empty})
        assert pointers(refused) == {"/workspaceId": "required"}, path
        assert refused.json()["detail"] == "workspaceId is required for account-scoped API keys"
    world.alice.made(tags=["vip"])
    renamed = {"name": "gold", "workspaceId": empty}
    assert pointers(world.ada.request("PATCH", "/v1/tags/vip", renamed)) == {"/workspaceId": "required"}
    assert world.alice.request("PATCH", "/v1/tags/vip", renamed).status_code == 200


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_workspace_makes_no_key_of_the_whole_account(world: World, empty: str) -> None:
    assert pointers(world.ada.post("/v1/api-keys", {"workspaceId": empty})) == {"/workspaceId": "required"}
    assert world.alice.post("/v1/api-keys", {"workspaceId": empty}).json()["scope"] == "workspace"
    assert world.ada.post("/v1/api-keys", {}).json()["scope"] == "account"


def test_upserts_at_the_same_moment_share_look_ups_and_commits(
    world: World, database_url: str, private_server: Callable[..., httpx.Client]
) -> None:
    phones = [world.alice.made(phone=a_phone())["phone"] for _ in range(40)]
    with counted(database_url) as statements:
        alice = world.alice.at(private_server(database_url=statements.url))
        alice.upsert({"phone": phones[0], "firstName": "June"})
        before = statements.since()
        answers = at_once(*(partial(alice.upsert, {"phone": p, "firstName": "Joan"}) for p in phones))
        assert {answer.status_code for answer in answers} == {200}
        assert statements.since(before).total() < 70, "two for each upsert, or more"
