"""Links that an answer gives are whole addresses, which a client can follow as they are."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.raw_http import Client
from tests.world import Caller, World, an_email, at_once

PUBLIC = "https://contacts.example.com/api"
PASSED = {"x-forwarded-proto": "https", "x-forwarded-host": "crm.example.com"}


def first_page(caller: Caller, path: str = "/v1/contacts", **headers: str) -> str:
    """The link to the second page of a list."""
    answer = caller.get(path, limit=1, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.links["next"]["url"]


def made_two(world: World) -> dict[str, Any]:
    world.alice.made(tags=["a", "b"])
    return world.alice.made()


@pytest.mark.usefixtures("server")
def test_a_link_can_be_followed_as_it_is(world: World) -> None:
    made = made_two(world)
    world.alice.patch(made["id"], {"firstName": "Joan"})
    world.ada.post("/v1/workspaces", {"name": "Another"})
    key = {"authorization": f"Bearer {world.ada.key}"}
    here = str(world.http.base_url)
    own = f"?workspaceId={world.acme}"
    paths = (f"/v1/contacts{own}", f"/v1/tags{own}", f"/v1/contacts/{made['id']}/history")
    for path in (*paths, "/v1/workspaces", "/v1/api-keys"):
        joint = "&" if "?" in path else "?"
        following = world.ada.get(f"{path}{joint}limit=1").links["next"]["url"]
        assert following.startswith(f"{here}{path.partition('?')[0]}?")
        # A client that knows nothing of where the first page came from.
        second = httpx.get(following, headers=key)
        assert (second.status_code, len(second.json())) == (200, 1), path


def test_requests_at_the_same_moment_get_links_with_the_address_that_each_has_used(world: World) -> None:
    made_two(world)
    hosts = [f"{name}.example.com" for name in "abcd"] * 2
    for _ in range(10):
        links = at_once(*[lambda host=host: first_page(world.alice, host=host) for host in hosts])
        assert [urlsplit(link).hostname for link in links] == hosts


@pytest.mark.usefixtures("server")
def test_what_is_made_says_where_it_is(world: World) -> None:
    window = {"preset": "us-tcpa", "name": "Calls", "workspaceId": world.acme}
    field = {"name": "MRR", "type": "number", "workspaceId": world.acme}
    for path, body in (
        ("/v1/contacts", {"firstName": "Jane", "workspaceId": world.acme}),
        ("/v1/contacts/upsert", {"email": an_email(), "workspaceId": world.acme}),
        ("/v1/custom-fields", field),
        ("/v1/send-windows", window),
        ("/v1/workspaces", {"name": "More"}),
    ):
        answer = world.ada.post(path, body)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"].startswith(str(world.http.base_url))
        found = httpx.get(
            answer.headers["location"], headers={"authorization": f"Bearer {world.ada.key}"}
        ).json()
        assert found["id"] == answer.json()["id"]


def test_a_link_is_at_the_host_that_was_asked(world: World) -> None:
    made_two(world)
    for host in ("contacts.example.com", "contacts.example.com:8443", "[::1]:8000", "localhost"):
        assert first_page(world.alice, host=host).startswith(f"http://{host}/v1/contacts?limit=1&cursor=")


def test_a_host_that_is_not_one_gets_into_no_link(world: World) -> None:
    made_two(world)
    here = f"{world.http.base_url}/v1/contacts?"
    for host in ("evil.example/x", "a b", 'x"><script>', "a@b", "", "x:y", "[::1", "a;b", "a" * 5000 + "!"):
        answer = world.alice.get("/v1/contacts", limit=1, headers={"host": host})
        assert answer.status_code == 400 or answer.links["next"]["url"].startswith(here), host


@pytest.mark.usefixtures("server")
def test_a_client_that_names_no_host_gets_the_address_that_is_listened_on(world: World) -> None:
    made_two(world)
    client = Client(str(world.http.base_url))
    client.send(
        f"GET /v1/contacts?limit=1 HTTP/1.0\r\nauthorization: Bearer {world.alice.key}\r\n\r\n".encode()
    )
    assert client.answer().headers["link"].startswith(f"<{world.http.base_url}/v1/contacts?")
    client.socket.close()


def test_the_headers_of_a_proxy_count_only_where_proxies_are_trusted(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    made_two(world)
    assert first_page(world.alice, **PASSED).startswith(f"{world.http.base_url}/v1/contacts?")
    behind = world.alice.at(private_server(proxies=1))
    assert first_page(behind, **PASSED).startswith("https://crm.example.com/v1/contacts?")
    assert first_page(behind).startswith(f"{behind.http.base_url}/v1/contacts?")
    alone = {"host": "crm.example.com", "x-forwarded-proto": "HTTPS"}
    assert first_page(behind, **alone).startswith("https://crm.example.com/v1/contacts?")
    for claimed in ("evil.example, crm.example.com", "evil.example,, crm.example.com"):
        sent = {**PASSED, "x-forwarded-host": claimed}
        assert first_page(behind, **sent).startswith("https://crm.example.com/v1/contacts?")
    odd = {"x-forwarded-proto": "javascript", "x-forwarded-host": "a b"}
    assert first_page(behind, **odd).startswith(f"{behind.http.base_url}/v1/contacts?")
    made = behind.post("/v1/contacts", {"firstName": "Jane"}, headers=PASSED)
    assert made.headers["location"] == f"https://crm.example.com/v1/contacts/{made.json()['id']}"


def test_the_public_url_comes_before_all_else(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    made_two(world)
    public = world.alice.at(private_server(proxies=1, public_url=f"{PUBLIC}/"))
    assert first_page(public, **PASSED).startswith(f"{PUBLIC}/v1/contacts?limit=1&cursor=")
    assert first_page(public, "/v1/tags").startswith(f"{PUBLIC}/v1/tags?limit=1&cursor=")
    made = public.create({"firstName": "Jane"})
    assert made.headers["location"] == f"{PUBLIC}/v1/contacts/{made.json()['id']}"
    # Where a page leads on to stays where the browser is.
    assert public.http.get("/").headers["location"] == "/sign-in"


def test_an_answer_that_is_given_again_has_the_same_link(world: World) -> None:
    key = {"idempotency-key": "once"}
    first, again = (world.alice.create({"firstName": "Jane"}, headers=key) for _ in range(2))
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == again.headers["location"]


def invited(world: World, http: httpx.Client, **headers: str) -> str:
    """The link by which somebody invited to Acme chooses a password."""
    olive = world.person()
    olive.http = http
    path = f"/w/{world.acme}/settings/people"
    page = olive.post(path, {"email": an_email(), "role": "viewer"}, **headers)
    return page.text.partition("/invite/")[0].rpartition(">")[2]


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1"),
        # Browsers send our cookie over https alone, but for those at home.
        ("crm.example.com", "https://crm.example.com"),
    ],
)
def test_an_invitation_leads_to_where_the_browser_is(world: World, host: str, shown: str) -> None:
    assert invited(world, world.http, host=host) == shown


def test_an_invitation_goes_by_the_public_url_or_the_proxies(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    assert invited(world, private_server(public_url=PUBLIC)) == PUBLIC
    passed = {name.replace("-", "_"): value for name, value in PASSED.items()}
    assert invited(world, private_server(proxies=1), **passed) == "https://crm.example.com"


def test_a_password_link_goes_the_same_way(world: World, private_server: Callable[..., httpx.Client]) -> None:
    olive, ed = world.person(), world.person("editor")
    olive.http = private_server(public_url=PUBLIC)
    page = olive.post(f"/w/{world.acme}/settings/people/{ed.user_id}/link")
    assert page.text.partition("/reset/")[0].rpartition(">")[2] == PUBLIC


def test_the_command_to_copy_asks_the_public_url(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    olive = world.person()
    olive.http = private_server(public_url=PUBLIC)
    overview = olive.get(f"/w/{world.acme}/overview").text
    assert f"{PUBLIC}</span>/v1/contacts" in overview
    assert urlsplit(PUBLIC).netloc in overview
