"""HTTP/1.1 as it arrives: in pieces, in heaps, half, or twice (RFC 9110, RFC 9112)."""

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.raw_http import ALIVE, LIVE, Client, patch
from tests.waiting import until
from tests.world import World


def test_a_request_may_arrive_byte_by_byte(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in patch(world.alice, made["id"], b'{"firstName": "Bit"}'):
        client.send(bytes([byte]))
    answer = client.answer()
    assert (answer.status, json.loads(answer.body)["firstName"]) == (200, "Bit")
    client.send(LIVE)
    assert client.answer().body == ALIVE


def test_a_request_may_be_cut_anywhere(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    whole = patch(world.alice, made["id"], b'{"firstName": "Cut"}')
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
        whole += patch(world.alice, made["id"], b'{"firstName": "%d"}' % number) + LIVE
    client.send(whole)
    for number in range(40):
        assert json.loads(client.answer().body)["firstName"] == str(number)
        assert client.answer().body == ALIVE


def test_a_crowd_of_requests_on_one_connection_is_answered(connect: Callable[[], Client]) -> None:
    client = connect()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(client.send, LIVE * 20_000)
        for _ in range(20_000):
            assert client.answer().body == ALIVE
        sending.result()


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
    client.send(patch(world.alice, made["id"], b"").replace(b"PATCH", b"DELETE", 1))
    answer = client.answer()
    assert answer.status == 204
    assert not {"content-length", "transfer-encoding"} & answer.headers.keys()
    client.send(LIVE)
    assert client.answer().body == ALIVE


def test_a_target_may_name_the_host_too(world: World, connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(LIVE.replace(b"/health", b"http://contacts.example.com/health"))
    assert client.answer().body == ALIVE


def test_chunks_make_one_body(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    body = b'5;ext="x"\r\n{"fir\r\nF\r\nstName": "Joan"\r\n1\r\n}\r\n0\r\nX-Trailer: ignored\r\n\r\n'
    for _ in range(2):
        client.send(patch(world.alice, made["id"], body, framing="Transfer-Encoding: chunked"))
        answer = client.answer()
        assert (answer.status, json.loads(answer.body)["firstName"]) == (200, "Joan")


def test_a_client_that_asks_first_is_told_to_go_on(world: World, connect: Callable[[], Client]) -> None:
    made, client = world.alice.made(), connect()
    body = b'{"firstName": "Asked"}'
    client.send(patch(world.alice, made["id"], body, "Expect: 100-continue").removesuffix(body))
    assert client.answer().status == 100
    client.send(body)
    assert client.answer().status == 200


def test_a_client_that_asks_first_is_refused_before_it_sends(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(
        b"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 90\r\n\r\n"
    )
    assert client.answer().status == 401


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
    client.send(patch(world.alice, made["id"], b'{"firstName": "Half"}'))
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().status == 200
    assert client.ended


def test_a_client_that_leaves_in_the_middle_changes_nothing(
    world: World, connect: Callable[[], Client]
) -> None:
    made = world.alice.made(firstName="Same")
    for sent in (30, 150, 230, -1):
        client = connect()
        client.send(patch(world.alice, made["id"], b'{"firstName": "Other"}')[:sent])
        client.socket.close()
    time.sleep(0.1)
    assert world.alice.read(made["id"]) == made


def test_a_client_that_leaves_before_the_answer_is_still_served(
    world: World, connect: Callable[[], Client]
) -> None:
    made, client = world.alice.made(), connect()
    client.send(patch(world.alice, made["id"], b'{"firstName": "Gone"}'))
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
