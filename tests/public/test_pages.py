"""The pages for people: the explorer, the files that it needs, and what each type of problem means."""

import gzip
import re

import httpx
import pytest

from contactory.dashboard.static_files import NAMES
from contactory.public.pages import explanations
from contactory.rules.errors import PROBLEMS

BUNDLE = "/static/vendor/swagger-ui/swagger-ui-bundle.js"


def test_the_first_page_is_the_sign_in(http: httpx.Client) -> None:
    answer = http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert 'href="/docs"' in http.get("/sign-in").text


@pytest.mark.parametrize("path", ["/docs", "/errors", "/errors/conflict", "/static/docs.js"])
def test_a_page_can_load_nothing_from_outside(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert {policy[name] for name in ("object-src", "base-uri", "frame-ancestors")} == {"'none'"}
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/docs", "/health/live", "/v1/contacts", "/nowhere"])
def test_no_answer_is_read_as_another_type_than_it_says(http: httpx.Client, path: str) -> None:
    assert http.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs", "/errors", *(f"/errors/{p.name}" for p in PROBLEMS)])
def test_whatever_a_page_names_is_there(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for address in set(re.findall(r'(?:href|src)="([^"]+)"', page.text)):
        assert address.startswith("/")
        assert http.get(address).status_code == 200


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_file_is_sent_whole_and_with_its_type(http: httpx.Client, name: str) -> None:
    plain = http.get(f"/static/{name}", headers={"accept-encoding": "identity"})
    assert plain.status_code == 200
    assert "content-encoding" not in plain.headers
    kinds = {
        "js": "text/javascript",
        "css": "text/css",
        "svg": "image/svg+xml",
        "html": "text/html",
        "txt": "text/plain",
    }
    assert plain.headers["content-type"].partition(";")[0] == kinds[name.rpartition(".")[2]]


def test_a_large_file_is_packed_for_who_takes_that(http: httpx.Client) -> None:
    plain = http.get(BUNDLE, headers={"accept-encoding": "gzip;q=0"})
    packed = http.get(BUNDLE, headers={"accept-encoding": "br, gzip;q=0.5"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]
    assert gzip.compress(plain.content, mtime=0)[:2] == b"\x1f\x8b"


def test_a_file_is_not_sent_again_to_who_has_it(http: httpx.Client) -> None:
    first = http.get("/static/docs.css")
    again = http.get("/static/docs.css", headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert http.get("/static/docs.css", headers={"if-none-match": '"x"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/vendor",
        "/static/../errors.py",
        "/static/%2e%2e/errors.py",
        "/static/..%2ferrors.py",
        "/static//etc/passwd",
        "/static/vendor/swagger-ui/LICENSE%00.txt",
        "/static/vendor/swagger-ui/VERSION",
    ],
)
def test_nothing_else_can_be_read(http: httpx.Client, path: str) -> None:
    answer = http.send(http.build_request("GET", httpx.URL(str(http.base_url), raw_path=path.encode())))
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_type_of_problem_is_explained() -> None:
    assert explanations().keys() == {problem.name for problem in PROBLEMS}
    for texts in explanations().values():
        assert texts.keys() == {"meaning", "action", "example"}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_the_page_of_a_problem_says_what_to_do(http: httpx.Client, problem: type) -> None:
    page = http.get(f"/errors/{problem.name}").text
    assert problem.title in page
    assert str(problem.status) in page
    assert f'href="/errors/{problem.name}"' in http.get("/errors").text


def test_an_unknown_type_of_problem_is_not_found(http: httpx.Client) -> None:
    answer = http.get("/errors/teapot")
    assert (answer.status_code, answer.json()["type"]) == (404, "/errors/not-found")


def test_the_wordmark_is_one_drawing_for_light_and_dark(http: httpx.Client) -> None:
    light, dark = (http.get(f"/static/{name}.svg") for name in ("wordmark", "wordmark-dark"))
    assert light.headers["content-type"] == "image/svg+xml"
    assert light.text != dark.text
    assert re.sub(' color="#[0-9a-f]{6}"', "", light.text) == re.sub(' color="#[0-9a-f]{6}"', "", dark.text)
    assert "<text" not in light.text
