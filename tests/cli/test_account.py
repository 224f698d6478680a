"""`contactory account` and `contactory workspace`."""

from tests.cli.conftest import CommandLine
from tests.world import Caller, World

NOBODY = "019297c4-0000-7000-8000-000000000000"


def test_a_new_account_gets_an_admin_key_for_its_live_workspaces(
    contactory: CommandLine, world: World
) -> None:
    made = contactory.gives("account", "create", "Initech")
    assert list(made) == ["accountId", "key"]
    key = Caller(world.http, made["key"], "")
    assert key.get("/v1/workspaces").json() == []
    workspace = key.post("/v1/workspaces", {"name": "First"}).json()
    assert (workspace["accountId"], workspace["mode"]) == (made["accountId"], "live")
    listed = {account["id"]: account["name"] for account in contactory.gives("account", "list")}
    assert listed[made["accountId"]] == "Initech"


def test_without_json_people_read_lines(contactory: CommandLine, world: World) -> None:
    assert "admin key (shown once): ctk_live_" in contactory.says("account", "create", "Initech")
    titles, *lines = contactory.says("account", "list").splitlines()
    assert titles.split("\t") == ["account", "name", "created"]
    assert world.account_id in {line.split("\t")[0] for line in lines}


def test_a_workspace_is_made_with_its_zone_and_country(contactory: CommandLine, world: World) -> None:
    made = contactory.gives(
        *("workspace", "create", " Paris ", "--account", world.account_id),
        *("--timezone", "Europe/Paris", "--country", "FR"),
    )
    assert list(made) == ["workspaceId"]
    shown = world.ada.get(f"/v1/workspaces/{made['workspaceId']}").json()
    told = {name: shown[name] for name in ("name", "timezone", "country", "mode")}
    assert told == {"name": "Paris", "timezone": "Europe/Paris", "country": "FR", "mode": "live"}
    assert shown in contactory.gives("workspace", "list")


def test_a_test_workspace_is_seen_by_test_keys_only(contactory: CommandLine, world: World) -> None:
    made = contactory.gives("workspace", "create", "Lab", "--account", world.account_id, "--test")
    path = f"/v1/workspaces/{made['workspaceId']}"
    assert world.ada.get(path).status_code == 404
    assert world.caller(None, mode="test").get(path).json()["mode"] == "test"


def test_what_cannot_be_is_refused_in_a_sentence(contactory: CommandLine, world: World) -> None:
    create = ("workspace", "create", "x", "--account")
    assert contactory.fails(*create, NOBODY) == f"Error: The account {NOBODY} does not exist."
    assert "must be a UUID" in contactory.fails(*create, "x", code=2)
    wrong = contactory.fails(*create, NOBODY, "--timezone", "europe/paris", code=2)
    assert "did you mean Europe/Paris?" in wrong
    assert "did you mean GB?" in contactory.fails(*create, NOBODY, "--country", "UK", code=2)
    assert "1 to 255 characters" in contactory.fails("account", "create", " ", code=2)
