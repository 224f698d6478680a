"""`contactory key`."""

import time

from tests.cli.conftest import CommandLine
from tests.world import Caller, World

NOBODY = "019297c4-0000-7000-8000-000000000000"


def test_a_key_of_a_workspace_has_its_mode(contactory: CommandLine, world: World) -> None:
    for workspace_id, mode in ((world.acme, "live"), (world.acme_test, "test")):
        made = contactory.gives("key", "create", "--workspace", workspace_id)
        assert list(made) == ["id", "key"]
        assert made["key"].startswith(f"ctk_{mode}_")
        key = Caller(world.http, made["key"], workspace_id, made["id"])
        assert [w["id"] for w in key.get("/v1/workspaces").json()] == [workspace_id]
        assert key.create({"firstName": "Jane"}).status_code == 201
        assert key.get("/v1/api-keys").status_code == 403


def test_a_key_of_an_account_is_live_unless_it_is_for_tests(contactory: CommandLine, world: World) -> None:
    create = ("key", "create", "--account", world.account_id, "--permission", "read")
    live, test = contactory.gives(*create), contactory.gives(*create, "--test")
    seen = [len(Caller(world.http, made["key"], "").get("/v1/workspaces").json()) for made in (live, test)]
    assert seen == [2, 1]


def test_every_option_reaches_the_key(contactory: CommandLine, world: World) -> None:
    made = contactory.gives(
        *("key", "create", "--workspace", world.acme, "--name", "CI", "--permission", "admin"),
        *("--rate-limit", "0.5", "--rate-burst", "3", "--expires", "2050-01-01T00:00:00Z"),
    )
    [shown] = [key for key in world.alice.get("/v1/api-keys").json() if key["id"] == made["id"]]
    told = {name: shown[name] for name in ("name", "permission", "rateLimit", "rateBurst", "expiresAt")}
    assert told == {
        "name": "CI",
        "permission": "admin",
        "rateLimit": 0.5,
        "rateBurst": 3,
        "expiresAt": "2050-01-01T00:00:00Z",
    }
    assert shown in contactory.gives("key", "list")


def test_a_revoked_key_stops_within_a_second(contactory: CommandLine, world: World) -> None:
    assert world.bob.list().status_code == 200
    assert world.bob.key_id in contactory.says("key", "revoke", world.bob.key_id)
    time.sleep(1)
    assert world.bob.list().status_code == 401
    assert contactory.gives("key", "revoke", world.bob.key_id) == {"id": world.bob.key_id}


def test_what_cannot_be_is_refused_in_a_sentence(contactory: CommandLine, world: World) -> None:
    create = ("key", "create", "--workspace")
    assert "is live" in contactory.fails(*create, world.acme, "--test")
    assert contactory.fails(*create, NOBODY) == f"Error: The workspace {NOBODY} does not exist."
    assert (
        contactory.fails("key", "create", "--account", NOBODY)
        == f"Error: The account {NOBODY} does not exist."
    )
    assert contactory.fails("key", "revoke", NOBODY) == f"Error: The API key {NOBODY} does not exist."
    assert "expired" in contactory.fails(*create, world.acme, "--expires", "2020-01-01T00:00:00Z")
    assert "either" in contactory.fails("key", "create", code=2)
    assert "either" in contactory.fails(*create, world.acme, "--account", world.account_id, code=2)
    assert "more than 0" in contactory.fails(*create, world.acme, "--rate-limit", "nan", code=2)
