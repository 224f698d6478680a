"""Problems (RFC 9457): their shape, their headers, and what they give away."""

import re
from collections.abc import Callable

import httpx
import pytest

from tests.world import World

KEYS = ["type", "title", "status", "detail", "instance", "requestId", "retryable"]
SLUGS = {
    "validation-error": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "conflict": 409,
    "precondition-failed": 412,
    "payload-too-large": 413,
    "unsupported-media-type": 415,
    "idempotency-mismatch": 422,
}


def mismatch(world: World) -> httpx.Response:
    world.alice.create({"firstName": "a"}, headers={"idempotency-key": "k"})
    return world.alice.create({"firstName": "b"}, headers={"idempotency-key": "k"})


def clash(world: World) -> httpx.Response:
    world.alice.made(phone="+14155551234")
    return world.alice.create({"phone": "+14155551234"})


CAUSES: dict[str, Callable[[World], httpx.Response]] = {
    "validation-error": lambda w: w.alice.create({}),
    "unauthorized": lambda w: w.revoked.list(),
    "forbidden": lambda w: w.bob.create({"firstName": "x"}),
    "not-found": lambda w: w.alice.fetch("0192f000-0000-7000-8000-000000000000"),
    "method-not-allowed": lambda w: w.alice.put("/v1/contacts", {}),
    "conflict": clash,
    "precondition-failed": lambda w: w.alice.patch(
        w.alice.made()["id"], {"firstName": "x"}, headers={"if-match": '"9"'}
    ),
    "payload-too-large": lambda w: w.alice.create({"firstName": "x" * 1_100_000}),
    "unsupported-media-type": lambda w: w.alice.create(
        None, content=b"x", headers={"content-type": "text/plain"}
    ),
    "idempotency-mismatch": mismatch,
}


@pytest.mark.parametrize("name", CAUSES)
def test_every_problem_has_the_same_shape(world: World, name: str) -> None:
    answer = CAUSES[name](world)
    assert answer.status_code == SLUGS[name]
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert list(problem)[:7] == KEYS
    assert set(problem) - set(KEYS) <= {"errors"}
    assert problem["type"] == f"/errors/{name}"
    assert problem["title"] == name.replace("-", " ").title()
    assert problem["status"] == answer.status_code
    assert problem["instance"] == answer.request.url.path
    assert problem["requestId"] == answer.headers["x-request-id"]
    assert problem["retryable"] is False
    assert re.fullmatch(r"[A-Z\d\"].+[^ ]", problem["detail"])


@pytest.mark.parametrize("name", [*SLUGS, "rate-limited", "internal-error", "unavailable"])
def test_every_type_of_problem_has_a_page(http: httpx.Client, name: str) -> None:
    page = http.get(f"/errors/{name}")
    assert page.status_code == 200
    assert name.replace("-", " ") in page.text.lower()


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v2/contacts", "/v1/contact", "/v1/contacts//", "/v1//contacts", "/.env", "/V1/contacts"],
)
def test_an_unknown_path_is_a_problem_also_without_a_key(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/errors/not-found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/contacts", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/v1/contacts", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/v1/contacts/x", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("GET", "/v1/contacts/x/restore", "OPTIONS, POST"),
        ("PATCH", "/v1/contacts/x/tags", "OPTIONS, PUT"),
        ("GET", "/v1/contacts/x/tags/vip", "DELETE, OPTIONS"),
        ("BREW", "/v1/contacts", "GET, HEAD, OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_answered_with_those_that_are_allowed(
    http: httpx.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.json()["type"] == "/errors/method-not-allowed"


@pytest.mark.parametrize("sane", ["x", "req-1", "A.b_c-9", "x" * 128])
def test_a_sane_request_id_is_given_back(world: World, sane: str) -> None:
    for answer in (
        world.alice.list(headers={"x-request-id": sane}),
        world.revoked.list(headers={"x-request-id": sane}),
    ):
        assert answer.headers["x-request-id"] == sane
    assert answer.json()["requestId"] == sane


@pytest.mark.parametrize("odd", ["", "a b", "x" * 129, "a/b", "<script>", "ä"])
def test_any_other_request_id_is_replaced(world: World, odd: str) -> None:
    headers = {"x-request-id": odd.encode("latin-1")}
    answer = world.http.get("/v1/contacts", headers=headers)  # type: ignore[arg-type]
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["x-request-id"])
    assert answer.headers["x-request-id"] != odd


def test_every_answer_carries_a_request_id_of_its_own(world: World) -> None:
    made = world.alice.made()
    answers = [
        world.alice.list(),
        world.alice.fetch(made["id"]),
        world.alice.fetch(made["id"], headers={"if-none-match": "*"}),
        world.alice.remove(made["id"]),
        world.alice.fetch("x"),
        world.http.get("/health/live"),
        world.http.get("/nowhere"),
        world.revoked.list(),
    ]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)


