"""GET /v1/contacts/{id}."""

import pytest

from tests.world import World, pointers

KEYS = [
    "id", "workspaceId", "firstName", "lastName", "email", "phone", "timezone", "tags", "customFields",
    "createdAt", "updatedAt",
]  # fmt: skip


def test_a_contact_has_exactly_the_keys_of_the_contract_in_their_order(world: World) -> None:
    made = world.alice.made(firstName="Jane")
    assert list(made) == KEYS
    assert list(world.bob.read(made["id"])) == KEYS


def test_a_reader_sees_what_the_admin_made(world: World) -> None:
    world.field("MRR", "number")
    made = world.alice.made(firstName="Jane", phone="+14155551234", tags=["vip"], customFields={"MRR": 5})
    assert world.bob.read(made["id"]) == made


def test_head_answers_as_get_without_a_body(world: World) -> None:
    made = world.alice.made()
    answer = world.alice.request("HEAD", f"/v1/contacts/{made['id']}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == '"1"'


def test_what_a_key_cannot_see_does_not_exist(world: World) -> None:
    made = world.alice.made()
    never_used = world.alice.fetch("0192f000-0000-7000-8000-000000000000")
    assert never_used.status_code == 404
    for outsider in (world.carol, world.tom, world.caller(world.acme_two), world.caller(None, mode="test")):
        hidden = outsider.fetch(made["id"])
        assert hidden.status_code == 404
        own = {"instance", "requestId"}
        assert {k: v for k, v in hidden.json().items() if k not in own} == {
            k: v for k, v in never_used.json().items() if k not in own
        }


def test_an_account_key_sees_the_live_workspaces_of_its_account(world: World) -> None:
    sibling = world.ada.made(workspaceId=world.acme_two, firstName="Sibling")
    assert world.ada.read(world.alice.made()["id"])["workspaceId"] == world.acme
    assert world.ada.read(sibling["id"]) == sibling
    assert world.ada.fetch(world.tom.made()["id"]).status_code == 404


def test_a_contact_of_a_test_workspace_is_seen_with_a_test_key(world: World) -> None:
    made = world.tom.made()
    assert world.tom.read(made["id"]) == made
    assert world.caller(None, mode="test").read(made["id"]) == made


def test_a_deleted_contact_is_shown_to_an_admin_who_asks(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    world.alice.remove(made["id"])
    assert world.alice.fetch(made["id"]).status_code == 404
    shown = world.alice.fetch(made["id"], include="deleted")
    assert shown.status_code == 200
    assert shown.json()["deletedAt"]
    assert {name: shown.json()[name] for name in KEYS if name != "updatedAt"} == {
        name: made[name] for name in KEYS if name != "updatedAt"
    }
    for other in (world.wendy, world.bob):
        assert other.fetch(made["id"], include="deleted").status_code == 403
    assert world.carol.fetch(made["id"], include="deleted").status_code == 404


def test_the_version_is_the_one_of_the_etag(world: World) -> None:
    made = world.alice.made()
    world.alice.patch(made["id"], {"lastName": "Doe"})
    shown = world.bob.fetch(made["id"], include="version")
    assert shown.json() == {**world.alice.read(made["id"]), "version": 2}
    assert shown.headers["etag"] == '"2"'


def test_include_names_what_there_is_to_include(world: World) -> None:
    made = world.alice.made()
    assert pointers(world.alice.fetch(made["id"], include="delete")) == {"include": "unknown_value"}


@pytest.mark.parametrize("contact_id", ["x", "0192f000-0000-7000-8000-00000000000g", "%00", "..", "a" * 5000])
def test_an_id_that_is_no_uuid_is_not_found(world: World, contact_id: str) -> None:
    assert world.alice.fetch(contact_id).status_code in (404, 414)
