"""DELETE /v1/tags/{name}: off every contact."""

from tests.world import World, pointers


def test_no_contact_shows_it_any_more(world: World) -> None:
    made = world.alice.made(tags=["vip", "gold"])
    assert world.alice.delete("/v1/tags/vip").status_code == 204
    assert world.alice.read(made["id"])["tags"] == ["gold"]
    assert world.alice.list(tag="vip").json() == []
    assert [tag["name"] for tag in world.alice.get("/v1/tags").json()] == ["gold"]
    assert world.alice.delete("/v1/tags/vip").status_code == 404


def test_what_was_merged_into_it_goes_with_it(world: World) -> None:
    made = world.alice.made(tags=["a", "b", "c"])
    world.alice.request("PATCH", "/v1/tags/a", {"name": "b", "merge": True})
    world.alice.delete("/v1/tags/b")
    assert world.alice.read(made["id"])["tags"] == ["c"]


def test_a_tag_made_later_under_the_name_has_no_contacts(world: World) -> None:
    world.alice.made(tags=["vip"])
    world.alice.delete("/v1/tags/vip")
    world.alice.made(tags=["vip"])
    assert [tag["contactCount"] for tag in world.alice.get("/v1/tags").json()] == [1]


def test_only_an_admin_may(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert world.wendy.delete("/v1/tags/vip").status_code == 403
    assert world.alice.delete("/v1/tags/vip", dryRun=True).status_code == 204
    assert [tag["name"] for tag in world.alice.get("/v1/tags").json()] == ["vip"]


def test_an_outsider_deletes_nothing(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert world.carol.delete("/v1/tags/vip").status_code == 404
    assert world.carol.delete("/v1/tags/vip", workspaceId=world.acme).status_code == 404
    assert [tag["name"] for tag in world.alice.get("/v1/tags").json()] == ["vip"]


def test_an_account_key_says_which_workspace(world: World) -> None:
    world.alice.made(tags=["a/b"])
    assert pointers(world.ada.delete("/v1/tags/a%2Fb")) == {"workspaceId": "required"}
    assert world.ada.delete("/v1/tags/a%2Fb", workspaceId=world.acme).status_code == 204


def test_to_a_contact_that_had_only_the_deleted_tag_no_tags_are_no_change(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    world.alice.delete("/v1/tags/vip")
    assert world.alice.set_tags(made["id"], []).headers["etag"] == '"1"'
    assert world.alice.read(made["id"]) == {**made, "tags": []}
    assert len(world.alice.history(made["id"]).json()) == 1
