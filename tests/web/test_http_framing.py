"""What is no sound request of HTTP/1.1 is refused, and nothing in it or behind it is taken for one."""

import json
from collections.abc import Callable

import pytest

from tests.raw_http import ALIVE, LIVE, Client, patch
from tests.world import World

GET, POST = LIVE[:-2], b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
EMPTY = b"\r\n\r\n0\r\n\r\n"
MALFORMED = {
    "two lengths": GET + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + EMPTY,
    "chunks and length": POST + CHUNKED + b"\r\nContent-Length: 5" + EMPTY,
    "length, chunks and an upgrade": POST
    + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n"
    + CHUNKED
    + EMPTY,
    "chunked not last": POST + CHUNKED + b", gzip" + EMPTY,
    "chunked not alone": POST + b"Transfer-Encoding: gzip, chunked" + EMPTY,
    "chunked not alone, in two headers": POST + b"Transfer-Encoding: gzip\r\n" + CHUNKED + EMPTY,
    "chunked twice": POST + CHUNKED + b", chunked" + EMPTY,
    "chunked in two headers": POST + CHUNKED + b"\r\n" + CHUNKED + EMPTY,
    "chunked with a parameter": POST + CHUNKED + b";q=1" + EMPTY,
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: xchunked" + EMPTY,
    "an empty coding": POST + b"Transfer-Encoding:" + EMPTY,
    "chunked in HTTP/1.0": b"POST /v1/contacts HTTP/1.0\r\n" + CHUNKED + EMPTY,
    "chunked in TE": GET + b"TE: gzip, chunked\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "the same host twice": GET + b"Host: x\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "space before colon": GET + b"X-A : b\r\n\r\n",
    "folded header": GET + b"X-A: b\r\n c\r\n\r\n",
    "control character": GET + b"X-A: \x01\r\n\r\n",
    "bare carriage return": GET + b"X-A: b\rX-B: c\r\n\r\n",
    "bare line feed": GET + b"X-A: b\nX-B: c\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "endless length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "no method": LIVE.replace(b"GET", b"G<>T"),
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2 from the start": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": LIVE.replace(b"HTTP/1.1", b"HTTP/2.0"),
    "HTTP/0.9": LIVE.replace(b"HTTP/1.1", b"HTTP/0.9"),
    "HTTP/1.2": LIVE.replace(b"HTTP/1.1", b"HTTP/1.2"),
    "no version": b"GET /health/live\r\n\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "CONNECT to a path": LIVE.replace(b"GET", b"CONNECT"),
}


def refused(client: Client, text: bytes) -> None:
    """The text is refused, and what is behind it not taken for a request."""
    client.send(text + LIVE)
    answer = client.answer()
    problem = json.loads(answer.body)
    assert (answer.status, problem["type"]) == (400, "/errors/validation-error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert client.to_the_end() == b""


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_sound_request_is_refused_with_a_problem_and_closed(
    connect: Callable[[], Client], text: bytes
) -> None:
    refused(connect(), text)


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_it_is_refused_byte_by_byte_too(connect: Callable[[], Client], text: bytes) -> None:
    client = connect()
    for byte in text + b"\r\n\r\n":
        try:
            client.send(bytes([byte]))
        except ConnectionError:
            break
    assert client.answer().status == 400
    assert client.to_the_end() == b""


BAD_HOSTS = [
    *(
        "",
        "x y",
        "x@y",
        "user:password@x",
        "http://x",
        "x/y",
        "x?y",
        "x#y",
        "x,y",
        "x;y",
        "x\\y",
        "x<y",
        '"x"',
    ),
    *("x:y", "x:-1", "x:65536", "x:123456", "x:80:80", ":80", "[::1", "::1]", "::1", "[x]", "[]"),
    *("x%2Fy", "x%00", "ü", "x" * 256),
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_a_host_that_is_none_is_refused(connect: Callable[[], Client], host: str) -> None:
    refused(connect(), f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    refused(connect(), f"GET /health/live HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())


@pytest.mark.parametrize("authority", ["", "x@y", "x:y", "user:password@x", "[::1", "x%2Fy"])
def test_a_target_with_a_host_that_is_none_is_refused(connect: Callable[[], Client], authority: str) -> None:
    refused(connect(), f"GET http://{authority}/health/live HTTP/1.1\r\nHost: x\r\n\r\n".encode())


GOOD_HOSTS = [
    *(
        "x",
        "X",
        "contacts.example.com",
        "contacts.example.com:443",
        "contacts.example.com.",
        "127.0.0.1:8000",
    ),
    *("[::1]", "[::1]:8000", "[::ffff:127.0.0.1]", "my_service:80", "a-b~c", "x:", "x:65535", "x:00080"),
]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_a_host_may_be_a_name_or_an_address_with_a_port_or_without(
    connect: Callable[[], Client], host: str
) -> None:
    client = connect()
    client.send(f"GET /health/live HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().body == ALIVE


@pytest.mark.parametrize("te", ["trailers", "gzip", "gzip;q=0.5, trailers", ""])
def test_what_codings_a_client_would_take_is_its_own_affair(connect: Callable[[], Client], te: str) -> None:
    client = connect()
    client.send(LIVE.replace(b"\r\n\r\n", f"\r\nTE: {te}\r\nConnection: TE\r\n\r\n".encode()))
    assert client.answer().body == ALIVE


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "  CHUNKED"])
def test_chunked_may_be_written_in_any_case(world: World, connect: Callable[[], Client], coding: str) -> None:
    made, client = world.alice.made(), connect()
    body = b'1\r\n{\r\n14\r\n"firstName": "Joan"}\r\n0\r\n\r\n'
    client.send(patch(world.alice, made["id"], body, framing=f"Transfer-Encoding:{coding}"))
    assert json.loads(client.answer().body)["firstName"] == "Joan"


def test_the_requests_before_nonsense_are_answered(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world.alice, made["id"], b'{"firstName": "Good"}') + b"nonsense\r\n\r\n")
    assert client.answer().status == 200
    assert client.answer().status == 400
    assert world.alice.read(made["id"])["firstName"] == "Good"


BAD_CHUNKS = {
    "no size": b'16\r\n{"firstName": "Other"}\r\nxyz\r\n',
    "a negative size": b'16\r\n{"firstName": "Other"}\r\n-1\r\n\r\n',
    "an endless size": b'16\r\n{"firstName": "Other"}\r\nfffffffffffffffff\r\n',
    "no end of the data": b'15\r\n{"firstName": "Other"}\r\n0\r\n\r\n',
    "a size with a prefix": b'0x16\r\n{"firstName": "Other"}\r\n0\r\n\r\n',
    "a line feed alone": b'16\n{"firstName": "Other"}\n0\n\n',
    "space behind the size": b'16 \r\n{"firstName": "Other"}\r\n0\r\n\r\n',
}


@pytest.mark.parametrize("body", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_nonsense_in_a_chunked_body_changes_nothing(
    world: World, connect: Callable[[], Client], body: bytes
) -> None:
    made, client = world.alice.made(firstName="Same"), connect()
    client.send(patch(world.alice, made["id"], body, framing="Transfer-Encoding: chunked") + LIVE)
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert client.to_the_end() == b""
    assert world.alice.read(made["id"])["firstName"] == "Same"
