"""Names that the installed data does not know: brought by a newer release that another process runs with.

The database is told them here by hand, since no process with this data would store them.
"""

from typing import Any

import pytest

from tests.availability.test_get import NOON, verdict, window
from tests.world import Caller, World, a_phone, an_email

NAME = "America/New_Split"


@pytest.fixture
def contact(world: World) -> dict[str, Any]:
    contact = world.alice.made(phone=a_phone(), email=an_email(), timezone="America/Los_Angeles")
    world.sql.execute(
        """update contacts set timezone = $3, timezones = array[$3, 'America/Los_Angeles']
            where workspace_id = $1 and id = $2""",
        world.acme,
        contact["id"],
        NAME,
    )
    return contact


def test_the_contact_is_shown_as_it_is_stored(world: World, contact: dict[str, Any]) -> None:
    assert world.alice.read(contact["id"]) == {**contact, "timezone": NAME}
    for include in ("timezones", "consent"):
        assert world.alice.fetch(contact["id"], include=include).json()["timezone"] == NAME
        assert world.alice.list(include=include).json()[0]["timezone"] == NAME
    shown = world.alice.fetch(contact["id"], include="timezones").json()
    assert shown["timezones"] == [NAME, "America/Los_Angeles"]


def test_everything_else_of_it_can_be_changed(world: World, contact: dict[str, Any]) -> None:
    alice: Caller = world.alice
    assert alice.patch(contact["id"], {"firstName": "June"}).json()["timezone"] == NAME
    path = f"/v1/contacts/{contact['id']}/consent"
    assert alice.put(path, {"doNotContact": True}).status_code == 200
    upserted = alice.upsert({"phone": contact["phone"], "lastName": "Doe", "timezone": "UTC"})
    assert upserted.json()["timezone"] == NAME
    alice.remove(contact["id"])
    assert alice.restore(contact["id"]).json()["timezone"] == NAME
    assert alice.history(contact["id"]).status_code == 200


def test_the_name_can_be_replaced_but_not_given(world: World, contact: dict[str, Any]) -> None:
    assert world.alice.patch(contact["id"], {"timezone": NAME}).status_code == 400
    assert world.alice.patch(contact["id"], {"timezone": "America/Denver"}).status_code == 200
    assert world.alice.fetch(contact["id"], include="timezones").json()["timezones"] == ["America/Denver"]


def test_a_workspace_with_such_a_name_goes_on_working(world: World) -> None:
    statement = "update workspaces set timezone = $2, catalog_version = catalog_version + 1 where id = $1"
    world.sql.execute(statement, world.acme, NAME)
    assert world.alice.get(f"/v1/workspaces/{world.acme}").json()["timezone"] == NAME
    assert world.alice.create({"firstName": "Jane"}).status_code == 201
    several = world.alice.made(phone="+12085550155")  # Idaho lies in two zones.
    assert several["timezone"] == "America/Boise"
    assert world.alice.upsert({"phone": a_phone()}).json()["timezone"] == "America/Los_Angeles"


def test_where_one_of_several_is_unknown_the_contact_counts_as_one_without_a_zone(
    world: World, contact: dict[str, Any]
) -> None:
    assert verdict(world.bob, contact)["reasons"] == ["no_timezone"]
    assert world.bob.list(availableAt=NOON, channel="call").json() == []
    office = window(world, "Office", ("mon", "09:00", "17:00"))
    planned = world.bob.post(f"/v1/send-windows/{office['id']}/plan", {"at": NOON}).json()
    assert (planned["contacts"], planned["unavailable"]) == (1, {"no_timezone": 1})
