"""POST /v1/workspaces."""

from typing import Any

import pytest

from tests.world import World, pointers

KEYS = [
    *("id", "accountId", "name", "description", "mode", "timezone", "country", "icon", "contactName"),
    *("contactPhone", "contactEmail", "streetAddress", "state", "zip", "businessRegistrationNumber"),
    *("createdAt", "updatedAt"),
]
FULL = {
    "name": "Berlin shop",
    "description": "The one at the river",
    "timezone": "Europe/Berlin",
    "country": "DE",
    "icon": "🏬",
    "contactName": "Jo",
    "contactPhone": "030 901820",
    "contactEmail": "Jo@Example.COM",
    "streetAddress": "Am Ufer 1",
    "state": "BE",
    "zip": "10115",
    "businessRegistrationNumber": "HRB 1",
}


def test_the_answer_has_every_key_in_the_order_of_the_contract(world: World) -> None:
    answer = world.ada.post("/v1/workspaces", FULL)
    made = answer.json()
    assert (answer.status_code, list(made)) == (201, KEYS)
    assert answer.headers["location"] == f"{world.http.base_url}/v1/workspaces/{made['id']}"
    normal = {"contactPhone": "+4930901820", "contactEmail": "Jo@example.com", "mode": "live"}
    assert made == {**made, **FULL, **normal, "accountId": world.account_id}
    assert world.ada.get(f"/v1/workspaces/{made['id']}").json() == made


def test_only_the_name_is_required(world: World) -> None:
    made = world.ada.post("/v1/workspaces", {"name": " Two words "}).json()
    assert made["name"] == "Two words"
    assert pointers(world.ada.post("/v1/workspaces", {})) == {"/name": "required"}


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    wrong = {
        "name": "x" * 256,
        "description": "x" * 1001,
        "timezone": "europe/berlin",
        "country": "de",
        "contactPhone": "12",
        "contactEmail": "jo",
        "icon": 1,
        "nmae": "x",
    }
    answer = world.ada.post("/v1/workspaces", wrong)
    assert answer.status_code == 400
    assert pointers(answer).keys() == {f"/{name}" for name in wrong}
    suggested = {error["pointer"]: error.get("suggestion") for error in answer.json()["errors"]}
    assert (suggested["/timezone"], suggested["/country"], suggested["/nmae"]) == (
        "Europe/Berlin",
        "DE",
        "name",
    )


@pytest.mark.parametrize(
    ("sent", "meant"), [("UK", "GB"), ("gb", "GB"), ("Germany", "DE"), ("USA", "US"), ("ZZ", None), ("", ...)]
)
def test_a_country_is_a_code_of_iso_3166(world: World, sent: str, meant: Any) -> None:
    answer = world.ada.post("/v1/workspaces", {"name": "x", "country": sent})
    if meant is ...:
        assert answer.json()["country"] is None
    else:
        [error] = answer.json()["errors"]
        assert (error["pointer"], error["code"], error.get("suggestion")) == (
            "/country",
            "unknown_country",
            meant,
        )


def test_the_mode_is_that_of_the_key(world: World) -> None:
    test_ada = world.caller(None, "admin", mode="test")
    assert test_ada.post("/v1/workspaces", {"name": "x"}).json()["mode"] == "test"
    assert test_ada.post("/v1/workspaces", {"name": "x", "mode": "test"}).status_code == 201
    answer = test_ada.post("/v1/workspaces", {"name": "x", "mode": "live"})
    assert (answer.status_code, pointers(answer)) == (403, {"/mode": "wrong_mode"})


def test_it_needs_an_admin_key_of_the_account(world: World) -> None:
    assert world.alice.post("/v1/workspaces", {"name": "x"}).status_code == 403
    assert world.caller(None, "write").post("/v1/workspaces", {"name": "x"}).status_code == 403


def test_a_dry_run_makes_none(world: World) -> None:
    before = world.ada.get("/v1/workspaces").json()
    answer = world.ada.post("/v1/workspaces", {"name": "x"}, dryRun=True)
    assert (answer.status_code, answer.headers["x-dry-run"]) == (201, "true")
    assert world.ada.get("/v1/workspaces").json() == before


def test_a_retry_with_an_idempotency_key_makes_one(world: World) -> None:
    headers = {"idempotency-key": "once"}
    first = world.ada.post("/v1/workspaces", {"name": "x"}, headers=headers)
    again = world.ada.post("/v1/workspaces", {"name": "x"}, headers=headers)
    assert again.json() == first.json()
    assert len(world.ada.get("/v1/workspaces").json()) == 3
