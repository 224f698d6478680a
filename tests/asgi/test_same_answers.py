"""The same requests at the server of our own and at ASGI servers: the same status, headers and body."""

import re
from collections.abc import Generator, Mapping
from typing import Any

import httpx
import pytest

from tests.asgi.servers import under
from tests.servers import Server
from tests.world import World

OF_THE_SERVER = {"date", "server", "connection", "keep-alive", "transfer-encoding", "content-length"}
"""What is about the connection; `content-length` is looked at apart."""
NOBODY = "00000000-0000-7000-8000-000000000000"
JSON = {"content-type": "application/json"}
NEW = {
    rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}": b"ID",
    rb"20\d\d-\d\d-\d\dT\d\d:\d\d:[\d.]+Z": b"TIME",
    rb"(__Host-contactory-form=)[^;]+": rb"\1SECRET",
    rb'(name="csrf" value=|csrf&#34;: |X-CSRF-Token&#34;: ?)[^>}]+': rb"\1SECRET",
}
Sent = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn", "granian"])
def other(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """The application under an ASGI server."""
    log = tmp_path_factory.mktemp("asgi") / f"{request.param}.log"
    with under(request.param, log, database_url=database_url, log_requests="none") as server:
        yield server


def requests(world: World) -> dict[str, Sent]:
    """One request of each kind, none of which changes anything that another one shows."""
    made = world.alice.made(firstName="Jane", tags=["a/b", "vip"], phone="+14155551234")
    of_jane = f"/v1/contacts/{made['id']}"
    for number in range(30):
        world.alice.made(firstName=f"{number}" * 60)
    window = {"preset": "us-tcpa", "name": "Calls", "workspaceId": world.acme}
    world.ada.post("/v1/send-windows", window)
    return {**_of_a_contact(of_jane), **_refused(of_jane), **_other(of_jane)}


def _of_a_contact(of_jane: str) -> dict[str, Sent]:
    return {
        "a contact": ("GET", of_jane, {}),
        "its head": ("HEAD", of_jane, {}),
        "not modified": ("GET", of_jane, {"headers": {"if-none-match": '"1"'}}),
        "a change that changes nothing": ("PATCH", of_jane, {"json": {"firstName": "Jane"}}),
        "a dry run": ("POST", "/v1/contacts?dryRun=true", {"json": {"firstName": "Joan", "tags": []}}),
        "a tag that is not attached": ("DELETE", f"{of_jane}/tags/no%2Fsuch%20tag", {}),
        "a tag with a slash": ("PATCH", "/v1/tags/a%2Fb?dryRun=true", {"json": {"name": "ü/c"}}),
        "a list and its next page": ("GET", "/v1/contacts?limit=2&count=true", {}),
        "a list, packed": ("GET", "/v1/contacts", {"headers": {"accept-encoding": "gzip"}}),
        "its head, packed": ("HEAD", "/v1/contacts", {"headers": {"accept-encoding": "gzip"}}),
        "a query that is encoded": ("GET", "/v1/contacts?phone=%2B1%20(415)%20555-1234", {}),
        "a query with a plus": ("GET", "/v1/contacts?phone=+14155551234", {}),
        "a slash at the end": ("GET", f"{of_jane}/", {}),
        "two slashes": ("GET", f"/{of_jane}", {}),
    }


def _refused(of_jane: str) -> dict[str, Sent]:
    return {
        "an encoded slash": ("GET", of_jane.replace("/contacts", "%2Fcontacts"), {}),
        "not UTF-8": ("GET", "/v1/tags/%ff", {}),
        "nothing there": ("GET", "/nowhere?x=1", {}),
        "another method": ("PUT", of_jane, {"json": {}}),
        "options": ("OPTIONS", of_jane, {}),
        "nobody": ("GET", f"/v1/contacts/{NOBODY}", {}),
        "a wrong key": ("GET", of_jane, {"headers": {"authorization": "Bearer nonsense"}}),
        "a wrong key and a body": (
            "POST",
            "/v1/contacts",
            {"headers": {"authorization": "x"}, "json": {"a": 1}},
        ),
        "no JSON": ("POST", "/v1/contacts", {"content": b"{", "headers": JSON}),
        "another type": (
            "POST",
            "/v1/contacts",
            {"content": b"{}", "headers": {"content-type": "text/plain"}},
        ),
        "an empty body": ("PATCH", of_jane, {"content": b"", "headers": JSON}),
        "unknown names": ("PATCH", of_jane, {"json": {"fistName": "x", "tags": 5}}),
        "a body that is too large": ("POST", "/v1/contacts", {"content": b" " * 1_048_577, "headers": JSON}),
        "packed": (
            "PATCH",
            of_jane,
            {"content": b"nonsense", "headers": {**JSON, "content-encoding": "gzip"}},
        ),
        "another coding": (
            "PATCH",
            of_jane,
            {"content": b"x", "headers": {**JSON, "content-encoding": "br"}},
        ),
        "a failed condition": (
            "PATCH",
            of_jane,
            {"json": {"lastName": "D"}, "headers": {"if-match": '"99"'}},
        ),
    }


def _other(of_jane: str) -> dict[str, Sent]:
    return {
        "an insane request id": ("GET", of_jane, {"headers": {"x-request-id": "a" * 200}}),
        "two headers of a name": ("GET", of_jane, {"headers": [("accept", "a/b"), ("accept", "c/d")]}),
        "a header that is not ASCII": ("GET", of_jane, {"headers": {"if-none-match": b'"\xe4"'}}),
        "a file": ("GET", "/static/app.css", {"headers": {"accept-encoding": "gzip"}}),
        "a file that is not there": ("GET", "/static/../settings.py", {}),
        "the explorer": ("GET", "/docs", {}),
        "the description": ("GET", "/openapi.json", {"headers": {"accept-encoding": "gzip, br;q=0"}}),
        "a page of a problem": ("GET", "/errors/not-found", {}),
        "a page that needs a session": ("GET", "/account", {}),
        "a form from elsewhere": (
            "POST",
            "/sign-in",
            {"data": {"email": "a"}, "headers": {"origin": "http://b.c"}},
        ),
        "a theme": (
            "POST",
            "/theme",
            {"data": {"theme": "dark"}, "headers": {"sec-fetch-site": "same-origin"}},
        ),
        "live": ("GET", "/health/live", {}),
        "ready": ("GET", "/health/ready", {}),
    }


def answer(http: httpx.Client, key: str, sent: Sent) -> tuple[object, ...]:
    """What of an answer does not depend on when and where it was asked for."""
    method, path, more = sent
    url = f"{str(http.base_url).rstrip('/')}{path}"
    given: Any = more.get("headers", {})
    lines = list(given.items() if isinstance(given, Mapping) else given)
    names = {name.lower() for name, _ in lines}
    usual = {
        "authorization": f"Bearer {key}",
        "x-request-id": "one.and-the_same",
        "host": "contacts.example.com",
    }
    lines += [(name, value) for name, value in usual.items() if name not in names]
    request = httpx.Request(method, url, **{**more, "headers": lines})
    response = http.send(request)
    raw = [(n, settled(v.encode())) for n, v in response.headers.multi_items() if n not in OF_THE_SERVER]
    body = settled(response.content)
    # A time may have fewer digits than another.
    length = response.headers.get("content-length") if body == response.content else None
    return response.status_code, sorted(raw), body, length


def settled(text: bytes) -> bytes:
    """A text without what is new in each answer: ids, times, secrets of forms."""
    for pattern, shown in NEW.items():
        text = re.sub(pattern, shown, text)
    return text


def connections_of_their_own(server: Server) -> httpx.Client:
    """A client of which no request meets a connection that an answer before it has closed."""
    return httpx.Client(base_url=server.url, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))


def test_the_same_request_gets_the_same_answer(other: Server, server: Server, world: World) -> None:
    differing: dict[str, object] = {}
    with connections_of_their_own(server) as ours, connections_of_their_own(other) as theirs:
        for what, sent in requests(world).items():
            here, there = answer(ours, world.alice.key, sent), answer(theirs, world.alice.key, sent)
            if here != there:
                differing[what] = (here, there)
    assert differing == {}, differing
