"""POST /v1/api-keys."""

from typing import Any

import pytest

from contactory.access.keys import well_formed
from tests.waiting import until
from tests.world import Caller, World, pointers

KEYS = [
    *("id", "accountId", "workspaceId", "name", "scope", "permission", "mode", "prefix", "rateLimit"),
    *("rateBurst", "createdAt", "lastUsedAt", "expiresAt", "revokedAt", "key"),
]


def using(world: World, made: dict[str, Any]) -> Caller:
    return Caller(world.http, made["key"], world.acme, made["id"])


def test_the_secret_is_in_this_answer_alone(world: World) -> None:
    answer = world.alice.post("/v1/api-keys", {"name": "Newsletter"})
    made = answer.json()
    assert (answer.status_code, list(made)) == (201, KEYS)
    assert well_formed(made["key"])
    assert made["prefix"] == made["key"][:12]
    assert made["key"] not in world.alice.get("/v1/api-keys").text
    assert (
        world.sql.value("select count(*) from api_keys k where k::text like '%' || $1 || '%'", made["key"])
        == 0
    )


def test_a_key_writes_and_never_expires_unless_told_otherwise(world: World) -> None:
    made = world.alice.post("/v1/api-keys", {}).json()
    shown = {name: made[name] for name in ("name", "permission", "scope", "mode", "expiresAt", "workspaceId")}
    assert shown == {
        "name": "API key",
        "permission": "write",
        "scope": "workspace",
        "mode": "live",
        "expiresAt": None,
        "workspaceId": world.acme,
    }
    assert using(world, made).create({"firstName": "Jane"}).status_code == 201
    assert using(world, made).get("/v1/api-keys").status_code == 403


def test_an_account_key_makes_keys_of_the_account_or_of_a_workspace(world: World) -> None:
    account = world.ada.post("/v1/api-keys", {"permission": "read"}).json()
    assert (account["scope"], account["workspaceId"]) == ("account", None)
    assert len(using(world, account).get("/v1/workspaces").json()) == 2
    one = world.ada.post("/v1/api-keys", {"workspaceId": world.acme_two}).json()
    assert (one["scope"], one["workspaceId"]) == ("workspace", world.acme_two)


def test_a_workspace_key_makes_keys_of_its_own_workspace_only(world: World) -> None:
    assert world.alice.post("/v1/api-keys", {"workspaceId": world.acme}).status_code == 201
    assert world.alice.post("/v1/api-keys", {"workspaceId": world.acme_two}).status_code == 404
    assert world.tom.post("/v1/api-keys", {}).json()["mode"] == "test"


def test_no_key_is_made_for_what_the_caller_cannot_see(world: World) -> None:
    for workspace_id in (world.globex, world.acme_test, "019297c4-0000-7000-8000-000000000000"):
        assert world.ada.post("/v1/api-keys", {"workspaceId": workspace_id}).status_code == 404


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, {"/name": "wrong_length"}),
        ({"name": "x" * 256}, {"/name": "wrong_length"}),
        ({"permission": "root"}, {"/permission": "unknown_value"}),
        ({"expiresAt": "tomorrow"}, {"/expiresAt": "invalid_timestamp"}),
        ({"rateLimit": 0}, {"/rateLimit": "out_of_range"}),
        ({"rateLimit": "5", "rateBurst": 0}, {"/rateLimit": "wrong_type", "/rateBurst": "out_of_range"}),
        ({"workspaceId": "x"}, {"/workspaceId": "invalid_id"}),
        ({"key": "ctk_live_mine"}, {"/key": "unknown_field"}),
    ],
)
def test_what_cannot_be_is_refused(world: World, body: Any, wrong: dict[str, str]) -> None:
    answer = world.alice.post("/v1/api-keys", body)
    assert (answer.status_code, pointers(answer)) == (400, wrong)


def test_a_key_that_would_have_expired_is_not_made(world: World) -> None:
    answer = world.alice.post("/v1/api-keys", {"expiresAt": "2020-01-01T00:00:00Z"})
    assert (answer.status_code, pointers(answer)) == (409, {"/expiresAt": "in_the_past"})


def test_it_needs_admin(world: World) -> None:
    assert world.wendy.post("/v1/api-keys", {"permission": "read"}).status_code == 403


def test_a_key_stops_when_it_expires(world: World) -> None:
    soon = world.sql.value("select now() + interval '3 seconds'")
    short = using(world, world.alice.post("/v1/api-keys", {"expiresAt": soon.isoformat()}).json())
    assert short.list().status_code == 200
    until(lambda: world.sql.value("select clock_timestamp()") >= soon)
    assert short.list().status_code == 401


def test_a_rate_limit_holds_for_the_key_alone(world: World) -> None:
    limited = using(world, world.alice.post("/v1/api-keys", {"rateLimit": 0.01, "rateBurst": 2}).json())
    answers = [limited.create({"firstName": "Jane"}).status_code for _ in range(3)]
    assert answers == [201, 201, 429]
    assert world.alice.create({"firstName": "Jane"}).status_code == 201


def test_no_record_of_an_idempotency_key_keeps_the_secret(world: World) -> None:
    made = world.alice.post("/v1/api-keys", {}, headers={"idempotency-key": "once"}).json()
    kept = world.sql.value(
        "select count(*) from kept_answers where position($1::bytea in body) > 0", made["key"].encode()
    )
    assert kept == 0
