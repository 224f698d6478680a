"""GET /v1/tags: a workspace's tags by name, with how many active contacts carry each."""

from typing import Any

import pytest

from tests.world import World, pointers


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [tag["name"] for tag in answer.json()]


def counts(world: World) -> list[tuple[str, int]]:
    return [(tag["name"], tag["contactCount"]) for tag in world.alice.get("/v1/tags").json()]


def test_a_tag_has_its_name_its_contacts_and_when_it_was_made(world: World) -> None:
    world.alice.made(tags=["vip"])
    [tag] = world.bob.get("/v1/tags").json()
    assert list(tag) == ["name", "contactCount", "createdAt"]
    assert (tag["name"], tag["contactCount"]) == ("vip", 1)
    assert tag["createdAt"].endswith("Z")


def test_tags_are_sorted_by_code_point(world: World) -> None:
    made = ["é", "b", "a", "B", "Z", "_", "😀", "ﬀ", "a b", "a-b"]
    world.alice.made(tags=made)
    assert names(world.alice.get("/v1/tags")) == sorted(made)


def test_only_active_contacts_count(world: World) -> None:
    kept, gone = world.alice.made(tags=["vip", "gold"]), world.alice.made(tags=["vip"])
    world.alice.remove(gone["id"])
    world.alice.delete(f"/v1/contacts/{kept['id']}/tags/gold")
    assert counts(world) == [("gold", 0), ("vip", 1)]


def test_a_contact_that_carries_both_of_two_merged_tags_counts_once(world: World) -> None:
    world.alice.made(tags=["vip", "gold"])
    world.alice.made(tags=["gold"])
    world.alice.request("PATCH", "/v1/tags/gold", {"name": "vip", "merge": True})
    assert counts(world) == [("vip", 2)]


@pytest.mark.parametrize(
    ("q", "found"),
    [("go", ["go", "gold"]), ("Go", ["Gone"]), ("%", ["%off"]), ("x", []), ("e\u0301t", ["été"])],
)
def test_q_gives_the_names_that_begin_with_it(world: World, q: str, found: list[str]) -> None:
    world.alice.made(tags=["go", "gold", "Gone", "ago", "%off", "été"])
    assert names(world.alice.get("/v1/tags", q=q)) == found


def test_following_the_links_gives_every_tag_once(world: World) -> None:
    made = sorted([f"t{n}" for n in range(7)] + ["ü/1", "a&b=c", "%"])
    world.alice.made(tags=[*made, "other"])
    world.alice.request("DELETE", "/v1/tags/other")
    answer, found = world.alice.get("/v1/tags", limit=3), []
    while True:
        found += names(answer)
        if "next" not in answer.links:
            break
        answer = world.alice.get(answer.links["next"]["url"])
    assert found == made


def test_the_link_keeps_the_filter(world: World) -> None:
    world.alice.made(tags=["a1", "a2", "b1"])
    first = world.alice.get("/v1/tags", limit=1, q="a")
    second = world.alice.get(first.links["next"]["url"])
    assert names(second) == ["a2"]
    assert "next" not in second.links


@pytest.mark.parametrize("cursor", ["!", "A", "AA", "00", "6", "~a", "é"])
def test_a_cursor_of_somebody_elses_making_is_refused(world: World, cursor: str) -> None:
    answer = world.alice.get("/v1/tags", cursor=cursor)
    assert (answer.status_code, pointers(answer)) == (400, {"cursor": "invalid_cursor"})


def test_an_account_key_says_which_workspace(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert pointers(world.ada.get("/v1/tags")) == {"workspaceId": "required"}
    assert names(world.ada.get("/v1/tags", workspaceId=world.acme)) == ["vip"]
    assert names(world.ada.get("/v1/tags", workspaceId=world.acme_two)) == []
    assert world.ada.get("/v1/tags", workspaceId=world.acme_test).status_code == 404


def test_an_outsider_sees_none_of_them(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert names(world.carol.get("/v1/tags")) == []
    assert world.carol.get("/v1/tags", workspaceId=world.acme).status_code == 404
