"""POST /v1/contacts/batch."""

from typing import Any

import httpx
import pytest

from tests.world import World, a_phone, an_email, pointers


def statuses(answer: httpx.Response) -> list[int]:
    assert answer.status_code == 200, answer.text
    return [result["status"] for result in answer.json()["results"]]


def create(**fields: Any) -> dict[str, Any]:
    return {"op": "create", "data": fields}


def update(contact_id: str, **fields: Any) -> dict[str, Any]:
    return {"op": "update", "id": contact_id, "data": fields}


def test_each_operation_has_the_result_that_it_would_have_alone_in_order(world: World) -> None:
    made, doomed = world.alice.made(), world.alice.made()
    phone = a_phone()
    answer = world.wendy.batch(
        create(firstName="New", tags=["vip"]),
        update(made["id"], firstName="June"),
        {"op": "upsert", "data": {"phone": phone, "firstName": "First"}},
        {"op": "upsert", "data": {"phone": phone, "firstName": "Second"}},
        {"op": "delete", "id": doomed["id"]},
        create(firstName=5),
    )
    assert statuses(answer) == [201, 200, 201, 200, 204, 400]
    results = answer.json()["results"]
    assert results[0]["contact"] == world.alice.read(results[0]["contact"]["id"])
    assert results[1]["contact"] == world.alice.read(made["id"])
    assert results[2]["contact"]["id"] == results[3]["contact"]["id"]
    assert results[3]["contact"]["firstName"] == "Second"
    assert "contact" not in results[4]
    assert results[5]["problem"]["type"] == "/errors/validation-error"
    assert results[5]["problem"]["errors"][0]["code"] == "wrong_type"
    assert world.alice.fetch(doomed["id"]).status_code == 404


def test_a_refused_operation_leaves_its_neighbours_alone(world: World) -> None:
    world.alice.made(phone="+14155551234")
    contacts = [world.alice.made() for _ in range(5)]
    answer = world.alice.batch(
        update(contacts[0]["id"], firstName="A", tags=["t0"]),
        update(contacts[1]["id"], phone="+14155551234", tags=["t1"]),
        update(contacts[2]["id"], nickname="C"),
        update("0192f000-0000-7000-8000-000000000000", firstName="D"),
        update(contacts[4]["id"], firstName="E", email="x"),
        create(phone="+14155551234"),
        create(firstName="Last"),
    )
    assert statuses(answer) == [200, 409, 400, 404, 400, 409, 201]
    assert [world.alice.read(c["id"])["firstName"] for c in contacts] == ["A", "Jane", "Jane", "Jane", "Jane"]
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 1


def test_operations_take_effect_in_their_order(world: World) -> None:
    made = world.alice.made()
    updates = [update(made["id"], firstName=f"{number}") for number in range(20)]
    answer = world.alice.batch(
        *updates, {"op": "delete", "id": made["id"]}, update(made["id"], firstName="late")
    )
    assert statuses(answer) == [200] * 20 + [204, 404]
    assert [r["contact"]["firstName"] for r in answer.json()["results"][:20]] == [f"{n}" for n in range(20)]


def test_a_phone_can_move_from_one_contact_to_another_within_a_batch(world: World) -> None:
    one, two = world.alice.made(phone="+14155551234"), world.alice.made()
    answer = world.alice.batch(update(one["id"], phone=None), update(two["id"], phone="+14155551234"))
    assert statuses(answer) == [200, 200]
    answer = world.alice.batch({"op": "delete", "id": two["id"]}, create(phone="+14155551234"))
    assert statuses(answer) == [204, 201]


def test_two_creates_with_one_email_make_one_contact(world: World) -> None:
    email = an_email()
    answer = world.alice.batch(create(email=email), create(email=email.upper()), create(email=f" {email}"))
    assert statuses(answer) == [201, 409, 409]
    made = answer.json()["results"][0]["contact"]["id"]
    assert [r["problem"]["errors"][0]["contactId"] for r in answer.json()["results"][1:]] == [made, made]


def test_upserts_with_crossing_handles_are_in_order(world: World) -> None:
    phone, email = a_phone(), an_email()
    answer = world.alice.batch(
        {"op": "upsert", "data": {"phone": phone}},
        {"op": "upsert", "data": {"phone": phone, "email": email}},
        {"op": "upsert", "data": {"email": email, "lastName": "Doe"}},
    )
    assert statuses(answer) == [201, 200, 200]
    assert len({result["contact"]["id"] for result in answer.json()["results"]}) == 1


def test_an_upsert_may_preserve_what_exists(world: World) -> None:
    made = world.alice.made(phone="+14155551234", firstName="Jane")
    answer = world.alice.batch(
        {"op": "upsert", "data": {"phone": "+14155551234", "firstName": "June", "preserveExisting": True}}
    )
    assert answer.json()["results"] == [{"status": 200, "contact": made}]


@pytest.mark.parametrize("version", [1, "1", '"1"'])
def test_if_match_holds_for_its_operation(world: World, version: Any) -> None:
    made = world.alice.made()
    answer = world.alice.batch(
        {**update(made["id"], firstName="June"), "ifMatch": version},
        {**update(made["id"], firstName="Joan"), "ifMatch": version},
        {"op": "delete", "id": made["id"], "ifMatch": version},
    )
    assert statuses(answer) == [200, 412, 412]
    assert world.alice.read(made["id"])["firstName"] == "June"


