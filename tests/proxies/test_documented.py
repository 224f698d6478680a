"""Contactory behind nginx and HAProxy, as docs/running.md sets them up."""

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import psutil
import pytest

from tests.process.test_logs import line_of
from tests.proxies.conftest import NAME, Proxied
from tests.raw_http import Client
from tests.world import Caller, World

LIMIT = 1 << 20


@pytest.fixture
def alice(proxied: Proxied, world: World) -> Caller:
    return world.alice.at(proxied.http)


def raw(proxied: Proxied) -> Client:
    """A connection to the proxy, byte by byte."""
    client = Client(str(proxied.direct.base_url))
    client.socket.close()
    client.socket = proxied.tls.wrap_socket(
        socket.create_connection(("127.0.0.1", proxied.port), timeout=15), server_hostname=NAME
    )
    return client


def test_a_problem_of_a_body_that_is_too_large_is_ours(alice: Caller) -> None:
    for size in (LIMIT + 1, 3 << 20, 20 << 20):
        answer = alice.create({"firstName": "x" * size})
        assert answer.status_code == 413, size
        assert answer.json()["type"] == "/errors/payload-too-large"


def test_chunked_bodies_arrive_and_those_that_are_too_large_are_refused_by_us(alice: Caller) -> None:
    def send(size: int) -> httpx.Response:
        body = json.dumps({"firstName": "Jane", "customFields": {}, "lastName": "y"}).encode()
        pieces = iter([body, b" " * size])
        headers = {"authorization": f"Bearer {alice.key}", "content-type": "application/json"}
        return alice.http.post("/v1/contacts", content=pieces, headers=headers)

    assert send(1000).status_code == 201
    assert send(LIMIT - 200).status_code == 201
    for size in (2 * LIMIT, 20 * LIMIT):
        answer = send(size)
        assert (answer.status_code, answer.json()["type"]) == (413, "/errors/payload-too-large")


def test_a_client_that_asks_before_it_sends_is_told_to(proxied: Proxied, alice: Caller) -> None:
    client = raw(proxied)
    client.send(head(alice, "POST /v1/contacts", b'{"firstName": "Jane"}', "Expect: 100-continue"))
    assert client.answer().status == 100
    client.send(b'{"firstName": "Jane"}')
    assert client.answer().status == 201


def head(alice: Caller, line: str, body: bytes, *more: str) -> bytes:
    lines = [
        f"{line} HTTP/1.1",
        f"Host: {NAME}",
        f"Authorization: Bearer {alice.key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_wish_for_http_2_without_tls_does_not_cost_the_body(proxied: Proxied, alice: Caller) -> None:
    client, body = raw(proxied), b'{"firstName": "Jane"}'
    upgrade = (
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
    )
    for _ in range(2):
        client.send(head(alice, "POST /v1/contacts", body, *upgrade) + body)
        assert client.answer().status == 201


def test_etags_stay_strong_and_if_match_decides(alice: Caller) -> None:
    made = alice.made()
    for packed in ("gzip", "identity"):
        tag = alice.fetch(made["id"], headers={"accept-encoding": packed}).headers["etag"]
        assert re.fullmatch(r'"\w+"', tag)
        assert alice.patch(made["id"], {"lastName": packed}, headers={"if-match": tag}).status_code == 200
        assert alice.patch(made["id"], {"lastName": "Late"}, headers={"if-match": tag}).status_code == 412


def test_a_slash_in_the_name_of_a_tag_arrives_as_it_is(alice: Caller) -> None:
    alice.made(tags=["a/b", "über/50% & more"])
    for name in ("a/b", "über/50% & more"):
        answer = alice.delete(f"/v1/tags/{quote(name, safe='')}")
        assert answer.status_code == 204, answer.text
    assert alice.get("/v1/tags").json() == []


def test_a_form_of_the_dashboard_is_known_to_come_from_its_own_page(proxied: Proxied) -> None:
    """Also by a browser that sends only Origin, which has to be the host that the server is asked by."""
    assert sign_in(proxied, origin=str(proxied.http.base_url)).status_code == 400
    assert sign_in(proxied, origin="https://elsewhere.example").status_code == 403


def sign_in(proxied: Proxied, email: str = "a@b.example", source: str = "", **headers: str) -> httpx.Response:
    """Tries a wrong password, from another address of this machine where `source` says so."""
    transport = httpx.HTTPTransport(verify=proxied.tls, local_address=source or None)
    with httpx.Client(base_url=proxied.http.base_url, transport=transport) as http:
        page = http.get("/sign-in")
        cookie = page.headers["set-cookie"].partition(";")[0]
        csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
        data = {"csrf": csrf, "next": "/", "email": email, "password": "wrong password"}
        return http.post("/sign-in", data=data, headers={"cookie": cookie, **headers})


def test_guesses_are_counted_by_the_clients_address_whatever_it_says(proxied: Proxied, world: World) -> None:
    world.sql.execute("delete from sign_in_failures")
    here = str(proxied.http.base_url)

    def guess(number: int) -> int:
        said = {"origin": here, "x-forwarded-for": f"10.0.0.{number}", "forwarded": f"for=10.0.0.{number}"}
        return sign_in(proxied, "victim@b.example", "127.0.0.2", **said).status_code

    statuses = [guess(number) for number in range(12)]
    assert statuses[0] == 400
    assert statuses[-1] == 429
    assert sign_in(proxied, "other@b.example", "127.0.0.3", origin=here).status_code == 400


def test_the_log_names_the_clients_address_and_not_the_proxys(proxied: Proxied) -> None:
    answer = sign_in(proxied, source="127.0.0.4", origin=str(proxied.http.base_url), forwarded="for=9.9.9.9")
    assert line_of(proxied.server, answer)["address"] == "127.0.0.4"


def test_a_connection_to_the_server_is_kept_for_many_requests(proxied: Proxied, alice: Caller) -> None:
    contact_id = alice.made()["id"]

    def ours() -> set[int]:
        """The ports from which the proxy is connected to the server."""
        found: set[int] = set()
        for process in psutil.Process(proxied.server.process.pid).children(recursive=True):
            for each in process.net_connections("tcp"):
                if each.status == psutil.CONN_ESTABLISHED and each.laddr.port == proxied.server.port:
                    found.add(each.raddr.port)
        return found

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: alice.read(contact_id), range(50)))
        before = ours()
        list(pool.map(lambda _: alice.read(contact_id), range(400)))
    assert before & ours()


def test_what_is_not_for_the_public_is_closed_however_it_is_written(proxied: Proxied) -> None:
    client = raw(proxied)
    for path in (
        "/metrics",
        "/health/ready",
        "/health/live",
        "/health%2fready",
        "/%6detrics",
        "/%68ealth/live",
    ):
        client.send(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        assert client.answer().status == 403, path
    assert proxied.direct.get("/health/live").status_code == 200


def test_a_request_is_refused_by_us_and_not_by_the_proxy(alice: Caller) -> None:
    answers = [
        alice.fetch("nosuch"),
        alice.create({"nosuch": 1}),
        alice.request("PATCH", "/v1/contacts", {}),
        alice.get("/v1/nosuch"),
    ]
    assert [answer.status_code for answer in answers] == [404, 400, 405, 404]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