def test_the_detail_is_the_first_error_and_how_many_more_there_are(world: World) -> None:
    problem = world.alice.create({"firstName": 1, "email": "x", "tags": ["", 5]}).json()
    assert problem["detail"] == '"firstName" must be a string or null (and 3 more)'
    assert problem["detail"].startswith(problem["errors"][0]["detail"])
    problem = world.alice.create({"firstName": 1}).json()
    assert problem["detail"] == '"firstName" must be a string or null'


@pytest.mark.parametrize("count", [100, 101])
def test_checking_stops_after_a_hundred_errors(world: World, count: int) -> None:
    problem = world.alice.create({f"x{number}": 1 for number in range(count)}).json()
    more = {100: "(and 99 more)", 101: "(and at least 100 more)"}[count]
    assert problem["detail"] == f'"x0" is unknown {more}'
    assert len(problem["errors"]) == 100


def test_every_problem_with_errors_begins_with_the_first_one(world: World) -> None:
    phone = world.alice.made(phone="+14155551234")
    email = world.alice.made(email="jane@example.com")
    both = {"phone": "+14155551234", "email": "jane@example.com"}
    world.field("Size", "text")
    for value in ("large", "small"):
        world.alice.made(customFields={"Size": value})
    size = world.alice.get("/v1/custom-fields").json()[0]["id"]
    refused = {
        "conflict": world.alice.create(both),
        "upsert": world.alice.upsert(both),
        "query": world.alice.list(limit=0, offset=-1),
        "encoding": world.alice.get("/v1/contacts?email=%FF"),
        "type": world.alice.request("PATCH", f"/v1/custom-fields/{size}", {"type": "number"}),
        "key": world.alice.post("/v1/api-keys", {"expiresAt": "2020-01-01T00:00:00Z"}),
        "consent": world.alice.put(f"/v1/contacts/{phone['id']}/consent", {"calls": 1, "txt": 2}),
        "window": world.alice.post(
            "/v1/send-windows", {"name": "x", "days": [{"day": "x"}], "channels": [1]}
        ),
    }
    problems = {name: answer.json() for name, answer in refused.items()}
    problems["batch"] = world.alice.batch({"op": "create", "data": both}).json()["results"][0]["problem"]
    assert email["email"] == both["email"]
    for name, problem in problems.items():
        first, more = problem["errors"][0]["detail"], len(problem["errors"]) - 1
        assert problem["detail"] == (f"{first} (and {more} more)" if more else first), name
    assert all("(and 1 more)" in problems[name]["detail"] for name in ("conflict", "upsert", "batch", "type"))


def test_each_error_has_a_place_a_code_and_a_sentence(world: World) -> None:
    problem = world.alice.create({"firstName": 1, "email": "x", "tags": ["", 5]}).json()
    for error in problem["errors"]:
        assert error.keys() - {"suggestion"} == {"pointer", "code", "detail"}
        assert re.fullmatch(r"[a-z_]+", error["code"])
        assert error["detail"]


def test_a_number_without_country_code_is_suggested_with_it(world: World) -> None:
    refused = world.alice.create({"phone": "14155552671"})
    [error] = refused.json()["errors"]
    assert error["suggestion"] == "+14155552671"


def test_nothing_of_the_cause_leaves_the_server(world: World) -> None:
    """Something that should never happen: a value in the database that no program of ours has written."""
    made = world.alice.made(tags=["vip"])
    world.sql.execute('update contacts set fields = \'{"x": {"secret": 1}}\' where id = $1', made["id"])
    answer = world.alice.fetch(made["id"])
    assert answer.status_code in (200, 500)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_the_problem_of_a_batch_has_the_shape_of_any_other(world: World) -> None:
    answer = world.alice.batch({"op": "create", "data": {"email": "x"}})
    problem = answer.json()["results"][0]["problem"]
    assert list(problem) == [*KEYS, "errors"]
    assert problem["requestId"] == answer.headers["x-request-id"]
    assert problem["instance"].startswith("/v1/contacts/batch")
