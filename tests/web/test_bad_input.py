"""Whatever is sent, the answer costs little, says what is wrong, and is never a 500."""

import json
import socket
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers import Server
from tests.world import World, pointers

GOOD = {"op": "create", "data": {"firstName": "Jane"}}
MEBIBYTE = 1 << 20
WRITES = ["POST /v1/contacts", "POST /v1/contacts/upsert", "POST /v1/contacts/batch", "PATCH", "PUT"]


@pytest.fixture(autouse=True)
def _it_costs_little(world: World, server: Server) -> Generator[None]:
    """No work in proportion to the nonsense: a whole test takes less than to make 3,000 contacts."""
    begun = server.processor_seconds()
    yield
    ended = server.processor_seconds()
    assert world.alice.batch(*[GOOD] * 100).status_code == 200
    assert ended - begun < 30 * (server.processor_seconds() - ended)


def sending(world: World, operation: str, content: bytes, **headers: str) -> httpx.Response:
    """A body, as it is, to an operation."""
    contact = f"/v1/contacts/{world.alice.made()['id']}" if operation in ("PATCH", "PUT") else ""
    method, _, path = operation.partition(" ")
    path = path or (contact if method == "PATCH" else f"{contact}/tags")
    return world.alice.request(method, path, content=content, headers=headers)


def assert_problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/errors/{name}"
    return answer.json()


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b'{"a":}',
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":1} x',
        b"{} {}",
        b'{"a" 1}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":tru}',
        b'{"firstName":"x\n"}',
        b'{"firstName":"\\x41"}',
        b'{"firstName":"\\u12"}',
        b'// x\n{"firstName":"x"}',
        b"firstName=Jane",
        b"<a/>",
    ],
)
def test_what_is_no_json_is_refused(world: World, operation: str, body: bytes) -> None:
    problem = assert_problem(sending(world, operation, body), 400, "validation-error")
    assert problem["errors"][0]["pointer"] == ""


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'"x"', b"true", b'[{"firstName":"x"}]', b"1.5"])
def test_json_that_is_no_object_is_refused(world: World, operation: str, body: bytes) -> None:
    problem = assert_problem(sending(world, operation, body), 400, "validation-error")
    assert "object" in problem["detail"]


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "nan", "1e400", "-1e400", "1e999999999", "1" * 5000]
)
def test_numbers_that_are_none_are_refused(world: World, operation: str, value: str) -> None:
    body = '{"firstName": "x", "customFields": {"A": N}, "operations": [N], "tags": [N]}'.replace("N", value)
    assert_refused(sending(world, operation, body.encode()))


@pytest.mark.parametrize(
    "value", ["1e400", "-1e400", "1e309", "1e-400", "1e999999999", "1e-999999999", "1E99999999999999999999"]
)
@pytest.mark.parametrize("kind", ["text", "number", "date", "boolean"])
def test_numbers_out_of_range_are_refused_or_kept_as_they_are(world: World, kind: str, value: str) -> None:
    world.field("A", kind)
    made = world.alice.made()
    body = '{"customFields": {"A": N}}'.replace("N", value)
    answer = world.alice.patch(made["id"], content=body.encode())
    assert answer.status_code in (200, 400)
    assert len(answer.content) < 2000


def assert_refused(answer: httpx.Response) -> None:
    """Refused as a whole, or (a batch) in each of its operations."""
    if answer.status_code == 200:
        assert {result["status"] for result in answer.json()["results"]} == {400}
    else:
        assert_problem(answer, 400, "validation-error")


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    "text",
    [
        b"\\ud800",
        b"\\udc00",
        b"\\ud800\\ud800",
        b"x\\udfff",
        b"\xed\xa0\x80",
        b"\xff",
        b"\xc3",
        b"\xc0\xaf",
        b"\xf5\x80\x80\x80",
    ],
)
def test_what_is_no_utf8_or_has_a_lone_surrogate_is_refused(
    world: World, operation: str, text: bytes
) -> None:
    for body in (b'{"firstName": "%s"}' % text, b'{"%s": 1}' % text, b'{"operations": ["%s"]}' % text):
        assert_problem(sending(world, operation, body), 400, "validation-error")


def test_a_pair_of_surrogates_is_one_character(world: World) -> None:
    answer = world.alice.create(None, content=b'{"firstName": "\\ud83d\\ude00"}')
    assert (answer.status_code, answer.json()["firstName"]) == (201, "😀")


@pytest.mark.parametrize("operation", WRITES)
def test_the_character_nul_is_refused_wherever_it_stands(world: World, operation: str) -> None:
    for body in (
        b'{"firstName": "a\\u0000b"}',
        b'{"tags": ["a\\u0000b"]}',
        b'{"customFields": {"A": "\\u0000"}}',
        b'{"customFields": {"\\u0000": "A"}}',
        b'{"\\u0000": 1}',
        b'{"operations": [{"op": "create", "data": {"firstName": "\\u0000"}}]}',
        b'{"firstName": "\x00"}',
    ):
        assert_problem(sending(world, operation, body), 400, "validation-error")


