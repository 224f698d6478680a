"""Versions: ETag, If-Match and If-None-Match (RFC 9110, sections 8.8.3 and 13.1)."""

from typing import Any

import pytest

from tests.world import World

JUNE = {"firstName": "June"}


def test_the_etag_counts_the_versions(world: World) -> None:
    answer = world.alice.create({"firstName": "Jane"})
    assert answer.headers["etag"] == '"1"'
    contact_id = answer.json()["id"]
    assert world.alice.patch(contact_id, JUNE).headers["etag"] == '"2"'
    assert world.alice.patch(contact_id, JUNE).headers["etag"] == '"2"', "nothing was changed"
    assert world.alice.set_tags(contact_id, ["vip"]).headers["etag"] == '"3"'
    assert world.alice.fetch(contact_id).headers["etag"] == '"3"'


def test_a_contact_that_has_moved_on_is_refused_with_its_current_etag(world: World) -> None:
    made = world.alice.made()
    changed = world.alice.patch(made["id"], {"lastName": "Doe"}).json()
    refused = world.alice.patch(made["id"], JUNE, headers={"if-match": '"1"'})
    assert (refused.status_code, refused.json()["type"]) == (412, "/errors/precondition-failed")
    assert refused.headers["etag"] == '"2"'
    assert refused.json()["retryable"] is False
    assert world.alice.read(made["id"]) == changed


@pytest.mark.parametrize("match", ['"1"', "*", '"7", "1"', '"1","2"'])
def test_a_contact_that_has_not_moved_on_is_changed(world: World, match: str) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], JUNE, headers={"if-match": match}).status_code == 200


@pytest.mark.parametrize("match", ['W/"1"', '"x"', '"1x"', '"-1"', '"99999999999999999999"', "abc", '""'])
def test_an_etag_of_no_version_never_matches(world: World, match: str) -> None:
    made = world.alice.made()
    assert world.alice.patch(made["id"], JUNE, headers={"if-match": match}).status_code == 412


def test_a_stale_etag_is_refused_also_where_nothing_would_change(world: World) -> None:
    made = world.alice.made()
    world.alice.patch(made["id"], {"lastName": "Doe"})
    refused = world.alice.patch(made["id"], {"firstName": "Jane"}, headers={"if-match": '"1"'})
    assert refused.status_code == 412


def test_tags_that_a_refused_change_brings_are_not_made(world: World) -> None:
    made = world.alice.made()
    refused = world.alice.patch(made["id"], {"tags": ["fresh"]}, headers={"if-match": '"9"'})
    assert refused.status_code == 412
    assert world.sql.value("select count(*) from tags where workspace_id = $1", world.acme) == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/tags", {"tags": ["vip"]}, 200),
        ("DELETE", "/tags/vip", None, 204),
        ("DELETE", "", None, 204),
    ],
)
def test_the_other_changes_of_one_contact_heed_it_too(
    world: World, method: str, path: str, body: Any, status: int
) -> None:
    made = world.alice.made(tags=["old", "vip"])
    url = f"/v1/contacts/{made['id']}{path}"
    assert world.alice.request(method, url, body, headers={"if-match": '"2"'}).status_code == 412
    assert world.alice.read(made["id"]) == made
    assert world.alice.request(method, url, body, headers={"if-match": '"1"'}).status_code == status


def test_what_the_reader_has_already_is_not_sent_again(world: World) -> None:
    made = world.alice.made()
    same = world.bob.fetch(made["id"], headers={"if-none-match": '"1"'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    assert "x-request-id" in same.headers
    world.alice.patch(made["id"], JUNE)
    new = world.bob.fetch(made["id"], headers={"if-none-match": '"1"'})
    assert (new.status_code, new.json()["firstName"], new.headers["etag"]) == (200, "June", '"2"')


@pytest.mark.parametrize("known", ['W/"1"', "*", '"8", "1"'])
def test_if_none_match_takes_weak_tags_lists_and_the_star(world: World, known: str) -> None:
    made = world.alice.made()
    assert world.bob.fetch(made["id"], headers={"if-none-match": known}).status_code == 304


def test_if_none_match_does_not_show_what_is_hidden(world: World) -> None:
    made = world.alice.made()
    assert world.carol.fetch(made["id"], headers={"if-none-match": "*"}).status_code == 404
    world.alice.remove(made["id"])
    assert world.bob.fetch(made["id"], headers={"if-none-match": "*"}).status_code == 404
