"""How large a head may be, and what a chunked body has besides its data."""

import asyncio
import itertools
import json
from collections.abc import Callable

import pytest

from contactory.web.connection import HttpConnection
from contactory.web.heads import HEAD_BYTES, HEAD_LINES
from contactory.web.listener import Listener
from contactory.web.messages import Peer, Request
from contactory.web.reader import RequestReader
from tests.raw_http import ALIVE, LIVE, Answer, Client, patch
from tests.world import World

MEBIBYTE = 1 << 20


def of_size(size: int, headers: int) -> bytes:
    """A request whose head has so many bytes, in so many headers besides Host."""
    start = LIVE[:-2]
    each = (size - len(start) - 2) // headers
    lines = [f"x-{number}: ".encode().ljust(each - 2, b"y") + b"\r\n" for number in range(headers)]
    lines[0] = lines[0][:-2] + b"y" * (size - len(start) - 2 - each * headers) + b"\r\n"
    whole = start + b"".join(lines) + b"\r\n"
    assert len(whole) == size
    return whole


def assert_too_large(answer: Answer) -> None:
    assert (answer.status, json.loads(answer.body)["type"]) == (431, "/errors/headers-too-large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("headers", [1, 50])
def test_a_head_of_64_kibibytes_is_read_and_one_byte_more_is_not(
    connect: Callable[[], Client], headers: int
) -> None:
    client = connect()
    for _ in range(3):
        client.send(of_size(HEAD_BYTES, headers))
        assert client.answer().body == ALIVE
    client.send(of_size(HEAD_BYTES + 1, headers) + LIVE)
    assert_too_large(client.answer())
    assert client.ended


@pytest.mark.parametrize("size", [80_000, 100_000, 250_000, 3_000_000])
@pytest.mark.parametrize("headers", [1, 50])
def test_headers_over_64_kibibytes_are_too_large(
    connect: Callable[[], Client], headers: int, size: int
) -> None:
    client = connect()
    client.send(of_size(size, headers) + LIVE)
    assert_too_large(client.answer())
    assert client.ended


def test_a_path_over_64_kibibytes_is_too_large(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(LIVE.replace(b"/live", b"/live?" + b"y" * 70_000) + LIVE)
    assert_too_large(client.answer())
    assert client.ended


def test_headers_that_never_end_are_refused_where_they_are_too_large(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(of_size(100_000, 50)[:-2])
    assert_too_large(client.answer())
    assert client.ended


@pytest.mark.parametrize("name", [b"x: y\r\n", b"x-%d: y\r\n"], ids=["of one name", "of many names"])
def test_too_many_headers_are_refused(connect: Callable[[], Client], name: bytes) -> None:
    def head(count: int) -> bytes:
        lines = [name % number if b"%" in name else name for number in range(count)]
        return LIVE[:-2] + b"".join(lines) + b"\r\n"

    client = connect()
    client.send(head(HEAD_LINES - 10))
    assert client.answer().body == ALIVE
    client.send(head(2 * HEAD_LINES) + LIVE)
    assert_too_large(client.answer())
    assert client.ended


ENDLESS = {
    "trailers": b"2\r\n{}\r\n0\r\nx-a: " + b"y" * 100_000,
    "many trailers": b"2\r\n{}\r\n0\r\n" + b"x-a: y\r\n" * 10_000,
    "an extension": b"2;" + b"y" * 100_000 + b"\r\n{}\r\n",
}


@pytest.mark.parametrize("body", ENDLESS.values(), ids=ENDLESS)
def test_what_a_chunked_body_has_besides_data_has_a_limit_too(
    world: World, connect: Callable[[], Client], body: bytes
) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world.alice, made["id"], body, framing="Transfer-Encoding: chunked"))
    assert_too_large(client.answer())
    assert client.ended


def test_a_body_in_many_tiny_chunks_is_read(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    body = b'{"firstName": "Tiny"%b}' % (b" " * 200_000)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nx-trailer: y\r\n\r\n"
    client.send(patch(world.alice, made["id"], chunks, framing="Transfer-Encoding: chunked") + LIVE)
    assert json.loads(client.answer().body)["firstName"] == "Tiny"
    assert client.answer().body == ALIVE


def test_a_client_that_asked_first_and_was_refused_is_closed(
    world: World, connect: Callable[[], Client]
) -> None:
    """What it sends next may be the body, or another request: that cannot be known."""
    client = connect()
    request = patch(world.stranger(), world.alice.made()["id"], b"x" * 40, "Expect: 100-continue")
    client.send(request[:-40])
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (401, "close")
    client.send(LIVE)
    assert client.ended


def test_tiny_chunks_are_taken_out_a_few_at_a_time_so_that_others_have_their_turn() -> None:
    async def turns() -> list[int]:
        listener = Listener(
            never,
            body_limit=MEBIBYTE,
            body_timeout=10,
            connection_limit=10,
            limit_of=lambda request: MEBIBYTE,
            whole_limit=MEBIBYTE,
        )
        reader = RequestReader(listener, HttpConnection(listener))
        reader.parse(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        [request] = reader.queue
        reader.queue.clear()  # It is at work.
        reader.keep(b"1\r\nx\r\n" * 20_000)
        received = [0]
        while reader.rest:
            reader.rested()
            reader.go_on(held_up=False)
            received.append(request.received)
        return [later - before for before, later in itertools.pairwise(received)]

    taken = asyncio.run(turns())
    assert sum(taken) == 20_000
    assert max(taken) < 3000


async def never(request: Request, peer: Peer) -> None:
    """Answers nothing."""
