"""POST /v1/contacts/batch: how large its body and its answer may be, and what they cost."""

import contextlib
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.conftest import client_of
from tests.raw_http import Client
from tests.servers import Server, running
from tests.world import World, an_email, pointers
from tests.yardstick import times

MEBIBYTE = 1 << 20
PATH = "/v1/contacts/batch"


def full_contact(number: int) -> dict[str, Any]:
    """One that nearly fills its share of the largest body."""
    return {
        "firstName": f"Jane {number}",
        "lastName": "D" * 255,
        "email": an_email(),
        "phone": f"+1415{2_000_000 + number}",
        "tags": [f"tag {n}" for n in range(20)],
        "customFields": {f"Field {n}": "x" * 240 for n in range(28)},
        "consent": {"call": {"status": "granted", "source": "web form", "at": "2026-01-15T10:30:00Z"}},
    }


def worker_of(server: Server) -> psutil.Process:
    """The process that answers."""
    return max(psutil.Process(server.process.pid).children(), key=lambda each: each.memory_info().rss)


def most_memory(server: Server) -> int:
    """The most that the process which answers has had so far, in bytes."""
    status = Path(f"/proc/{worker_of(server).pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def times_a_good_one(world: World, server: Server, *operations: Any) -> float:
    """How many times what a batch of a thousand good contacts costs the server this batch costs it."""
    good = [{"op": "create", "data": {"firstName": "Jane", "lastName": f"{n}"}} for n in range(1000)]
    return times(
        lambda: world.alice.batch(*operations),
        lambda: world.alice.batch(*good),
        clock=server.processor_seconds,
        rounds=3,
    )


@pytest.fixture
def many_fields(world: World) -> list[str]:
    """The names of 500 custom fields."""
    names = [f"Custom field {number}" for number in range(500)]
    world.sql.execute(
        """with fields as (
               insert into custom_fields (workspace_id, id, name, type, position, created_at, updated_at)
               select $1, gen_random_uuid(), name, 'text', ord, now(), now()
                 from unnest($2::text[]) with ordinality as i (name, ord))
           update workspaces set catalog_version = catalog_version + 1 where id = $1""",
        world.acme,
        names,
    )
    return names


def test_a_thousand_full_contacts_fit_into_a_batch(world: World, many_fields: list[str]) -> None:
    for number in range(28):
        world.field(f"Field {number}")
    contacts = [full_contact(number) for number in range(1000)]
    body = json.dumps({"operations": [{"op": "create", "data": each} for each in contacts]}).encode()
    assert 7 * MEBIBYTE < len(body) < 8 * MEBIBYTE
    answer = world.alice.post(PATH, content=body)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [result["status"] for result in results] == [201] * 1000
    assert results[-1]["contact"] == world.alice.read(results[-1]["contact"]["id"])


def test_a_batch_has_up_to_eight_mebibytes_and_nothing_else_has(world: World) -> None:
    frame = len(b'{"operations": [""]}')
    for size, status in ((8 * MEBIBYTE, 200), (8 * MEBIBYTE + 1, 413)):
        content = b'{"operations": ["%s"]}' % (b"x" * (size - frame))
        assert world.alice.post(PATH, content=content).status_code == status
    content = b'{"firstName": "%s"}' % (b"x" * MEBIBYTE)
    for path in ("/v1/contacts", "/v1/contacts/upsert", "/v1/availability", "/v1/tags/batch"):
        method = "PATCH" if "tags" in path else "POST"
        assert world.alice.request(method, path, content=content).status_code == 413


def test_the_setting_bounds_the_body_of_a_batch(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    alice = world.alice.at(private_server(max_batch_bytes=2 * MEBIBYTE, max_body_bytes=MEBIBYTE))
    for size, status in ((MEBIBYTE + 9, 200), (2 * MEBIBYTE, 413)):
        content = b'{"operations": ["%s"]}' % (b"x" * size)
        assert alice.post(PATH, content=content).status_code == status


@pytest.mark.usefixtures("server")
def test_large_batches_are_read_however_they_come(world: World) -> None:
    made = world.alice.made()
    padding = b" " * (3 * MEBIBYTE)
    body = b'{"operations": [{"op": "update", "id": "%s", "data": {"lastName": "Doe"}}]%s}' % (
        made["id"].encode(),
        padding,
    )
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {world.alice.key}\r\n"
        "content-type: application/json\r\n"
    )
    sized = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    chunked = f"{head}transfer-encoding: chunked\r\n\r\n".encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (
        len(body),
        body,
    )
    client = Client(str(world.http.base_url))
    with ThreadPoolExecutor(1) as pool:
        for requests in (sized, chunked, sized + chunked + sized):
            sending = pool.submit(client.send, requests)
            for _ in range(requests.count(b"POST ")):
                assert client.answer().status == 200
            sending.result()


@pytest.mark.parametrize("key", ["", "Bearer ctk_live_nonsense", "Bearer {stranger}", "Bearer {reader}"])
def test_who_may_not_send_a_batch_cannot_fill_memory_with_one(world: World, server: Server, key: str) -> None:
    key = key.format(stranger=world.stranger().key, reader=world.bob.key)
    address = urlsplit(server.url)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\n"
        + (f"authorization: {key}\r\n" if key else "")
        + f"content-type: application/json\r\ncontent-length: {8 * MEBIBYTE}\r\n\r\n"
    )
    before = worker_of(server).memory_info().rss
    connections = [socket.create_connection((address.hostname or "", address.port or 0)) for _ in range(20)]
    try:
        for connection in connections:
            connection.settimeout(5)
            connection.sendall(head.encode())
        answers = [connection.recv(4096) for connection in connections]
        assert {answer[9:12] for answer in answers} <= {b"401", b"403"}
        for connection in connections:
            connection.settimeout(0.2)
            with contextlib.suppress(OSError):
                connection.sendall(b"x" * (8 * MEBIBYTE - 1))
        assert worker_of(server).memory_info().rss - before < 40 * MEBIBYTE
        assert world.alice.list().status_code == 200
    finally:
        for connection in connections:
            connection.close()


