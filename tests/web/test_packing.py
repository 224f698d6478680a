"""gzip both ways: answers packed for those who ask, bodies unpacked within their limit."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from typing import Any

import httpx
import pytest

from contactory.rules.errors import PayloadTooLarge
from contactory.web.messages import Response
from contactory.web.packing import pack, takes_gzip, unpacked
from tests.raw_http import Client
from tests.world import World, a_phone, pointers

MEBIBYTE = 1 << 20
GZIP = {"content-encoding": "gzip"}


def raw(world: World, path: str, coding: str | None, method: str = "GET", key: str = "") -> httpx.Response:
    """An answer whose bytes are as they came (`extensions["raw"]`)."""
    headers = {"authorization": f"Bearer {key or world.alice.key}", "accept-encoding": coding or ""}
    request = world.http.build_request(method, path, headers=headers)
    if coding is None:
        del request.headers["accept-encoding"]
    answer = world.http.send(request, stream=True)
    answer.extensions["raw"] = b"".join(answer.iter_raw())
    answer.close()
    return answer


@pytest.fixture
def many(world: World) -> World:
    """Acme with some contacts."""
    for start in range(0, 1000, 250):
        operations = [
            {
                "op": "create",
                "data": {"firstName": f"First {number}", "lastName": "Doe", "phone": a_phone()},
            }
            for number in range(start, start + 250)
        ]
        assert world.alice.batch(*operations).status_code == 200
    return world


# Answers.


def test_a_large_list_is_packed_to_a_fifth_for_those_who_ask(many: World) -> None:
    plain, packed = (raw(many, "/v1/contacts?limit=1000", coding) for coding in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert gzip.decompress(packed.extensions["raw"]) == plain.extensions["raw"]
    assert int(packed.headers["content-length"]) == len(packed.extensions["raw"])
    assert len(packed.extensions["raw"]) < len(plain.extensions["raw"]) / 5
    head = raw(many, "/v1/contacts?limit=1000", "gzip", "HEAD")
    assert head.headers["content-length"] == packed.headers["content-length"]
    assert (head.headers["content-encoding"], head.extensions["raw"]) == ("gzip", b"")


TAKEN = {
    "gzip": True,
    "GZIP": True,
    "x-gzip": True,
    "gzip, deflate, br": True,
    "deflate, gzip;q=1.0, *;q=0.5": True,
    "*": True,
    "*;q=0.1": True,
    "gzip; q=0.001": True,
    "identity;q=0, gzip": True,
    "identity;q=0, *": True,
    "gzip, identity": True,
    "identity;q=0.5, gzip;q=0.6": True,
    "": False,
    "identity": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "gzip ; q=0 , *": False,
    "*;q=0": False,
    "identity;q=0": False,
    "identity, gzip;q=0.5": False,
    "gzipped": False,
    "gzip;q=x": False,
    "gzip;q=nan": False,
    "gzip," * 2000: True,
}


@pytest.mark.parametrize(("header", "taken"), TAKEN.items(), ids=[each[:30] for each in TAKEN])
def test_the_weights_of_accept_encoding_are_heard(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize("coding", [None, "", "identity", "br", "gzip;q=0", "identity;q=0"])
def test_nothing_is_packed_for_those_who_do_not_ask(many: World, coding: str | None) -> None:
    answer = raw(many, "/v1/contacts?limit=1000", coding)
    assert "content-encoding" not in answer.headers
    assert len(json.loads(answer.extensions["raw"])) == 1000


def test_a_small_answer_comes_as_it_is(world: World) -> None:
    made = world.alice.made()
    for path in (f"/v1/contacts/{made['id']}", "/v1/contacts?limit=1", "/v1/contacts/x", "/health/live"):
        answer = raw(world, path, "gzip")
        assert not {"content-encoding", "vary"} & answer.headers.keys()
        assert json.loads(answer.extensions["raw"])


def test_the_etag_is_the_version_in_every_coding(world: World) -> None:
    world.field("Note")
    made = world.alice.made(customFields={"Note": "x" * 5000})
    path = f"/v1/contacts/{made['id']}"
    tags = {raw(world, path, coding).headers["etag"] for coding in ("identity", "gzip")}
    assert tags == {'"1"'}
    again = world.alice.get(path, headers={"if-none-match": '"1"', "accept-encoding": "gzip"})
    assert (again.status_code, again.headers["vary"], again.content) == (304, "accept-encoding", b"")
    assert "content-encoding" not in again.headers
    changed = world.alice.patch(made["id"], {"firstName": "Joan"}, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.headers["content-encoding"]) == (200, "gzip")


def test_other_answers_are_packed_too(world: World) -> None:
    batch = world.alice.batch(*({"op": "create", "data": {"firstName": "Jane"}} for _ in range(10)))
    problem = world.alice.create({f"field {number}": 1 for number in range(50)})
    described = world.http.get("/openapi.json")
    for answer, status in ((batch, 200), (problem, 400), (described, 200)):
        assert (answer.status_code, answer.headers["content-encoding"]) == (status, "gzip")
        assert "accept-encoding" in answer.headers["vary"]
        assert answer.json()
    assert "authorization" in described.headers["vary"]


def test_an_answer_that_is_given_again_may_come_in_another_coding(world: World) -> None:
    operations = [{"op": "create", "data": {"firstName": "Jane"}} for _ in range(10)]
    answers = [
        world.alice.batch(*operations, headers={"idempotency-key": "k", "accept-encoding": coding})
        for coding in ("gzip", "identity")
    ]
    assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", None]
    assert answers[0].json() == answers[1].json()


def test_an_answer_that_shows_a_secret_is_never_packed(world: World) -> None:
    made = world.alice.post("/v1/api-keys", {"name": "x" * 200, "permission": "read"})
    assert (made.status_code, "content-encoding" in made.headers) == (201, False)
    refused = world.alice.post("/v1/api-keys", {f"field {number}": 1 for number in range(50)})
    assert (refused.status_code, "content-encoding" in refused.headers) == (400, False)
    assert len(refused.content) > 1024


# Bodies.


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "X-Gzip", "identity", ""])
def test_a_packed_body_is_read(world: World, coding: str) -> None:
    body = json.dumps({"firstName": "Jane", "tags": ["vip"]}).encode()
    content = gzip.compress(body) if "gzip" in coding.lower() else body
    answer = world.alice.create(None, content=content, headers={"content-encoding": coding})
    assert (answer.status_code, answer.json()["tags"]) == (201, ["vip"])
    patched = world.alice.patch(answer.json()["id"], content=content, headers={"content-encoding": coding})
    assert patched.status_code == 200


def test_a_packed_body_may_come_in_pieces_and_in_several_members(world: World) -> None:
    packed = gzip.compress(b'{"firstName": ') + gzip.compress(b"") + gzip.compress(b'"Jane"}')
    assert world.alice.create(None, content=packed, headers=GZIP).json()["firstName"] == "Jane"
    headers = {"authorization": f"Bearer {world.alice.key}", "content-type": "application/json", **GZIP}
    chunks = iter([packed[:7], packed[7:20], packed[20:]])
    made = world.http.post("/v1/contacts", content=chunks, headers=headers)
    assert (made.status_code, made.json()["firstName"]) == (201, "Jane")


WHOLE = gzip.compress(b'{"firstName": "Jane"}')
BROKEN = {
    "plain": b'{"firstName": "Jane"}',
    "empty": b"",
    "cut": WHOLE[:-1],
    "cut early": WHOLE[:5],
    "garbage behind": WHOLE + b"garbage",
    "nulls behind": WHOLE + b"\0" * 8,
    "half a member behind": WHOLE + WHOLE[:9],
    "wrong checksum": WHOLE[:-5] + bytes([WHOLE[-5] ^ 1]) + WHOLE[-4:],
    "zlib": zlib.compress(b'{"firstName": "Jane"}'),
    "many members": gzip.compress(b"") * 5000 + WHOLE,
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_does_not_unpack_is_refused_and_changes_nothing(world: World, content: bytes) -> None:
    made = world.alice.made(firstName="Same")
    refused = world.alice.patch(made["id"], content=content, headers=GZIP)
    assert (refused.status_code, refused.json()["type"]) == (400, "/errors/validation-error")
    assert "gzip" in refused.json()["detail"]
    assert world.alice.read(made["id"]) == made


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip", "gzip, br", "gzip;q=1", "é"])
def test_another_coding_is_refused_with_the_one_that_is_taken(world: World, coding: str) -> None:
    headers: Any = {"content-encoding": coding.encode()}
    refused = world.alice.create(None, content=b'{"firstName": "Jane"}', headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (415, "/errors/unsupported-media-type")
    assert "gzip" in refused.json()["detail"]
    assert refused.headers["accept-encoding"] == "gzip, identity"


@pytest.mark.usefixtures("server")
def test_another_coding_is_refused_before_the_body_is_sent(world: World) -> None:
    client = Client(str(world.http.base_url))
    client.send(
        f"POST /v1/contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {world.alice.key}\r\n"
        "Content-Type: application/json\r\nContent-Encoding: br\r\n"
        "Expect: 100-continue\r\nContent-Length: 90\r\n\r\n".encode()
    )
    assert client.answer().status == 415
    client.socket.close()


def test_the_limit_of_a_body_holds_once_it_is_unpacked(world: World) -> None:
    frame = len(b'{"firstName": ""}')
    for size, status in ((MEBIBYTE, 400), (MEBIBYTE + 1, 413), (50 * MEBIBYTE, 413)):
        content = gzip.compress(b'{"firstName": "%s"}' % (b"x" * (size - frame)))
        answer = world.alice.create(None, content=content, headers=GZIP)
        assert answer.status_code == status
    assert pointers(world.alice.create(None, content=gzip.compress(b'{"a": 1}'), headers=GZIP))
    assert "after decompression" in answer.json()["detail"]


@pytest.mark.parametrize("members", [1, 40])
def test_a_bomb_is_cut_before_it_takes_memory(members: int) -> None:
    bomb = gzip.compress(bytes(64 * MEBIBYTE // members)) * members
    tracemalloc.start()
    with pytest.raises(PayloadTooLarge):
        unpacked(bomb, MEBIBYTE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * MEBIBYTE


def test_the_same_request_packed_or_not_is_the_same(world: World) -> None:
    body, key = b'{"firstName": "Jane"}', {"idempotency-key": "k"}
    first = world.alice.create(None, content=body, headers=key)
    again = world.alice.create(None, content=gzip.compress(body), headers={**key, **GZIP})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json()


def test_a_form_may_be_packed_too(world: World) -> None:
    olive = world.person()
    headers = {
        **olive.cookie,
        **GZIP,
        "sec-fetch-site": "same-origin",
        "x-csrf-token": olive.csrf,
        "content-type": "application/x-www-form-urlencoded",
    }
    content = gzip.compress(b"firstName=Packed")
    made = world.http.post(f"/w/{world.acme}/contacts/new", content=content, headers=headers)
    assert made.status_code == 303
    headers["content-encoding"] = "br"
    assert (
        world.http.post(f"/w/{world.acme}/contacts/new", content=content, headers=headers).status_code == 415
    )


def test_others_are_served_while_a_large_answer_is_packed() -> None:
    async def turns() -> int:
        """How often the loop comes round meanwhile."""
        response, count = Response(200, bytes(range(256)) * 65_536), 0
        packing = asyncio.create_task(pack(response))
        while not packing.done():
            await asyncio.sleep(0.001)
            count += 1
        assert len(gzip.decompress(response.body)) == 256 * 65_536
        return count

    assert asyncio.run(turns()) > 5
