"""POST /v1/contacts."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from contactory.base.settings import Settings
from contactory.contacts.write.create import NewContact, create_contacts
from tests.servers import Sql
from tests.world import World, a_phone, an_email, pointers


def test_a_new_contact_is_answered_with_201_and_its_location(world: World) -> None:
    answer = world.wendy.create({"firstName": "Jane"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{world.http.base_url}/v1/contacts/{answer.json()['id']}"
    assert answer.headers["etag"] == '"1"'
    assert world.wendy.get(answer.headers["location"]).json() == answer.json()


def test_a_new_contact_has_an_id_of_version_7_and_times_in_utc(world: World) -> None:
    asked = datetime.now(UTC)
    made = world.alice.made()
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", made["createdAt"])
    assert made["createdAt"] == made["updatedAt"]
    assert asked <= datetime.fromisoformat(made["createdAt"]) <= datetime.now(UTC)


def test_every_field_is_kept(world: World) -> None:
    world.field("MRR", "number")
    fields = {
        "firstName": "Jane",
        "lastName": "Doe",
        "email": an_email(),
        "phone": "+14155551234",
        "timezone": "Europe/Paris",
        "tags": ["gold", "vip"],
        "customFields": {"MRR": "500"},
    }
    made = world.alice.made(fields)
    assert {name: made[name] for name in fields} == fields
    assert world.alice.read(made["id"]) == made


@pytest.mark.parametrize("nothing", [[], ["workspaceId"]])
def test_at_least_one_field_besides_the_workspace_must_be_given(world: World, nothing: list[str]) -> None:
    sent = dict.fromkeys(nothing, world.acme)
    refused = world.alice.create(sent)
    assert refused.status_code == 400
    assert refused.json()["detail"] == "At least one field must be provided"


def test_everything_that_is_wrong_is_reported_at_once(world: World) -> None:
    refused = world.alice.create({"workspaceId": "x", "firstName": 1, "email": "x", "zip": 5, "tags": {}})
    assert set(pointers(refused)) == {"/workspaceId", "/firstName", "/email", "/zip", "/tags"}


def test_a_taken_phone_and_email_are_both_named_with_their_contacts(world: World) -> None:
    email = an_email()
    by_phone, by_email = world.alice.made(phone="+14155551234"), world.alice.made(email=email)
    refused = world.alice.create({"phone": "+14155551234", "email": email.upper(), "tags": ["fresh"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/errors/conflict")
    assert refused.json()["retryable"] is False
    named = {error["pointer"]: error["contactId"] for error in refused.json()["errors"]}
    assert named == {"/phone": by_phone["id"], "/email": by_email["id"]}
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 0


def test_one_contact_that_has_both_is_named_for_both(world: World) -> None:
    email = an_email()
    other = world.alice.made(phone="+14155551234", email=email)
    refused = world.alice.create({"phone": "+14155551234", "email": email})
    named = {error["pointer"]: error["contactId"] for error in refused.json()["errors"]}
    assert named == {"/phone": other["id"], "/email": other["id"]}


def test_the_phone_of_a_deleted_contact_is_free(world: World) -> None:
    email = an_email()
    first = world.alice.made(phone="+14155551234", email=email)
    assert world.alice.remove(first["id"]).status_code == 204
    assert world.alice.made(phone="+14155551234", email=email)["id"] != first["id"]


def test_an_explicit_zone_goes_before_that_of_the_phone(world: World) -> None:
    assert world.alice.made(phone="+14155551234", timezone="Europe/Paris")["timezone"] == "Europe/Paris"


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+14155551234", "America/Los_Angeles"),
        ("+12125551234", "America/New_York"),
        ("+442071234567", "Europe/London"),
        ("+919810012345", "Asia/Kolkata"),
        ("+33142345678", "Europe/Paris"),
    ],
)
def test_the_zone_comes_from_the_phone(world: World, phone: str, zone: str) -> None:
    assert world.alice.made(phone=phone)["timezone"] == zone
    world.alice.remove(world.alice.list(phone=phone).json()[0]["id"])
    assert world.alice.made(phone=phone, timezone=None)["timezone"] == zone


def test_without_a_phone_the_zone_is_that_of_the_workspace_else_null(world: World) -> None:
    workspace = world.workspace("Berlin", timezone="Europe/Berlin")
    assert world.caller(workspace).made(firstName="Jane")["timezone"] == "Europe/Berlin"
    assert world.caller(workspace).made(phone="+18005551234")["timezone"] == "Europe/Berlin"
    assert world.alice.made(firstName="Jane")["timezone"] is None


def test_a_number_of_several_zones_takes_that_of_the_workspace_if_it_is_among_them(world: World) -> None:
    perth = world.workspace("Perth", timezone="Australia/Perth")
    sydney = world.workspace("Sydney", timezone="Europe/Paris")
    mobile = "+61412345678"
    assert world.caller(perth).made(phone=mobile)["timezone"] == "Australia/Perth"
    elsewhere = world.caller(sydney).made(phone=mobile)
    assert elsewhere["timezone"] == "Australia/Sydney"
    remembered = world.caller(sydney).fetch(elsewhere["id"], include="timezones").json()
    assert {"Australia/Perth", "Australia/Sydney", "Australia/Brisbane"} <= set(remembered["timezones"])


def test_a_zone_that_is_given_stands_alone(world: World) -> None:
    made = world.alice.made(phone="+61412345678")
    assert len(world.alice.fetch(made["id"], include="timezones").json()["timezones"]) > 1
    for zone, expected in (("Asia/Tokyo", ["Asia/Tokyo"]), (None, [])):
        assert world.alice.patch(made["id"], {"timezone": zone}).status_code == 200
        shown = world.alice.fetch(made["id"], include="timezones").json()
        assert (shown["timezone"], shown["timezones"]) == (zone, expected)
        assert shown["timezoneSource"] == ("caller" if zone else None)


def test_an_account_key_must_say_in_which_workspace(world: World) -> None:
    refused = world.ada.create({"firstName": "Jane"})
    assert refused.status_code == 400
    assert refused.json()["detail"] == "workspaceId is required for account-scoped API keys"
    assert list(pointers(refused)) == ["/workspaceId"]
    made = world.ada.made(workspaceId=world.acme_two.upper(), firstName="Jane")
    assert made["workspaceId"] == world.acme_two


def test_an_account_key_cannot_reach_the_other_mode_or_another_account(world: World) -> None:
    for workspace_id in (world.acme_test, world.globex, "0192f000-0000-7000-8000-000000000000"):
        assert world.ada.create({"workspaceId": workspace_id, "firstName": "Jane"}).status_code == 404
    tests = world.caller(None, mode="test")
    assert tests.create({"workspaceId": world.acme, "firstName": "Jane"}).status_code == 404
    assert tests.create({"workspaceId": world.acme_test, "firstName": "Jane"}).status_code == 201


def test_a_workspace_key_may_name_its_own_workspace_and_no_other(world: World) -> None:
    assert world.alice.made(workspaceId=world.acme, firstName="Jane")["workspaceId"] == world.acme
    for other in (world.acme_two, world.globex, "0192f000-0000-7000-8000-000000000000"):
        assert world.alice.create({"workspaceId": other, "firstName": "Jane"}).status_code == 404


def test_a_reader_may_not_make_contacts(world: World) -> None:
    assert world.bob.create({"firstName": "Jane"}).status_code == 403
    assert world.bob.list().json() == []


@pytest.mark.parametrize(
    "body", [{"workspaceId": 5}, {"workspaceId": None}, {"workspaceId": ["x"]}, {"workspaceId": "x"}]
)
def test_a_workspace_that_is_no_id_is_refused(world: World, body: dict[str, Any]) -> None:
    for who in (world.alice, world.ada):
        assert list(pointers(who.create({**body, "firstName": "x"}))) == ["/workspaceId"]


def test_a_creation_that_is_tried_again_is_one_creation(world: World, sql: Sql) -> None:
    """A lane tries a whole batch again where a part of it collided with another transaction."""
    new = NewContact(
        workspace_id=world.acme,
        catalog_version=1,
        actor_type="system",
        actor_id=None,
        via="api",
        request_id="twice",
        phone=a_phone(),
    )
    for _ in range(2):
        [made] = sql.run(create_contacts(sql.conn, [new], Settings()))
        assert made
    assert len(world.alice.list(phone=new.phone).json()) == 1
    assert len(world.alice.history(new.id).json()) == 1
