"""GET /v1/contacts/{id}/history."""

import re
from typing import Any

import httpx

from tests.world import World, pointers


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_field(event: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {change["field"]: (change["from"], change["to"]) for change in event["changes"]}


def test_every_change_leaves_an_event_newest_first(world: World) -> None:
    made = world.alice.made()
    world.alice.patch(made["id"], {"firstName": "June"})
    world.alice.set_tags(made["id"], ["vip"])
    world.alice.remove(made["id"])
    world.alice.restore(made["id"])
    types = [event["type"] for event in events(world.bob.history(made["id"]))]
    assert types == [
        "contact.restored",
        "contact.deleted",
        "contact.updated",
        "contact.updated",
        "contact.created",
    ]


def test_an_event_says_who_did_what_when_and_how(world: World) -> None:
    made = world.alice.made()
    changed = world.wendy.patch(made["id"], {"firstName": "June"}, headers={"x-request-id": "req-1"}).json()
    event = events(world.alice.history(made["id"]))[0]
    assert list(event) == ["id", "type", "at", "actor", "via", "requestId", "changes"]
    assert event["actor"] == {"type": "api_key", "id": world.wendy.key_id, "name": "Wendy"}
    assert (event["via"], event["requestId"], event["at"]) == ("api", "req-1", changed["updatedAt"])
    assert event["changes"] == [{"field": "firstName", "from": "Jane", "to": "June"}]


def test_the_request_id_of_an_event_is_that_of_the_answer(world: World) -> None:
    answer = world.alice.create({"firstName": "Jane"})
    [event] = events(world.alice.history(answer.json()["id"]))
    assert event["requestId"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", event["requestId"])


def test_a_creation_names_every_value(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made(
        firstName="Jane", phone="+14155551234", tags=["vip", "gold"], customFields={"MRR": 5}
    )
    [event] = events(world.alice.history(made["id"]))
    assert by_field(event) == {
        "firstName": (None, "Jane"),
        "phone": (None, "+14155551234"),
        "timezone": (None, "America/Los_Angeles"),
        "tags": ([], ["gold", "vip"]),
        "customFields.MRR": (None, "5"),
    }


def test_a_change_names_what_changed_and_nothing_else(world: World) -> None:
    for name in ("A", "B", "C", "D"):
        world.field(name)
    made = world.alice.made(
        firstName="Jane", lastName="Doe", tags=["gold"], customFields={"A": "1", "B": "2", "C": "3"}
    )
    world.alice.patch(
        made["id"],
        {
            "firstName": "Jane",
            "lastName": None,
            "email": "jane@example.com",
            "tags": ["vip", "gold"],
            "customFields": {"A": "new", "B": None, "C": "3", "D": None},
        },
    )
    assert by_field(events(world.alice.history(made["id"]))[0]) == {
        "lastName": ("Doe", None),
        "email": (None, "jane@example.com"),
        "tags": (["gold"], ["gold", "vip"]),
        "customFields.A": ("1", "new"),
        "customFields.B": ("2", None),
    }


def test_events_carry_the_values_that_the_answers_had(world: World) -> None:
    """From the events alone, every version of the contact can be told."""
    world.field("A")
    made = world.alice.made(firstName="0", customFields={"A": "0"})
    for number in range(1, 5):
        world.alice.patch(made["id"], {"firstName": f"{number}", "customFields": {"A": f"{number}"}})
    found = [by_field(event) for event in events(world.alice.history(made["id"]))]
    chain = [(f"{n - 1}", f"{n}") for n in range(4, 0, -1)]
    assert [event["firstName"] for event in found] == [*chain, (None, "0")]
    assert [event["customFields.A"] for event in found] == [*chain, (None, "0")]


def test_the_history_is_walked_by_cursor(world: World) -> None:
    made = world.alice.made()
    for number in range(6):
        world.alice.patch(made["id"], {"firstName": f"{number}"})
    whole = events(world.alice.history(made["id"]))
    assert len(whole) == 7
    page = world.alice.history(made["id"], limit=3)
    found = events(page)
    while "next" in page.links:
        world.alice.patch(made["id"], {"lastName": f"{len(found)}"})
        page = world.alice.get(page.links["next"]["url"])
        found += events(page)
    assert found == whole


def test_a_wrong_parameter_is_named(world: World) -> None:
    made = world.alice.made()
    for wrong in ({"limit": 0}, {"cursor": "x"}, {"sort": "x"}):
        assert list(pointers(world.alice.history(made["id"], **wrong))) == list(wrong)


def test_the_history_of_a_foreign_or_deleted_contact_is_not_found(world: World) -> None:
    made = world.alice.made()
    for outsider in (world.carol, world.tom, world.caller(world.acme_two)):
        assert outsider.history(made["id"]).status_code == 404
    assert world.ada.history(made["id"]).status_code == 200
    world.alice.remove(made["id"])
    assert world.alice.history(made["id"]).status_code == 404


def test_batches_and_upserts_leave_events_too(world: World) -> None:
    made = world.alice.made(phone="+14155551234")
    world.alice.upsert({"phone": "+14155551234", "firstName": "June"})
    world.alice.batch({"op": "update", "id": made["id"], "data": {"firstName": "Joan"}})
    found = [by_field(event)["firstName"] for event in events(world.alice.history(made["id"]))[:2]]
    assert found == [("June", "Joan"), (None, "June")]
