"""PATCH /v1/tags/{name}: rename, or merge into the tag that has the name."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.waiting import until
from tests.world import World, at_once, pointers


def rename(caller: Any, name: str, new_name: str, **more: Any) -> Any:
    headers = more.pop("headers", None)
    dry_run = more.pop("dryRun", False)
    path = f"/v1/tags/{quote(name, safe='')}"
    return caller.request("PATCH", path, {"name": new_name, **more}, headers=headers, dryRun=dry_run)


def listed(world: World) -> list[tuple[str, int]]:
    return [(tag["name"], tag["contactCount"]) for tag in world.alice.get("/v1/tags").json()]


def test_every_contact_shows_the_new_name_at_once(world: World) -> None:
    made = world.alice.made(tags=["vip", "gold"])
    answer = rename(world.wendy, "vip", " VIP ")
    assert (answer.status_code, answer.json()["name"], answer.json()["contactCount"]) == (200, "VIP", 1)
    assert world.alice.read(made["id"])["tags"] == ["VIP", "gold"]
    assert [c["id"] for c in world.alice.list(tag="VIP").json()] == [made["id"]]
    assert world.alice.list(tag="vip").json() == []


def test_another_server_process_shows_it_within_a_second(world: World, second_http: Any) -> None:
    made = world.alice.made(tags=["vip"])
    elsewhere = world.alice.at(second_http)
    assert elsewhere.read(made["id"])["tags"] == ["vip"]
    rename(world.alice, "vip", "gold")
    patched = elsewhere.patch(made["id"], {"tags": ["vip"]})
    assert patched.json()["tags"] == ["gold", "vip"]


def test_a_reader_of_another_process_sees_it_soon(world: World, second_http: Any) -> None:
    made = world.alice.made(tags=["vip"])
    elsewhere = world.alice.at(second_http)
    assert elsewhere.read(made["id"])["tags"] == ["vip"]
    rename(world.alice, "vip", "gold")
    until(lambda: elsewhere.read(made["id"])["tags"] == ["gold"])


def test_what_carries_the_tag_that_stayed_is_not_changed_by_its_name(world: World) -> None:
    world.alice.made(tags=["A"])
    made = world.alice.made(tags=["B"])
    rename(world.alice, "A", "B", merge=True)
    answer = world.alice.patch(made["id"], {"tags": ["B"]})
    assert (answer.json(), answer.headers["etag"]) == (made, '"1"')


@pytest.mark.parametrize("name", ["a/b", "/", "50% off", "ü", "a?b#c", "a+b", "a//b", "/a/", "tag."])
def test_a_name_may_hold_any_character(world: World, name: str) -> None:
    made = world.alice.made(tags=[name])
    assert rename(world.alice, name, "plain").status_code == 200
    assert rename(world.alice, "plain", name).json()["name"] == name
    assert world.alice.read(made["id"])["tags"] == [name]


def test_its_own_name_changes_nothing(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert rename(world.alice, "vip", "vip").status_code == 200
    assert rename(world.alice, "vip", "vip", merge=True).status_code == 200
    assert listed(world) == [("vip", 1)]


def test_the_name_of_another_tag_is_refused(world: World) -> None:
    world.alice.made(tags=["vip", "gold"])
    answer = rename(world.alice, "vip", "gold")
    assert (answer.status_code, pointers(answer)) == (409, {"/name": "taken"})
    assert listed(world) == [("gold", 1), ("vip", 1)]


def test_with_merge_the_two_become_one(world: World) -> None:
    both, one = world.alice.made(tags=["vip", "gold"]), world.alice.made(tags=["vip"])
    answer = rename(world.alice, "vip", "gold", merge=True)
    assert (answer.status_code, answer.json()["name"], answer.json()["contactCount"]) == (200, "gold", 2)
    assert [world.alice.read(c["id"])["tags"] for c in (both, one)] == [["gold"], ["gold"]]
    assert listed(world) == [("gold", 2)]
    assert len(world.alice.list(tag="gold").json()) == 2


def test_merged_tags_follow_into_the_next_merge(world: World) -> None:
    made = [world.alice.made(tags=[name]) for name in ("a", "b", "c")]
    rename(world.alice, "a", "b", merge=True)
    rename(world.alice, "b", "c", merge=True)
    assert [world.alice.read(c["id"])["tags"] for c in made] == [["c"]] * 3
    assert listed(world) == [("c", 3)]
    rename(world.alice, "c", "d")
    assert listed(world) == [("d", 3)]


def test_the_name_of_a_merged_tag_is_free_again(world: World) -> None:
    made = world.alice.made(tags=["a", "b"])
    rename(world.alice, "a", "b", merge=True)
    assert rename(world.alice, "a", "x").status_code == 404
    assert world.alice.patch(made["id"], {"tags": ["a"]}).json()["tags"] == ["a", "b"]
    assert world.alice.delete(f"/v1/contacts/{made['id']}/tags/b").status_code == 204
    assert world.alice.read(made["id"])["tags"] == ["a"]


def test_a_dry_run_keeps_nothing(world: World) -> None:
    made = world.alice.made(tags=["vip", "gold"])
    answer = rename(world.alice, "vip", "gold", merge=True, dryRun=True)
    assert (answer.status_code, answer.json()["name"]) == (200, "gold")
    assert rename(world.alice, "vip", "gold", dryRun=True).status_code == 409
    assert world.alice.read(made["id"])["tags"] == ["gold", "vip"]


def test_a_retry_with_the_same_key_is_answered_again(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    first = rename(world.alice, "vip", "gold", headers={"idempotency-key": "one"})
    assert world.alice.read(made["id"])["tags"] == ["gold"]
    again = rename(world.alice, "vip", "gold", headers={"idempotency-key": "one"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["idempotency-replayed"] == "true"


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    world.alice.made(tags=["vip"])
    answer = world.alice.request("PATCH", "/v1/tags/vip", {"name": " ", "merge": "maybe", "color": "red"})
    assert pointers(answer) == {"/name": "wrong_length", "/merge": "wrong_type", "/color": "unknown_field"}
    assert pointers(world.alice.request("PATCH", "/v1/tags/vip", {"merge": True})) == {"/name": "required"}


def test_there_is_no_such_tag(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert rename(world.alice, "none", "other").status_code == 404
    assert rename(world.alice, "x" * 300, "other").status_code == 404
    assert rename(world.carol, "vip", "other").status_code == 404
    assert rename(world.carol, "vip", "other", workspaceId=world.acme).status_code == 404
    assert rename(world.ada, "vip", "other", workspaceId=world.acme_two).status_code == 404


def test_an_account_key_says_which_workspace(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert pointers(rename(world.ada, "vip", "gold")) == {"/workspaceId": "required"}
    assert rename(world.ada, "vip", "gold", workspaceId=world.acme).status_code == 200


def test_a_reader_may_not(world: World) -> None:
    world.alice.made(tags=["vip"])
    assert rename(world.bob, "vip", "gold").status_code == 403


def test_writes_that_use_the_tag_at_the_same_time_lose_nothing(world: World) -> None:
    contacts = [world.alice.made(tags=["t0"]) for _ in range(6)]

    def write(contact: dict[str, Any]) -> list[str]:
        added: list[str] = []
        for n in range(12):
            answer = world.alice.patch(contact["id"], {"tags": [f"t{n}", f"own{n}"]})
            assert answer.status_code == 200, answer.text
            assert f"own{n}" in answer.json()["tags"]
            added.append(f"own{n}")
        return added

    def rename_all() -> list[str]:
        for n in range(12):
            assert rename(world.alice, f"t{n}", f"t{n + 1}", merge=True).status_code in (200, 404)
        return []

    at_once(rename_all, *[lambda c=c: write(c) for c in contacts])
    for contact in contacts:
        tags = set(world.alice.read(contact["id"])["tags"])
        assert {f"own{n}" for n in range(12)} <= tags
        assert tags - {f"own{n}" for n in range(12)}
    chains = """select count(*) from tags t join tags u on u.id = t.merged_into
                 where t.workspace_id = $1 and u.merged_into is not null"""
    assert world.sql.value(chains, world.acme) == 0


def test_merging_two_tags_into_each_other_at_once_leaves_one(world: World) -> None:
    for n in range(8):
        a, b = f"a{n}", f"b{n}"
        world.alice.made(tags=[a, b])
        at_once(
            lambda a=a, b=b: rename(world.alice, a, b, merge=True),
            lambda a=a, b=b: rename(world.alice, b, a, merge=True),
        )
    assert [count for _, count in listed(world)] == [1] * 8


def test_to_a_contact_with_a_merged_tag_the_new_name_is_no_change(world: World) -> None:
    made = world.alice.made(tags=["old"])
    world.alice.made(tags=["new"])
    rename(world.alice, "old", "new", merge=True)
    merged = world.alice.fetch(made["id"])
    for answer in (
        world.alice.patch(made["id"], {"tags": ["new"]}),
        world.alice.set_tags(made["id"], ["new"]),
        world.alice.fetch(made["id"]),
    ):
        assert answer.json() == merged.json() == {**made, "tags": ["new"]}
        assert answer.headers["etag"] == '"1"'
    assert len(world.alice.history(made["id"]).json()) == 1


def test_a_change_after_a_merge_is_told_by_the_names_that_were_shown(world: World) -> None:
    made = world.alice.made(tags=["old", "gone"])
    world.alice.made(tags=["new"])
    rename(world.alice, "old", "new", merge=True)
    world.alice.delete("/v1/tags/gone")
    assert world.alice.patch(made["id"], {"tags": ["more"]}).json()["tags"] == ["more", "new"]
    [newest, _] = world.alice.history(made["id"]).json()
    assert newest["changes"] == [{"field": "tags", "from": ["new"], "to": ["more", "new"]}]
