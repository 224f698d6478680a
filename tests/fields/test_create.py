"""GET and POST /v1/custom-fields."""

from typing import Any

import pytest

from tests.world import World, at_once, pointers

PATH = "/v1/custom-fields"


def names(world: World) -> list[str]:
    fields = world.alice.get(PATH).json()
    assert [field["position"] for field in fields] == list(range(len(fields)))
    return [field["name"] for field in fields]


def test_a_field_is_made_and_can_be_written_at_once(world: World) -> None:
    answer = world.wendy.post(PATH, {"name": " Lead Source ", "type": "text"})
    assert answer.status_code == 201, answer.text
    field = answer.json()
    assert list(field) == ["id", "workspaceId", "name", "type", "position", "createdAt", "updatedAt"]
    assert (field["workspaceId"], field["name"], field["type"]) == (world.acme, "Lead Source", "text")
    assert field["createdAt"] == field["updatedAt"]
    assert world.bob.get(answer.headers["location"]).json() == field
    assert world.bob.get(PATH).json() == [field]
    made = world.wendy.made(customFields={"Lead Source": "Website"})
    assert made["customFields"] == {"Lead Source": "Website"}


def test_another_server_process_takes_its_values_at_once(world: World, second_http: Any) -> None:
    elsewhere = world.alice.at(second_http)
    made = elsewhere.made()
    world.alice.post(PATH, {"name": "MRR", "type": "number"})
    assert elsewhere.patch(made["id"], {"customFields": {"MRR": 5}}).json()["customFields"] == {"MRR": "5"}


def test_a_new_field_comes_last_unless_a_position_is_given(world: World) -> None:
    for body in ({"name": "a"}, {"name": "b"}, {"name": "c", "position": 0}, {"name": "d", "position": 99}):
        assert world.alice.post(PATH, {"type": "text", **body}).status_code == 201
    assert world.alice.post(PATH, {"type": "text", "name": "e", "position": 2}).json()["position"] == 2
    assert names(world) == ["c", "a", "e", "b", "d"]


def test_contacts_show_their_values_in_that_order(world: World) -> None:
    for name in ("b", "a"):
        world.alice.post(PATH, {"type": "text", "name": name})
    assert list(world.alice.made(customFields={"a": "1", "b": "2"})["customFields"]) == ["b", "a"]


def test_a_name_is_taken_once_with_regard_to_case(world: World) -> None:
    world.alice.post(PATH, {"name": "é", "type": "text"})
    answer = world.alice.post(PATH, {"name": "e\u0301", "type": "number"})
    assert (answer.status_code, pointers(answer)) == (409, {"/name": "taken"})
    assert world.alice.post(PATH, {"name": "É", "type": "number"}).status_code == 201
    assert names(world) == ["é", "É"]


def test_of_several_at_once_one_gets_the_name(world: World) -> None:
    answers = at_once(*[lambda: world.alice.post(PATH, {"name": "MRR", "type": "number"})] * 6)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert names(world) == ["MRR"]


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    answer = world.alice.post(PATH, {"name": "", "type": "numbr", "position": -1, "color": "red"})
    assert pointers(answer) == {
        "/name": "wrong_length",
        "/type": "unknown_value",
        "/position": "out_of_range",
        "/color": "unknown_field",
    }
    assert [e["suggestion"] for e in answer.json()["errors"] if e["pointer"] == "/type"] == ["number"]
    assert pointers(world.alice.post(PATH, {})) == {"/name": "required", "/type": "required"}


def test_a_workspace_has_a_limit_of_fields(world: World, private_server: Any) -> None:
    limited = world.alice.at(private_server(max_custom_fields=2))
    answers = at_once(*[lambda n=n: limited.post(PATH, {"name": f"f{n}", "type": "text"}) for n in range(4)])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]


def test_a_dry_run_keeps_nothing(world: World) -> None:
    assert world.alice.post(PATH, {"name": "MRR", "type": "number"}, dryRun=True).status_code == 201
    assert names(world) == []


def test_a_retry_with_the_same_key_makes_no_second_field(world: World) -> None:
    one = {"idempotency-key": "one"}
    first = world.alice.post(PATH, {"name": "MRR", "type": "number"}, headers=one)
    assert world.alice.made(customFields={"MRR": 1})["customFields"] == {"MRR": "1"}
    again = world.alice.post(PATH, {"name": "MRR", "type": "number"}, headers=one)
    assert (again.status_code, again.json()) == (201, first.json())


def test_an_account_key_says_which_workspace(world: World) -> None:
    body = {"name": "MRR", "type": "number"}
    assert pointers(world.ada.post(PATH, body)) == {"/workspaceId": "required"}
    assert pointers(world.ada.get(PATH)) == {"workspaceId": "required"}
    field = world.ada.post(PATH, {**body, "workspaceId": world.acme_two}).json()
    assert world.ada.get(PATH, workspaceId=world.acme_two).json() == [field]
    assert world.ada.get(f"{PATH}/{field['id']}").json() == field
    assert names(world) == []


def test_what_a_key_cannot_see_does_not_exist(world: World) -> None:
    field = world.alice.post(PATH, {"name": "MRR", "type": "number"}).json()
    two = world.ada.post(PATH, {"name": "MRR", "type": "number", "workspaceId": world.acme_two}).json()
    for caller, field_id in ((world.carol, field["id"]), (world.tom, field["id"]), (world.alice, two["id"])):
        assert caller.get(f"{PATH}/{field_id}").status_code == 404
    assert world.alice.get(f"{PATH}/{field['id'].upper()}").json() == field
    assert world.alice.get(f"{PATH}/MRR").status_code == 404
    assert world.carol.get(PATH).json() == []
    assert world.carol.post(PATH, {"name": "x", "type": "text", "workspaceId": world.acme}).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_reader_only_reads(world: World, method: str) -> None:
    field = world.alice.post(PATH, {"name": "MRR", "type": "number"}).json()
    path = PATH if method == "POST" else f"{PATH}/{field['id']}"
    body = None if method == "DELETE" else {"name": "x", "type": "text"}
    assert world.bob.request(method, path, body).status_code == 403