@pytest.mark.parametrize(
    ("operation", "pointer"),
    [
        ({}, "/op"),
        ({"op": "replace", "data": {}}, "/op"),
        ({"op": ["create"], "data": {"firstName": "x"}}, "/op"),
        ({"op": "create"}, "/data"),
        ({"op": "create", "data": []}, "/data"),
        ({"op": "create", "data": {}}, "/data"),
        ({"op": "create", "data": {"tags": [1]}}, "/data/tags/0"),
        ({"op": "create", "id": "0192f000-0000-7000-8000-000000000000", "data": {"firstName": "x"}}, "/id"),
        ({"op": "update", "data": {"firstName": "x"}}, "/id"),
        ({"op": "delete"}, "/id"),
        ({"op": "create", "data": {"firstName": "x"}, "ifMatch": 1}, "/ifMatch"),
        ({"op": "create", "dta": {}, "data": {"firstName": "x"}}, "/dta"),
    ],
)
def test_an_operation_that_is_none_is_refused_alone(
    world: World, operation: dict[str, Any], pointer: str
) -> None:
    answer = world.alice.batch(operation, create(firstName="Jane"))
    assert statuses(answer) == [400, 201]
    problem = answer.json()["results"][0]["problem"]
    assert pointer in {error["pointer"] for error in problem["errors"]}


@pytest.mark.parametrize("operation", [None, 5, "create", [], True])
def test_an_operation_that_is_no_object_is_refused_alone(world: World, operation: object) -> None:
    assert statuses(world.alice.batch(operation, create(firstName="Jane"))) == [400, 201]


@pytest.mark.parametrize(
    "body", [{}, {"operations": None}, {"operations": {}}, {"operations": []}, {"operations": "x"}]
)
def test_a_batch_without_operations_is_refused(world: World, body: object) -> None:
    refused = world.alice.post("/v1/contacts/batch", body)
    assert refused.status_code == 400
    assert list(pointers(refused)) == ["/operations"]


def test_a_batch_has_at_most_1000_operations(world: World) -> None:
    made = world.alice.made()
    operations = [update(made["id"], firstName="Jane")] * 1001
    refused = world.alice.batch(*operations)
    assert refused.status_code == 400
    assert statuses(world.alice.batch(*operations[1:])) == [200] * 1000


def test_a_thousand_creates_are_a_thousand_contacts(world: World) -> None:
    answer = world.alice.batch(*(create(firstName=f"{n}", email=an_email(), tags=["x"]) for n in range(1000)))
    assert statuses(answer) == [201] * 1000
    assert [r["contact"]["firstName"] for r in answer.json()["results"]] == [f"{n}" for n in range(1000)]
    assert world.alice.list(count=True).headers["x-total-count"] == "1000"


def test_an_account_key_names_one_workspace_for_all(world: World) -> None:
    body = {"operations": [create(firstName="Jane")]}
    refused = world.ada.post("/v1/contacts/batch", body)
    assert refused.json()["detail"] == "workspaceId is required for account-scoped API keys"
    answer = world.ada.post("/v1/contacts/batch", {"workspaceId": world.acme_two, **body})
    assert statuses(answer) == [201]
    assert answer.json()["results"][0]["contact"]["workspaceId"] == world.acme_two
    assert world.ada.post("/v1/contacts/batch", {"workspaceId": world.globex, **body}).status_code == 404
    assert world.alice.post("/v1/contacts/batch", {"workspaceId": world.acme_two, **body}).status_code == 404


def test_a_foreign_contact_is_not_found_in_a_batch(world: World) -> None:
    foreign = world.carol.made()
    sibling = world.ada.made(workspaceId=world.acme_two, firstName="Sibling")
    operations = [
        update(foreign["id"], firstName="Mine"),
        {"op": "delete", "id": foreign["id"]},
        update(sibling["id"], firstName="Mine"),
    ]
    assert statuses(world.alice.batch(*operations)) == [404, 404, 404]
    body = {"workspaceId": world.acme, "operations": operations}
    assert statuses(world.ada.post("/v1/contacts/batch", body)) == [404, 404, 404]
    assert (world.carol.read(foreign["id"]), world.ada.read(sibling["id"])) == (foreign, sibling)


def test_a_reader_may_not_send_batches(world: World) -> None:
    assert world.bob.batch(create(firstName="Jane")).status_code == 403


def test_a_batch_sent_again_with_its_key_is_done_once(world: World) -> None:
    operations = [create(firstName="Jane"), create(firstName=5)]
    answers = [world.alice.batch(*operations, headers={"idempotency-key": "once"}) for _ in range(2)]
    assert answers[0].json()["results"] == answers[1].json()["results"]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len(world.alice.list().json()) == 1


def test_a_dry_batch_keeps_nothing(world: World) -> None:
    made = world.alice.made()
    phone = a_phone()
    answer = world.alice.batch(
        create(phone=phone, tags=["fresh"]),
        create(phone=phone),
        update(made["id"], firstName="June"),
        update(made["id"], nickname="J"),
        dryRun=True,
    )
    assert statuses(answer) == [201, 409, 200, 400]
    assert answer.headers["x-dry-run"] == "true"
    assert world.alice.list().json() == [made]
