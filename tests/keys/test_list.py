"""GET /v1/api-keys."""

from tests.world import Caller, World


def names(caller: Caller) -> set[str]:
    return {key["name"] for key in caller.get("/v1/api-keys").json()}


def test_a_key_lists_those_that_it_may_revoke(world: World) -> None:
    assert names(world.alice) == {"Alice", "Wendy", "Bob", "Revoked"}
    assert names(world.ada) == {"Alice", "Wendy", "Bob", "Revoked", "Ada"}
    assert names(world.tom) == {"Tom"}


def test_the_list_is_bare_and_holds_no_secret(world: World) -> None:
    keys = world.ada.get("/v1/api-keys").json()
    assert isinstance(keys, list)
    assert all("key" not in key and len(key["prefix"]) == 12 for key in keys)


def test_the_list_is_read_in_pages(world: World) -> None:
    seen: list[str] = []
    path: str | None = "/v1/api-keys?limit=2"
    while path:
        answer = world.alice.get(path)
        seen += [key["name"] for key in answer.json()]
        path = answer.headers.get("link", "").partition(">")[0][1:] or None
    assert seen == ["Alice", "Wendy", "Bob", "Revoked"]


def test_it_needs_admin(world: World) -> None:
    assert world.wendy.get("/v1/api-keys").status_code == 403
