"""HTTP/1.1 as it arrives: in pieces, in heaps, half, twice, or as nonsense (RFC 9110, RFC 9112)."""

import json
import re
import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.raw_http import Client
from tests.waiting import until
from tests.world import World

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
ALIVE = b'{"status":"live"}'


@pytest.fixture
def connect(world: World) -> Generator[Callable[[], Client]]:
    clients: list[Client] = []

    def one() -> Client:
        clients.append(Client(world.http))
        return clients[-1]

    yield one
    for client in clients:
        client.socket.close()


def patch(world: World, contact_id: str, body: bytes, *more: str, framing: str | None = None) -> bytes:
    """A PATCH as it goes over the wire."""
    lines = [
        f"PATCH /v1/contacts/{contact_id} HTTP/1.1",
        "Host: contacts.example.com",
        f"Authorization: Bearer {world.alice.key}",
        "Content-Type: application/json",
        framing or f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_request_may_arrive_byte_by_byte(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in patch(world, made["id"], b'{"firstName": "Bit"}'):
        client.send(bytes([byte]))
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["firstName"]) == (200, "Bit")
    client.send(LIVE)
    assert client.answer().body == ALIVE


def test_a_request_may_be_cut_anywhere(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = patch(world, made["id"], b'{"firstName": "Cut"}')
    for place in range(1, len(whole), 7):
        client.send(whole[:place])
        time.sleep(0.001)
        client.send(whole[place:])
        assert client.answer().status == 200


def test_requests_sent_at_once_are_answered_in_their_order(
    world: World, connect: Callable[[], Client]
) -> None:
    made, client = world.alice.made(), connect()
    whole = b""
    for number in range(40):
        whole += patch(world, made["id"], b'{"firstName": "%d"}' % number) + LIVE
    client.send(whole)
    for number in range(40):
        assert json.loads(client.answer().body)["firstName"] == str(number)
        assert client.answer().body == ALIVE


def test_a_crowd_of_requests_on_one_connection_is_refused_and_the_server_lives(
    world: World, connect: Callable[[], Client]
) -> None:
    client = connect()
    try:
        client.send(LIVE * 20_000)
        client.to_the_end()
    except ConnectionError:
        pass
    assert world.http.get("/health/live").status_code == 200


def test_one_connection_serves_many_requests(connect: Callable[[], Client]) -> None:
    client = connect()
    for _ in range(200):
        client.send(LIVE)
        answer = client.answer()
        assert (answer.status, answer.body) == (200, ALIVE)
        assert "connection" not in answer.headers
        assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])


