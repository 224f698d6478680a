"""Names of tags and custom fields: any text has one form, or is refused."""

import socket
import time
import unicodedata
from typing import Literal
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contactory.rules.invalid import Invalid
from contactory.values.names import display_name
from tests.world import World, pointers
from tests.yardstick import times

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


def form(text: str) -> str:
    """The form that a name is kept in; a name that is refused is of no interest."""
    try:
        return display_name(text)
    except Invalid:
        assume(False)
        raise


@given(NAMES)
@example(" \u0301x")
@example("\u1100\u1161\u11a8")
def test_the_form_of_a_name_is_its_own_form(text: str) -> None:
    name = form(text)
    assert display_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert name == name.strip()
    assert 1 <= len(name) <= 255


@given(NAMES, st.sampled_from(["NFC", "NFD"]), st.text(" \t\n\u00a0\u3000", max_size=3))
def test_every_way_of_writing_a_name_has_one_form(
    text: str, normal: Literal["NFC", "NFD"], blank: str
) -> None:
    name = form(text)
    assert display_name(blank + unicodedata.normalize(normal, name) + blank) == name


@pytest.mark.parametrize("dots", [".", "..", " .. ", "\u3000."])
def test_a_name_that_no_url_can_carry_is_refused_wherever_a_tag_is_made(world: World, dots: str) -> None:
    made = world.alice.made(phone="+14155551234", tags=["vip"])
    batch = world.alice.batch(
        {"op": "update", "id": made["id"], "data": {"tags": [dots]}},
        {"op": "upsert", "data": {"phone": "+14155551234", "tags": [dots]}},
        {"op": "create", "data": {"tags": [dots]}},
    )
    refused = [
        world.alice.create({"tags": ["x", dots]}),
        world.alice.patch(made["id"], {"tags": ["x", dots]}),
        world.alice.set_tags(made["id"], ["x", dots]),
        world.alice.upsert({"phone": "+14155551234", "tags": ["x", dots]}),
    ]
    assert [answer.status_code for answer in refused] == [400] * 4
    assert [result["status"] for result in batch.json()["results"]] == [400] * 3
    for answer in refused:
        assert pointers(answer) == {"/tags/1": "reserved_name"}
        assert answer.json()["detail"] == f'"{dots.strip()}" cannot be a tag, because a URL cannot contain it'
    renamed = world.alice.request("PATCH", "/v1/tags/vip", {"name": dots})
    assert pointers(renamed) == {"/name": "reserved_name"}
    assert world.alice.read(made["id"]) == made
    assert world.alice.patch(made["id"], {"tags": ["..."]}).json()["tags"] == ["...", "vip"]


@pytest.mark.usefixtures("server")
def test_a_tag_of_dots_that_is_there_can_be_kept_renamed_and_taken_off(world: World) -> None:
    made, other = world.alice.made(tags=["one", "vip"]), world.alice.made(tags=["two"])
    for name, dots in (("one", "."), ("two", "..")):
        world.sql.execute(
            "update tags set name = $3 where workspace_id = $1 and name = $2", world.acme, name, dots
        )
    world.sql.execute("update workspaces set catalog_version = catalog_version + 1 where id = $1", world.acme)
    time.sleep(1)
    assert world.alice.read(made["id"])["tags"] == [".", "vip"]
    assert world.alice.set_tags(made["id"], [".", "gold"]).json()["tags"] == [".", "gold"]
    assert world.alice.set_tags(made["id"], ["gold"]).json()["tags"] == ["gold"]
    # Alone, two dots are resolved away before they reach the server, encoded or not.
    assert world.alice.delete(f"/v1/contacts/{other['id']}/tags/%2e%2e%20").status_code == 204
    assert world.alice.read(other["id"])["tags"] == []
    assert world.alice.set_tags(other["id"], [".."]).json()["tags"] == [".."]
    # A client that resolves no dots can name them in a path as they are.
    answer = exchange(world, "PATCH", "/v1/tags/..", b'{"name": "dots"}')
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    assert world.alice.read(other["id"])["tags"] == ["dots"]


def exchange(world: World, method: str, path: str, body: bytes) -> bytes:
    """The first bytes of the answer to a request whose path is sent as it is."""
    address = urlsplit(str(world.http.base_url))
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {world.alice.key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        return connection.recv(4096)


def test_a_name_of_a_million_combining_characters_is_refused_at_once(world: World) -> None:
    """To bring them into their order would take minutes."""
    made = world.alice.made()
    world.field("Size")
    name = "a" + "\u0301\u0323" * 150_000

    def refused() -> None:
        with pytest.raises(Invalid):
            display_name(name)

    assert times(refused) < 5
    assert world.alice.patch(made["id"], {"tags": [name]}).status_code == 400
    assert world.alice.patch(made["id"], {"customFields": {name: 1}}).status_code == 400
    assert world.alice.get("/v1/tags", q="\u0301\u0323" * 2000).json() == []


@pytest.mark.parametrize(
    "text", ["\u0301x", "Å", "a\u0323\u0307", "한글", "🏳️‍🌈", "e\u0301" * 127, "x" * 255, "a\u200bb"]
)
def test_a_name_comes_back_as_it_was_kept_and_is_found_however_it_is_written(world: World, text: str) -> None:
    made = world.alice.made(tags=[text])
    assert made["tags"] == [display_name(text)]
    for normal in ("NFC", "NFD"):
        written = f" {unicodedata.normalize(normal, text)} "
        assert world.alice.list(tag=written).json() == [made]
        assert world.alice.patch(made["id"], {"tags": [written]}).json() == made
