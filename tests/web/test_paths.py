"""Paths as they are sent: encoded, with braces, with a slash at the end; and HEAD and OPTIONS on each."""

import re
from collections.abc import Callable, Generator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from contactory.app import OPERATIONS
from tests.dashboard.test_access import CASES as PAGE_CASES
from tests.dashboard.test_access import PAGES, target
from tests.raw_http import Client
from tests.world import World, a_phone

NAMES = ["a/b", "/a", "a//b", "a/", "{}", "{name}", "{id}", "%2F", "%", "a?b#c", "a b+c", "é/ü"]
API_LISTS = [
    "/v1/contacts",
    "/v1/contacts/{id}",
    "/v1/contacts/{id}/history",
    "/v1/contacts/{id}/consent",
    "/v1/contacts/{id}/availability?channel=call",
    "/v1/contacts/lookup?phone={phone}",
    "/v1/availability?phone={phone}&channel=call",
    "/v1/tags",
    "/v1/custom-fields",
    "/v1/send-windows",
    "/v1/workspaces",
    "/v1/api-keys",
    "/v1/timezones",
]
OPEN = ["/health/live", "/health/ready", "/openapi.json", "/docs", "/errors", "/errors/conflict"]


@pytest.fixture
def connect(world: World) -> Generator[Callable[[], Client]]:
    clients: list[Client] = []

    def one() -> Client:
        clients.append(Client(str(world.http.base_url)))
        return clients[-1]

    yield one
    for client in clients:
        client.socket.close()


def raw(http: httpx.Client, method: str, target: str, **headers: str) -> httpx.Response:
    """A request whose target goes over the wire as it is written here."""
    url = httpx.URL(str(http.base_url), raw_path=target.encode())
    return http.send(http.build_request(method, url, headers=headers))


def filled(world: World, path: str) -> str:
    """A path of the API that leads to something of Acme's."""
    phone = a_phone()
    contact = world.alice.made(phone=phone)
    return path.format(id=contact["id"], phone=quote(phone))


# What is encoded.


@pytest.mark.parametrize(
    "path", ["/health%2fready", "/health%2Fready", "/v1%2fcontacts", "/static%2fapp.css"]
)
def test_an_encoded_slash_parts_no_segments(world: World, path: str) -> None:
    key = {"authorization": f"Bearer {world.alice.key}"}
    assert raw(world.http, "GET", path, **key).status_code == 404


def test_an_encoded_slash_leads_no_id_on_to_another_operation(world: World) -> None:
    made = world.alice.made(tags=["vip"])
    key = {"authorization": f"Bearer {world.alice.key}"}
    path = f"/v1/contacts/{made['id']}%2Ftags%2Fvip"
    assert raw(world.http, "DELETE", path, **key).status_code == 404
    assert raw(world.http, "GET", f"/v1/contacts/{made['id']}%2Fhistory", **key).status_code == 404
    assert world.alice.read(made["id"]) == made


def test_other_characters_may_be_encoded_anywhere(world: World) -> None:
    assert raw(world.http, "GET", "/he%61lth/%6Cive").status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_a_tag_of_any_name_is_taken_off_renamed_and_deleted(world: World, name: str) -> None:
    made, key = world.alice.made(tags=[name, "kept"]), {"authorization": f"Bearer {world.alice.key}"}
    encoded = quote(name, safe="")
    assert raw(world.http, "DELETE", f"/v1/contacts/{made['id']}/tags/{encoded}", **key).status_code == 204
    assert world.alice.read(made["id"])["tags"] == ["kept"]
    world.alice.patch(made["id"], {"tags": [name]})
    renamed = world.alice.request("PATCH", f"/v1/tags/{encoded}", {"name": f"{name}!"})
    assert (renamed.status_code, renamed.json()["name"]) == (200, f"{name}!")
    assert raw(world.http, "DELETE", f"/v1/tags/{quote(f'{name}!', safe='')}", **key).status_code == 204
    assert world.alice.read(made["id"])["tags"] == ["kept"]


@pytest.mark.parametrize("name", ["a/b", "/a", "a//b"])
def test_a_name_at_the_end_of_a_path_may_have_plain_slashes(world: World, name: str) -> None:
    made = world.alice.made(tags=[name])
    assert world.alice.delete(f"/v1/contacts/{made['id']}/tags/{name}").status_code == 204
    assert world.alice.read(made["id"])["tags"] == []
    assert world.alice.delete(f"/v1/tags/{name}").status_code == 204


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
@pytest.mark.parametrize("braces", ["{}", "%7B%7D", "{id}", "{name}", "{workspaceId}"])
def test_braces_in_a_path_are_nothing_but_text(world: World, operation: Any, braces: str) -> None:
    path = re.sub(r"{\w+}", lambda _: braces, operation.path)
    key = {"authorization": f"Bearer {world.alice.key}", "content-type": "application/json"}
    answer = raw(world.http, operation.method, path, **key)
    assert answer.status_code < 500, answer.text
    if path != operation.path and not operation.page:
        # Without a body, a query or an account's key, some are refused before they are looked for.
        assert answer.status_code in (204, 400, 403, 404)


# A slash at the end.


def without_now(answer: httpx.Response) -> str:
    return re.sub(r'"(localTime|nextAllowed)":"[^"]+"', "", answer.text)


