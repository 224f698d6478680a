"""GET /v1/workspaces and GET /v1/workspaces/{id}."""

from tests.world import World


def names(caller: object, **params: object) -> list[str]:
    return [workspace["name"] for workspace in caller.get("/v1/workspaces", **params).json()]  # type: ignore[attr-defined]


def test_an_account_key_lists_the_workspaces_of_its_mode(world: World) -> None:
    assert names(world.ada) == ["Acme", "Acme Two"]
    assert names(world.caller(None, "read", mode="test")) == ["Acme Test"]


def test_a_workspace_key_lists_its_own_only(world: World) -> None:
    assert names(world.bob) == ["Acme"]


def test_the_list_is_read_in_pages(world: World) -> None:
    first = world.ada.get("/v1/workspaces", limit=1)
    link = first.headers["link"].partition(">")[0][1:]
    second = world.ada.get(link)
    assert [w["name"] for w in [*first.json(), *second.json()]] == ["Acme", "Acme Two"]
    assert "link" not in second.headers


def test_what_a_key_cannot_see_is_not_there(world: World) -> None:
    foreign = [world.globex, world.acme_test, "019297c4-0000-7000-8000-000000000000", "x"]
    for workspace_id in foreign:
        assert world.ada.get(f"/v1/workspaces/{workspace_id}").status_code == 404
    assert world.alice.get(f"/v1/workspaces/{world.acme_two}").status_code == 404
    assert world.alice.get(f"/v1/workspaces/{world.acme.upper()}").json()["id"] == world.acme