def test_an_escaped_backslash_before_u0000_is_no_nul(world: World) -> None:
    answer = world.alice.create(None, content=b'{"firstName": "a\\\\u0000b"}')
    assert (answer.status_code, answer.json()["firstName"]) == (201, "a\\u0000b")


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"firstName": "x", "customFields": {"A": ' + b"[" * 33 + b"]" * 33 + b"}}",
        b'{"operations": ' + b"[" * 32 + b"]" * 32 + b"}",
    ],
    ids=["arrays", "objects", "closed arrays", "closed objects", "a little too deep", "just too deep"],
)
def test_json_nested_deeper_than_32_levels_is_refused(world: World, operation: str, body: bytes) -> None:
    assert_problem(sending(world, operation, body), 400, "validation-error")


def test_json_of_32_levels_is_read(world: World) -> None:
    body = b'{"firstName": "x", "nested": ' + b"[" * 31 + b"]" * 31 + b"}"
    assert pointers(world.alice.create(None, content=body)) == {"/nested": "unknown_field"}


def test_wide_json_is_no_deep_json(world: World) -> None:
    body = b'{"firstName": "x", "wide": [' + b",".join([b"[]"] * 1000) + b"]}"
    assert pointers(world.alice.create(None, content=body)) == {"/wide": "unknown_field"}


@pytest.mark.parametrize("operation", [each for each in WRITES if "batch" not in each])
def test_a_body_over_a_mebibyte_is_too_large(world: World, operation: str) -> None:
    body = b'{"firstName": "%s"}' % (b"x" * (2 * MEBIBYTE))
    problem = assert_problem(sending(world, operation, body), 413, "payload-too-large")
    assert problem["retryable"] is False


def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_not(world: World) -> None:
    frame = len(b'{"firstName": ""}')
    for size, status in ((MEBIBYTE, 400), (MEBIBYTE + 1, 413)):
        answer = world.alice.create(None, content=b'{"firstName": "%s"}' % (b"x" * (size - frame)))
        assert answer.status_code == status


def test_a_chunked_body_is_measured_as_it_arrives(world: World) -> None:
    def chunks(count: int) -> Any:
        yield b'{"firstName": "'
        for _ in range(count):
            yield b"x" * 65536
        yield b'"}'

    headers = {"authorization": f"Bearer {world.alice.key}", "content-type": "application/json"}
    assert world.http.post("/v1/contacts", content=chunks(32), headers=headers).status_code == 413
    assert world.http.post("/v1/contacts", content=chunks(2), headers=headers).status_code == 400
    made = world.http.post("/v1/contacts", content=iter([b'{"firstName":', b' "Jane"}']), headers=headers)
    assert (made.status_code, made.json()["firstName"]) == (201, "Jane")


@pytest.mark.usefixtures("server")
def test_a_content_length_that_promises_too_much_is_refused_before_the_body_arrives(world: World) -> None:
    raw = exchange(
        world,
        f"POST /v1/contacts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {world.alice.key}\r\n"
        "content-type: application/json\r\ncontent-length: 999999999999\r\n\r\n",
    )
    assert raw.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in raw.lower()


def exchange(world: World, text: str) -> bytes:
    """The first bytes of the answer to what is sent on a connection of its own."""
    address = urlsplit(str(world.http.base_url))
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(text.encode("latin-1"))
        return connection.recv(4096)


EARLY = {
    "401": "POST /v1/contacts HTTP/1.1",
    "404": "POST /nowhere HTTP/1.1",
    "405": "PUT /v1/contacts HTTP/1.1",
    "200": "GET /health/live HTTP/1.1",
}


@pytest.mark.parametrize("status", EARLY)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.usefixtures("server")
def test_an_answer_before_the_body_has_come_leaves_the_connection_usable(
    world: World, status: str, chunked: bool
) -> None:
    address = urlsplit(str(world.http.base_url))
    framing = "transfer-encoding: chunked" if chunked else "content-length: 9"
    body = b'9\r\n{"a": 11}\r\n0\r\n\r\n' if chunked else b'{"a": 11}'
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(f"{EARLY[status]}\r\nhost: x\r\n{framing}\r\n\r\n".encode())
            time.sleep(0.1)
            connection.sendall(body)
            assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize(
    "request_line",
    [
        "GET / HTTP/9.9",
        "GET",
        "\x00\x01\x02",
        "GET /\x01 HTTP/1.1",
        "POST /v1/contacts HTTP/1.1\r\ncontent-length: x",
    ],
)
@pytest.mark.usefixtures("server")
def test_what_is_no_http_is_refused_and_others_are_served(world: World, request_line: str) -> None:
    raw = exchange(world, f"{request_line}\r\nhost: x\r\n\r\n")
    assert raw == b"" or raw[9:10] == b"4", raw
    assert world.http.get("/health/live").status_code == 200


