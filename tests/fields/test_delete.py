"""DELETE /v1/custom-fields/{id}: the field and all its values."""

import httpx
import pytest

from tests.world import World, an_email

PATH = "/v1/custom-fields"


def test_no_contact_shows_its_value_any_more(world: World) -> None:
    ids = [world.field(name) for name in ("a", "b", "c")]
    made = world.alice.made(customFields={"a": "1", "b": "2"})
    assert world.alice.delete(f"{PATH}/{ids[0]}").status_code == 204
    assert world.alice.read(made["id"])["customFields"] == {"b": "2"}
    assert [(f["name"], f["position"]) for f in world.alice.get(PATH).json()] == [("b", 0), ("c", 1)]
    assert world.alice.get(f"{PATH}/{ids[0]}").status_code == 404
    assert world.alice.delete(f"{PATH}/{ids[0]}").status_code == 404


def test_a_field_made_later_under_the_name_is_empty(world: World) -> None:
    field_id = world.field("a")
    made = world.alice.made(customFields={"a": "1"})
    world.alice.delete(f"{PATH}/{field_id}")
    world.alice.post(PATH, {"name": "a", "type": "number"})
    assert world.alice.read(made["id"])["customFields"] == {}


def test_only_an_admin_may(world: World) -> None:
    field_id = world.field("a")
    assert world.wendy.delete(f"{PATH}/{field_id}").status_code == 403
    assert world.carol.delete(f"{PATH}/{field_id}").status_code == 404
    assert world.alice.delete(f"{PATH}/{field_id}", dryRun=True).status_code == 204
    assert world.ada.delete(f"{PATH}/{field_id}").status_code == 204


@pytest.mark.parametrize("write", ["create", "upsert", "patch"])
def test_elsewhere_too_a_value_must_fit_the_field_of_now(
    world: World, second_http: httpx.Client, write: str
) -> None:
    field_id = world.field("MRR", "text")
    elsewhere = world.alice.at(second_http)
    made = elsewhere.made(customFields={"MRR": "x"})
    assert world.alice.delete(f"{PATH}/{field_id}").status_code == 204
    assert world.alice.post(PATH, {"name": "MRR", "type": "number"}).status_code == 201
    values = {"customFields": {"MRR": "five"}}
    answer = {
        "create": lambda: elsewhere.create(values),
        "upsert": lambda: elsewhere.upsert({"email": an_email(), **values}),
        "patch": lambda: elsewhere.patch(made["id"], values),
    }[write]()
    assert answer.status_code == 400, answer.text
