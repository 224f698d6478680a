"""A request that asks for another protocol is answered as HTTP/1.1 all the same (RFC 9110, section 7.8)."""

import json
import time
from collections.abc import Callable

import pytest

from tests.raw_http import ALIVE, LIVE, Client, patch
from tests.world import World

ASKED = {
    "h2c": ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
    "h2c, in a header of its own": ("Connection: Upgrade", "Connection: HTTP2-Settings", "Upgrade: h2c"),
    "h2c, first": ("Upgrade: h2c", "Connection: upgrade"),
    "websocket": ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "a list": ("Connection: keep-alive, Upgrade", "Upgrade: h2c, websocket"),
}
LENGTH, CHUNKED = None, "Transfer-Encoding: chunked"


def body_of(name: str, framing: str | None) -> bytes:
    """A change of the first name."""
    body = json.dumps({"firstName": name}).encode()
    return (
        body
        if framing is LENGTH
        else b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
    )


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED], ids=["length", "chunked"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_the_body_behind_an_upgrade_is_read(
    world: World, connect: Callable[[], Client], asked: tuple[str, ...], framing: str | None
) -> None:
    made, client = world.alice.made(), connect()
    for name in ("One", "Two"):
        client.send(patch(world.alice, made["id"], body_of(name, framing), *asked, framing=framing))
        answer = client.answer()
        assert (answer.status, json.loads(answer.body)["firstName"]) == (200, name)
        assert "upgrade" not in answer.headers


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED], ids=["length", "chunked"])
def test_it_may_arrive_in_any_two_pieces(
    world: World, connect: Callable[[], Client], framing: str | None
) -> None:
    made, client = world.alice.made(), connect()
    whole = patch(world.alice, made["id"], body_of("Cut", framing), *ASKED["h2c"], framing=framing)
    for place in range(1, len(whole), 5):
        client.send(whole[:place])
        time.sleep(0.001)
        client.send(whole[place:])
        assert client.answer().status == 200


def test_it_may_arrive_byte_by_byte(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    for byte in patch(world.alice, made["id"], body_of("Bit", LENGTH), *ASKED["h2c"]) + LIVE:
        client.send(bytes([byte]))
    assert json.loads(client.answer().body)["firstName"] == "Bit"
    assert client.answer().body == ALIVE


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED], ids=["length", "chunked"])
def test_requests_behind_it_are_answered_in_their_order(
    world: World, connect: Callable[[], Client], framing: str | None
) -> None:
    made, client = world.alice.made(), connect()
    whole = b"".join(
        patch(world.alice, made["id"], body_of(str(number), framing), *ASKED["h2c"], framing=framing)
        + LIVE.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        + LIVE
        for number in range(30)
    )
    client.send(whole)
    for number in range(30):
        assert json.loads(client.answer().body)["firstName"] == str(number)
        assert client.answer().body == ALIVE
        assert client.answer().body == ALIVE


def test_a_large_body_behind_an_upgrade_is_read(world: World, connect: Callable[[], Client]) -> None:
    client = connect()
    body = b'{"firstName": "%b"}' % (b"x" * 900_000)
    client.send(patch(world.alice, world.alice.made()["id"], body, *ASKED["h2c"]) + LIVE)
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["errors"][0]["code"]) == (400, "wrong_length")
    assert client.answer().body == ALIVE


def test_a_client_that_asks_for_an_upgrade_and_before_it_sends_is_told_to_go_on(
    world: World, connect: Callable[[], Client]
) -> None:
    made, client = world.alice.made(), connect()
    body = b'{"firstName": "Asked"}'
    whole = patch(world.alice, made["id"], body, *ASKED["h2c"], "Expect: 100-continue")
    client.send(whole.removesuffix(body))
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 200


def test_a_client_that_asks_for_an_upgrade_and_wants_to_close_is_closed(
    connect: Callable[[], Client],
) -> None:
    client = connect()
    client.send(LIVE.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n") + LIVE)
    answer = client.answer()
    assert (answer.body, answer.headers["connection"]) == (ALIVE, "close")
    assert client.ended


def test_http_1_0_with_an_upgrade_is_answered_and_closed(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    whole = patch(world.alice, made["id"], body_of("Old", LENGTH), *ASKED["h2c"])
    client.send(whole.replace(b"HTTP/1.1", b"HTTP/1.0", 1) + LIVE)
    assert json.loads(client.answer().body)["firstName"] == "Old"
    assert client.ended


def test_nonsense_in_a_body_behind_an_upgrade_changes_nothing(
    world: World, connect: Callable[[], Client]
) -> None:
    made, client = world.alice.made(firstName="Same"), connect()
    body = b'16\r\n{"firstName": "Other"}\r\nxyz\r\n'
    client.send(patch(world.alice, made["id"], body, *ASKED["h2c"], framing=CHUNKED) + LIVE)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert client.to_the_end() == b""
    assert world.alice.read(made["id"])["firstName"] == "Same"
