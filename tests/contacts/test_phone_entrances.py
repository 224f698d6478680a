"""A phone is read alike wherever one can be given."""

import pytest

from tests.world import World

WRITINGS = [
    ("+48 (0)22 512 00 00", "+48225120000"),
    ("+81 90ー1234ー5678", "+819012345678"),
    ("+1\ufe0f415\u3164555\u200d1234", "+14155551234"),
    ("+52 1 55 1234 5678", "+525512345678"),
]


@pytest.mark.parametrize(("written", "phone"), WRITINGS)
def test_a_phone_is_written_alike_by_every_operation(world: World, written: str, phone: str) -> None:
    created = world.alice.made(phone=written)
    assert created["phone"] == phone
    assert world.alice.upsert({"phone": written, "firstName": "Jane"}).json()["id"] == created["id"]
    assert world.alice.create({"phone": written}).status_code == 409
    world.alice.patch(created["id"], {"phone": None})
    assert world.alice.patch(created["id"], {"phone": written}).json()["phone"] == phone
    world.alice.patch(created["id"], {"phone": None})
    answer = world.alice.batch({"op": "update", "id": created["id"], "data": {"phone": written}})
    assert answer.json()["results"][0]["contact"]["phone"] == phone
    workspace = world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"contactPhone": written})
    assert workspace.json()["contactPhone"] == phone


@pytest.mark.parametrize(("written", "phone"), WRITINGS)
def test_a_phone_is_looked_for_alike_by_every_operation(world: World, written: str, phone: str) -> None:
    contact = world.alice.made(phone=phone, timezone="Asia/Tokyo")
    assert [found["id"] for found in world.alice.list(phone=written).json()] == [contact["id"]]
    found = world.alice.get("/v1/contacts/lookup", phone=written)
    assert found.json()["contact"]["id"] == contact["id"]
    verdict = world.alice.get("/v1/availability", phone=written, channel="call")
    assert verdict.json()["timezones"] == ["Asia/Tokyo"]


@pytest.mark.parametrize(("written", "phone"), WRITINGS)
def test_a_phone_is_read_alike_by_the_pages(world: World, written: str, phone: str) -> None:
    person, contacts = world.person(), f"/w/{world.acme}/contacts"
    contact = world.alice.made(firstName="Jane")
    answer = person.post(f"{contacts}/{contact['id']}/row", {"phone": written})
    assert answer.status_code == 200, answer.text
    assert world.alice.read(contact["id"])["phone"] == phone
    page = person.get(contacts, script=True, where=f"phone:is:{written}")
    assert f'data-id="{contact["id"]}"' in page.text
    made = person.post(f"{contacts}/new", {"phone": written})
    assert made.status_code == 409
