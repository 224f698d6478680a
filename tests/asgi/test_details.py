"""What an ASGI server tells of a request: addresses, paths, headers, and what it may leave out."""

import asyncio
from collections.abc import Generator, Iterable
from typing import Any
from urllib.parse import quote

import pytest

from tests.asgi.in_process import Life, in_loop, living
from tests.world import World

JSON = (b"content-type", b"application/json")


class Client:
    """Sends requests to an application as an ASGI server does, down to each member of the scope."""

    def __init__(self, life: Life, run: Any, world: World) -> None:
        self.life, self.run = life, run
        self.key = (b"authorization", f"Bearer {world.alice.key}".encode())

    def ask(
        self,
        url: str,
        *headers: tuple[bytes, bytes],
        method: str = "GET",
        body: Iterable[bytes] = (),
        **more: Any,
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer; `more` goes into the scope as it is."""
        target, _, query = url.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": quote(target).encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"contacts.example.com"), self.key, *headers],
            "client": ("192.0.2.7", 1234),
            "server": ("127.0.0.1", 8000),
            **more,
        }
        return self.run(self._answer(scope, list(body)))

    async def _answer(self, scope: dict[str, Any], body: list[bytes]) -> tuple[int, dict[str, str], bytes]:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            if not body and sent:
                await asyncio.sleep(60)
            piece = body.pop(0) if body else b""
            return {"type": "http.request", "body": piece, "more_body": bool(body)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.life.app(scope, receive, send)
        start, *pieces = sent
        assert not pieces[-1]["more_body"]
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, b"".join(piece["body"] for piece in pieces)


@pytest.fixture(scope="module")
def application(database_url: str) -> Generator[tuple[Life, Any]]:
    with in_loop() as run, living(run, database_url=database_url, proxies=1, log_requests="none") as life:
        yield life, run


@pytest.fixture
def client(application: tuple[Life, Any], world: World) -> Client:
    world.alice.made(tags=["one", "a/b"])
    world.alice.made()
    return Client(*application, world)


def link(answer: tuple[int, dict[str, str], bytes]) -> str:
    """Where the next page is to be found."""
    status, headers, _ = answer
    assert status == 200
    return headers["link"].partition("/v1/")[0].removeprefix("<")


def test_links_follow_the_scheme_the_proxy_and_the_path_below_which_the_server_is(client: Client) -> None:
    page = "/v1/contacts?limit=1"
    passed = ((b"x-forwarded-proto", b"https"), (b"x-forwarded-host", b"outside.example"))
    assert link(client.ask(page)) == "http://contacts.example.com"
    assert link(client.ask(page, scheme="https")) == "https://contacts.example.com"
    assert link(client.ask(page, *passed)) == "https://outside.example"
    for raw in (b"/crm/v1/contacts", b"/v1/contacts"):
        answer = client.ask(page, root_path="/crm", path=raw.decode(), raw_path=raw)
        assert link(answer) == "http://contacts.example.com/crm"
    assert client.ask("/crmx/v1/contacts", root_path="/crm")[0] == 404
    assert client.ask("/crm", root_path="/crm")[0] == client.ask("/")[0]


def test_escapes_of_a_path_are_kept_and_where_they_are_missing_the_path_is_escaped(client: Client) -> None:
    rename: dict[str, Any] = {"method": "PATCH", "body": [b'{"name": "c"}']}
    raw = b"/v1/tags/a%2Fb"
    assert client.ask("/v1/tags/a/b?dryRun=true", JSON, raw_path=raw, **rename)[0] == 200
    for missing in ({"raw_path": None}, {"raw_path": b""}):
        assert client.ask("/v1/tags/one?dryRun=true", JSON, **missing, **rename)[0] == 200
    assert client.ask("/v1/tags/n\u00f6?dryRun=true", JSON, raw_path=None, **rename)[0] == 404


def test_pseudo_headers_and_headers_in_two_parts_are_understood(client: Client) -> None:
    asked = client.ask("/v1/contacts?limit=1", (b":path", b"/elsewhere"), http_version="2")
    assert link(asked) == "http://contacts.example.com"
    only = [client.key, (b":authority", b"h2.example"), (b":scheme", b"https")]
    assert link(client.ask("/v1/contacts?limit=1", headers=only, http_version="2", scheme="https")) == (
        "https://h2.example"
    )
    shown = client.ask("/sign-in", (b"cookie", b"theme=dark"), (b"cookie", b"__Host-contactory-form=mine"))
    assert shown[0] == 200
    assert "set-cookie" not in shown[1], "the second cookie was read too"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"host", b"a"), (b"host", b"b")], 400),
        ([(b"host", b"not a host")], 400),
        ([], 400),
        ([(b"host", b"a"), (b"transfer-encoding", b"gzip, chunked")], 400),
        ([(b"host", b"a"), (b"content-length", b"5"), (b"content-length", b"6")], 400),
        ([(b"host", b"a"), (b"x", b"y" * 70_000)], 431),
        ([(b"host", b"a"), *[(b"x", b"y")] * 600], 431),
    ],
)
def test_a_head_that_is_not_valid_is_refused(
    client: Client, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    answer = client.ask("/health/live", headers=headers)
    assert (answer[0], answer[1]["content-type"]) == (status, "application/problem+json")


def test_a_client_without_an_address_is_served(client: Client) -> None:
    for address in (None, ("", 0), ("::1", 5, 0, 0)):
        assert client.ask("/health/live", client=address)[0] == 200


def test_a_body_may_come_in_pieces_and_has_the_limit_of_its_operation(client: Client) -> None:
    post: dict[str, Any] = {"method": "POST"}
    assert client.ask("/v1/contacts", JSON, body=[b'{"first', b"", b'Name": "A"}'], **post)[0] == 201
    assert client.ask("/v1/contacts", JSON, body=[b" " * 600_000] * 4, **post)[0] == 413
    batch = [b'{"operations": [', b" " * 1_500_000, b'{"op": "create", "data": {"firstName": "B"}}]}']
    assert client.ask("/v1/contacts/batch", JSON, body=batch, **post)[0] == 200
    length = (b"content-length", b"2000000")
    assert client.ask("/v1/contacts", JSON, length, body=[b" "], **post)[0] == 413


def test_a_websocket_is_declined(client: Client) -> None:
    sent: list[Any] = []

    async def connect() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await client.life.app({"type": "websocket", "path": "/", "headers": []}, receive, send)

    client.run(connect())
    assert [message["type"] for message in sent] == ["websocket.close"]
