"""POST /v1/contacts/upsert."""

from typing import Any

import pytest

from tests.world import World, an_email, pointers

PHONE = "+14155551234"


def test_where_nobody_matches_a_contact_is_made(world: World) -> None:
    answer = world.alice.upsert({"phone": "+1 (415) 555-1234", "firstName": "Jane"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/contacts/{answer.json()['id']}"
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