def test_a_thousand_misspelt_names_cost_little_and_hold_nobody_up(
    world: World, server: Server, many_fields: list[str]
) -> None:
    misspelt = [name.replace("field", "feild") for name in many_fields]
    operations = [
        {"op": "create", "data": {"customFields": {misspelt[n % 500]: "x"}, "fistName": "Jane"}}
        for n in range(1000)
    ]
    assert times_a_good_one(world, server, *operations) < 3
    results = world.alice.batch(*operations).json()["results"]
    assert [result["status"] for result in results] == [400] * 1000
    errors = results[0]["problem"]["errors"]
    assert [error["suggestion"] for error in errors] == ["Custom field 0", "firstName"]
    suggested = sum("suggestion" in error for r in results for error in r["problem"]["errors"])
    assert suggested == 100, "so many are looked for in a request"
    assert all(len(r["problem"]["errors"]) == 2 for r in results)


COSTLY = {
    "zones": {"timezone": "America/New_Yrok"},
    "phones": {"phone": "14155552671"},
    "impossible phones": {"phone": "+1 415 555"},
    "consents": {"consent": {"cal": {"status": "granted"}, "call": {"status": "grantd"}}},
    "tags": {"tags": ["", ".", 5]},
    "e-mails": {"email": "jane@example..com"},
    "long names": {"x" * 2000: 1},
}


@pytest.mark.parametrize("kind", COSTLY)
def test_a_thousand_mistakes_of_any_kind_cost_little(world: World, server: Server, kind: str) -> None:
    def data(number: int) -> dict[str, Any]:
        value = COSTLY[kind]
        if "phone" in value:
            return {"phone": f"{value['phone']}{number % 10}"[-12:]}
        return {**value, "lastName": f"{number}"}

    operations = [{"op": "create", "data": data(number)} for number in range(1000)]
    assert times_a_good_one(world, server, *operations) < 3
    answer = world.alice.batch(*operations)
    assert {result["status"] for result in answer.json()["results"]} == {400}


def test_the_errors_of_a_batch_are_listed_to_a_bound(world: World, server: Server) -> None:
    names = {f"x{number}": 1 for number in range(150)}
    operations = [{"op": "create", "data": names}] * 1000
    assert times_a_good_one(world, server, *operations) < 5
    answer = world.alice.batch(*operations)
    problems = [result["problem"] for result in answer.json()["results"]]
    assert all(p["detail"].startswith('"x0" is unknown (and at least ') and p["errors"] for p in problems)
    assert sum(len(problem["errors"]) for problem in problems) <= 11_000


def test_an_answer_is_bounded_and_what_does_not_fit_is_not_done(
    world: World, database_url: str, tmp_path: Path
) -> None:
    """A batch of 87 KB could ask for 190 MB."""
    for number in range(10):
        world.field(f"Field {number}")
    fields = {f"Field {number}": "\u20ac" * 10_000 for number in range(10)}
    large = world.alice.made(firstName="Jane", customFields=fields)
    assert len(json.dumps(large, ensure_ascii=False).encode()) > 300_000
    doomed = [world.alice.made() for _ in range(5)]
    operations = [
        *({"op": "update", "id": large["id"], "data": {"firstName": "Jane"}} for _ in range(990)),
        *({"op": "delete", "id": contact["id"]} for contact in doomed),
        *({"op": "create", "data": {"firstName": "Late"}} for _ in range(5)),
    ]
    with running(tmp_path / "server.log", database_url=database_url) as own, client_of(own) as http:
        before = most_memory(own)
        answer = world.alice.at(http).batch(*operations)
        grown = most_memory(own) - before
    assert answer.status_code == 200
    assert 60 * MEBIBYTE < len(answer.content) <= 64 * MEBIBYTE
    assert grown < 4 * 64 * MEBIBYTE
    results = answer.json()["results"]
    done = [result["status"] for result in results].index(413)
    assert [result["status"] for result in results] == [200] * done + [413] * (1000 - done)
    assert results[done]["problem"]["type"] == "/errors/payload-too-large"
    assert [world.alice.read(contact["id"]) for contact in doomed] == doomed
    assert not [c for c in world.alice.list(limit=1000).json() if c["firstName"] == "Late"]


def test_wrong_names_beside_the_operations_are_refused(world: World) -> None:
    answer = world.alice.post(PATH, {"operations": [5], "operatoins": [], "workspaceId": 5})
    assert pointers(answer) == {"/operatoins": "unknown_field", "/workspaceId": "invalid_id"}