@pytest.mark.parametrize("path", API_LISTS)
def test_a_slash_at_the_end_of_a_path_changes_nothing(world: World, path: str) -> None:
    url = filled(world, path)
    bare, question, query = url.partition("?")
    with_slash, without = world.alice.get(f"{bare}/{question}{query}"), world.alice.get(url)
    assert with_slash.status_code == without.status_code == 200
    assert without_now(with_slash) == without_now(without)
    assert world.http.get(f"{bare}/{question}{query}").status_code == 401


@pytest.mark.parametrize("path", OPEN)
def test_a_slash_at_the_end_of_an_open_path_changes_nothing(http: httpx.Client, path: str) -> None:
    assert http.get(f"{path}/").status_code == http.get(path).status_code == 200


def test_a_slash_at_the_end_changes_no_write(world: World) -> None:
    made = world.alice.post("/v1/contacts/", {"firstName": "Jane"})
    assert made.status_code == 201
    contact_id = made.json()["id"]
    path = f"/v1/contacts/{contact_id}/"
    assert world.alice.request("PATCH", path, {"tags": ["vip"]}).json()["tags"] == ["vip"]
    assert world.alice.delete(f"{path}tags/vip/").status_code == 204
    assert world.alice.read(contact_id)["tags"] == []
    assert world.alice.delete(path).status_code == 204


def test_the_link_of_a_list_has_no_slash_at_the_end(world: World) -> None:
    for _ in range(2):
        world.alice.made()
    page = world.alice.get("/v1/contacts/", limit=1)
    assert "/v1/contacts?" in page.links["next"]["url"]


# HEAD.

SAME = ("content-length", "content-type", "transfer-encoding", "etag", "link", "vary", "cache-control")


def assert_alike(without: httpx.Response, got: httpx.Response) -> None:
    """The answer to HEAD is that to GET, without the body."""
    assert without.status_code == got.status_code
    assert without.content == b""
    ours = [{name: answer.headers.get(name) for name in SAME} for answer in (without, got)]
    assert ours[0] == ours[1]
    assert without.headers.keys() == got.headers.keys()


@pytest.mark.parametrize("path", API_LISTS)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_head_of_a_path_of_the_api_is_get_without_a_body(world: World, path: str, coding: str) -> None:
    world.alice.made()
    url, headers = filled(world, path), {"accept-encoding": coding}
    got = world.alice.request("GET", url, headers=headers)
    without = world.alice.request("HEAD", url, headers=headers)
    if got.content != world.alice.request("GET", url, headers=headers).content:
        # It tells the time, and is a little longer or shorter when that is packed.
        lengths = [int(answer.headers.pop("content-length")) for answer in (without, got)]
        assert abs(lengths[0] - lengths[1]) < 50
    assert_alike(without, got)


def test_head_of_a_contact_that_has_not_changed_is_304(world: World) -> None:
    made = world.alice.made()
    headers = {"if-none-match": world.alice.fetch(made["id"]).headers["etag"]}
    without = world.alice.request("HEAD", f"/v1/contacts/{made['id']}", headers=headers)
    assert without.status_code == 304
    assert_alike(without, world.alice.fetch(made["id"], headers=headers))


@pytest.mark.parametrize("path", [*OPEN, "/nowhere", "/errors/teapot", "/static/app.css"])
def test_head_of_an_open_path_is_get_without_a_body(http: httpx.Client, path: str) -> None:
    assert_alike(http.head(path), http.get(path))


READ = sorted({case.url for case in PAGE_CASES if PAGES[case.page].method == "GET"})


@pytest.mark.parametrize("url", READ)
def test_head_and_a_slash_at_the_end_of_a_page_are_as_the_page(world: World, url: str) -> None:
    olive = world.person()
    path = url.format(**target(world, world.acme))
    got, without = olive.get(path), olive.http.head(path, headers=olive.cookie)
    assert (without.status_code, without.content) == (got.status_code, b"")
    assert without.headers.get("content-type") == got.headers.get("content-type")
    assert without.headers.get("location") == got.headers.get("location")
    bare, question, query = path.partition("?")
    assert olive.get(f"{bare}/{question}{query}").status_code == got.status_code


# OPTIONS.


def allowed(path: str) -> str:
    methods = {operation.method for operation in OPERATIONS if operation.path == path}
    return ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))


@pytest.mark.parametrize("path", sorted({operation.path for operation in OPERATIONS}))
def test_options_tells_the_methods_without_a_key_and_sets_nothing(http: httpx.Client, path: str) -> None:
    answer = http.request("OPTIONS", re.sub(r"{\w+}", "x", path))
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, allowed(path), b"")
    assert not {"content-length", "content-type", "set-cookie"} & answer.headers.keys()


def test_options_touches_nothing(world: World) -> None:
    made = world.alice.made()
    answer = world.alice.request("OPTIONS", f"/v1/contacts/{made['id']}?what=ever", {"firstName": "Other"})
    assert answer.status_code == 204
    assert world.alice.read(made["id"]) == made


def test_options_of_the_server_tells_every_method(connect: Callable[[], Client]) -> None:
    client = connect()
    client.send(b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n")
    answer = client.answer()
    assert (answer.status, answer.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")


def test_options_of_an_unknown_path_is_not_found(http: httpx.Client) -> None:
    assert http.request("OPTIONS", "/nowhere").status_code == 404