@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "",
        "application/json; charset=utf-16",
        "application/jsonp",
        "application/json-patch+json",
        "json",
        "x" * 1000,
    ],
)
def test_another_content_type_is_unsupported(world: World, operation: str, media: str) -> None:
    answer = sending(world, operation, b'{"firstName": "x"}', **{"content-type": media})
    assert_problem(answer, 415, "unsupported-media-type")


def test_a_missing_content_type_is_unsupported(world: World) -> None:
    headers = {"authorization": f"Bearer {world.alice.key}"}
    answer = world.http.post("/v1/contacts", content=b'{"firstName": "x"}', headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_is_taken_however_it_is_named(world: World, media: str) -> None:
    answer = world.alice.create(None, content=b'{"firstName": "x"}', headers={"content-type": media})
    assert answer.status_code == 201


def test_only_patch_takes_a_merge_patch(world: World) -> None:
    headers = {"content-type": "application/merge-patch+json"}
    answer = world.alice.create(None, content=b'{"firstName": "x"}', headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/contacts/{id}", "/v1/contacts/{id}/history"])
def test_an_unknown_parameter_is_refused_with_a_suggestion(world: World, path: str) -> None:
    url = path.format(id=world.alice.made()["id"])
    refused = world.alice.get(url, includ="deleted", **{"limit ": 5})
    assert refused.status_code == 400
    found = {error["parameter"]: error for error in refused.json()["errors"]}
    assert {error["code"] for error in found.values()} == {"unknown_parameter"}
    assert found["includ"]["suggestion"] == "include"


@pytest.mark.parametrize("name", ["limit", "sort", "email", "createdAfter", "count", "cursor", "workspaceId"])
def test_a_repeated_parameter_is_refused(world: World, name: str) -> None:
    refused = world.alice.get("/v1/contacts", **{name: ["5", "5"]})
    assert pointers(refused) == {name: "repeated_parameter"}


@pytest.mark.parametrize("query", ["limit=%FF", "email=%00", "tag=%ED%A0%80", "%FF=1", "limit=%0", "%00=%00"])
def test_a_query_that_is_no_utf8_is_refused(world: World, query: str) -> None:
    answer = world.alice.get(f"/v1/contacts?{query}")
    assert_problem(answer, 400, "validation-error")


@pytest.mark.parametrize("query", ["", "&", "&&", "limit=5&", "&limit=5"])
def test_empty_parts_of_a_query_are_no_parameters(world: World, query: str) -> None:
    assert world.alice.get(f"/v1/contacts?{query}").status_code == 200


@pytest.mark.parametrize("query", ["=", "=5", "a" * 8000, "&".join(f"p{n}=1" for n in range(2000))])
def test_an_odd_query_is_refused_quickly(world: World, query: str) -> None:
    answer = world.alice.get(f"/v1/contacts?{query}")
    assert answer.status_code in (400, 414, 431)


@pytest.mark.parametrize(
    "path", ["%FF", "%00", "%ED%A0%80", "a%00b", "%2e%2e", "%2F", "é", "'", '"', "0 or 1=1", "null"]
)
@pytest.mark.parametrize("under", ["", "/history", "/restore", "/tags"])
def test_a_path_that_holds_no_id_is_not_found(world: World, path: str, under: str) -> None:
    method = {"": "GET", "/history": "GET", "/restore": "POST", "/tags": "PUT"}[under]
    body = {"tags": []} if under == "/tags" else None
    answer = world.alice.request(method, f"/v1/contacts/{path}{under}", body)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "status"), [("%FF", 204), ("%ED%A0%80", 204), ("%00", 404), ("x" * 3000, 400)]
)
def test_an_odd_name_of_a_tag_takes_nothing_off(world: World, name: str, status: int) -> None:
    made = world.alice.made(tags=["vip"])
    assert world.alice.delete(f"/v1/contacts/{made['id']}/tags/{name}").status_code == status
    assert world.alice.read(made["id"]) == made


def test_a_body_that_is_wrong_in_a_hundred_thousand_places_is_answered_quickly_and_briefly(
    world: World,
) -> None:
    made = world.alice.made()
    fields = {f"field {number}": number for number in range(40_000)}
    answer = world.alice.patch(made["id"], content=json.dumps({"customFields": fields}).encode())
    assert answer.status_code == 400
    assert answer.json()["detail"] == '"field 0" is unknown (and at least 100 more)'
    assert len(answer.content) < 100_000


def test_the_same_name_twice_in_an_object_never_breaks_anything(world: World) -> None:
    answer = world.alice.create(None, content=b'{"firstName": "a", "firstName": "b"}')
    assert answer.status_code in (201, 400)


def test_a_huge_integer_never_breaks_anything(world: World) -> None:
    for content in (
        b'{"firstName": %s}',
        b'{"tags": [%s]}',
        b'{"customFields": {"A": %s}}',
        b'{"workspaceId": %s}',
    ):
        answer = world.alice.create(None, content=content % (b"9" * 100_000))
        assert_problem(answer, 400, "validation-error")