def test_a_client_that_wants_to_close_is_closed(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert client.ended


def test_http_1_0_is_answered_and_closed(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(b"GET /health/live HTTP/1.0\r\n\r\n")
    assert client.answer().body == ALIVE
    assert client.ended


def test_head_has_the_headers_of_get_and_no_body(world: World, connect: Callable[[], Client]) -> None:
    client = connect()
    for path in ("/health/live", "/docs", f"/v1/contacts/{world.alice.made()['id']}", "/nowhere"):
        head = f"{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {world.alice.key}\r\n\r\n"
        client.send(f"HEAD {head}".encode())
        without = client.answer(bodiless=True)
        client.send(f"GET {head}".encode())
        got = client.answer()
        assert without.status == got.status
        assert int(without.headers["content-length"]) == len(got.body) > 0


def test_no_content_has_no_content_length(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world, made["id"], b"").replace(b"PATCH", b"DELETE", 1))
    answer = client.answer()
    assert answer.status == 204
    assert not {"content-length", "transfer-encoding"} & answer.headers.keys()
    client.send(LIVE)
    assert client.answer().body == ALIVE


def test_a_target_may_name_the_host_too(world: World, connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(LIVE.replace(b"/health", b"http://contacts.example.com/health"))
    assert client.answer().body == ALIVE


@pytest.mark.parametrize("asked", ["h2c", "websocket"])
def test_an_upgrade_is_not_taken_up(connect: Callable[[], Client], asked: str) -> None:
    client = connect()
    client.send(LIVE.replace(b"\r\n\r\n", f"\r\nConnection: Upgrade\r\nUpgrade: {asked}\r\n\r\n".encode()))
    answer = client.answer()
    assert (answer.status, answer.body) == (200, ALIVE)
    assert client.ended


def test_chunks_make_one_body(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    body = b'5;ext="x"\r\n{"fir\r\nF\r\nstName": "Joan"\r\n1\r\n}\r\n0\r\nX-Trailer: ignored\r\n\r\n'
    for _ in range(2):
        client.send(patch(world, made["id"], body, framing="Transfer-Encoding: chunked"))
        answer = client.answer()
        assert (answer.status, json.loads(answer.body)["firstName"]) == (200, "Joan")


def test_a_client_that_asks_first_is_told_to_go_on(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    body = b'{"firstName": "Asked"}'
    client.send(patch(world, made["id"], body, "Expect: 100-continue").removesuffix(body))
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 200


def test_a_client_that_asks_first_is_refused_before_it_sends(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(
        b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 90\r\n\r\n"
    )
    assert client.answer().status == 401


GET, POST = LIVE[:-2], b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
MALFORMED = {
    "two lengths": GET + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello",
    "length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n\r\n0\r\n\r\n",
    "chunked not last": POST + CHUNKED + b", gzip\r\n\r\n0\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "space before colon": GET + b"X-A : b\r\n\r\n",
    "folded header": GET + b"X-A: b\r\n c\r\n\r\n",
    "control character": GET + b"X-A: \x01\r\n\r\n",
    "bare carriage return": GET + b"X-A: b\rX-B: c\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "no method": LIVE.replace(b"GET", b"G<>T"),
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_sound_request_is_refused_with_a_problem_and_closed(
    world: World, connect: Callable[[], Client], text: bytes
) -> None:
    client = connect()
    client.send(text + LIVE)
    answer = client.answer()
    problem = json.loads(answer.body)
    assert (answer.status, problem["type"]) == (400, "/errors/validation-error")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    # What was smuggled behind it is not taken for a request.
    assert client.to_the_end() == b""


def test_the_requests_before_nonsense_are_answered(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world, made["id"], b'{"firstName": "Good"}') + b"nonsense\r\n\r\n")
    assert client.answer().status == 200
    assert client.answer().status == 400
    assert world.alice.read(made["id"])["firstName"] == "Good"


def test_nonsense_in_a_chunked_body_changes_nothing(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(firstName="Same"), connect()
    body = b'16\r\n{"firstName": "Other"}\r\nxyz\r\n'
    client.send(patch(world, made["id"], body, framing="Transfer-Encoding: chunked"))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (400, "close")
    assert world.alice.read(made["id"])["firstName"] == "Same"


@pytest.mark.parametrize("pieces", [1, 50])
def test_headers_over_64_kibibytes_are_too_large(
    world: World, connect: Callable[[], Client], pieces: int
) -> None:
    client = connect()
    headers = "".join(f"X-{number}: {'y' * (100_000 // pieces)}\r\n" for number in range(pieces))
    client.send(f"GET /health/live HTTP/1.1\r\nHost: x\r\n{headers}".encode())
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["type"]) == (431, "/errors/headers-too-large")
    assert client.ended


def test_who_sends_a_large_body_without_reading_still_gets_the_answer(connect: Callable[[], Client]) -> None:
    client = connect()
    size = 8 << 20
    client.send(f"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
    for _ in range(16):
        client.send(b"x" * (512 << 10))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (401, "close")


def test_who_sends_all_and_closes_their_half_is_answered(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world, made["id"], b'{"firstName": "Half"}'))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().status == 200
    assert client.ended


def test_a_client_that_leaves_in_the_middle_changes_nothing(
    world: World, connect: Callable[[], Client]
) -> None:
    made = world.alice.made(firstName="Same")
    for sent in (30, 150, 230, -1):
        client = connect()
        client.send(patch(world, made["id"], b'{"firstName": "Other"}')[:sent])
        client.socket.close()
    time.sleep(0.1)
    assert world.alice.read(made["id"]) == made


def test_a_client_that_leaves_before_the_answer_is_still_served(
    world: World, connect: Callable[[], Client]
) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world, made["id"], b'{"firstName": "Gone"}'))
    client.socket.close()
    until(lambda: world.alice.read(made["id"])["firstName"] == "Gone")


def plan(world: World, version: str = "1.1") -> bytes:
    """A request whose answer is sent piece by piece."""
    window = world.alice.post("/v1/send-windows", {"preset": "us-tcpa", "name": "Calls"})
    assert window.status_code == 201, window.text
    head = f"POST /v1/send-windows/{window.json()['id']}/plan HTTP/{version}\r\nHost: x"
    body = '{"channel": "call"}'
    framing = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\nAuthorization: Bearer {world.alice.key}\r\n{framing}\r\n\r\n{body}".encode()


def test_a_long_answer_comes_in_chunks_and_the_connection_goes_on(
    world: World, connect: Callable[[], Client]
) -> None:
    client, asked = connect(), plan(world)
    for _ in range(2):
        client.send(asked)
        answer = client.answer()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert json.loads(answer.body)["hours"]
    client.send(LIVE)
    assert client.answer().body == ALIVE


def test_a_long_answer_to_http_1_0_ends_with_the_connection(
    world: World, connect: Callable[[], Client]
) -> None:
    client = connect()
    client.send(plan(world, version="1.0"))
    answer = client.answer()
    assert "transfer-encoding" not in answer.headers
    assert json.loads(answer.body)["hours"]


def test_clients_that_leave_in_the_middle_of_a_long_answer_hold_nothing_up(
    world: World, connect: Callable[[], Client]
) -> None:
    asked = plan(world)
    for _ in range(20):
        client = connect()
        client.send(asked)
        client.socket.recv(10)
        client.socket.close()
    client = connect()
    client.send(asked)
    assert json.loads(client.answer().body)["hours"]


def test_many_connections_at_once_are_served(connect: Callable[[], Client]) -> None:
    clients = [connect() for _ in range(300)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda client: client.send(LIVE * 3), clients))
        for _ in range(3):
            assert {answer.body for answer in pool.map(Client.answer, clients)} == {ALIVE}
