"""A log line says by ids and codes who asked what and what was wrong, and nothing of a contact or a key."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import client_of
from tests.servers import Server, running
from tests.waiting import until
from tests.world import Caller, Person, World


@pytest.fixture(scope="module")
def logged(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[Server, httpx.Client]]:
    log = tmp_path_factory.mktemp("logs") / "server.log"
    with running(log, database_url=database_url) as server, client_of(server) as http:
        yield server, http


def line_of(server: Server, answer: httpx.Response) -> dict[str, Any]:
    """The one line that a request leaves once it is answered, without what differs each time."""
    [line] = until(lambda: lines_of(server, answer.headers["x-request-id"]))
    for name in ("request_id", "ms", "timestamp", "level", "event"):
        del line[name]
    return line


def lines_of(server: Server, request_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.endswith("}")]
    return [line for line in lines if line.get("request_id") == request_id]


@pytest.fixture
def alice(world: World, logged: tuple[Server, httpx.Client]) -> Caller:
    return world.alice.at(logged[1])


def test_a_refused_change_is_logged_with_key_workspace_problem_and_codes(
    alice: Caller, logged: tuple[Server, httpx.Client]
) -> None:
    answer = alice.create({"fistName": "Janet Secretive", "phone": "12", "email": "janet@secret"})
    assert answer.status_code == 400
    codes = sorted({error["code"] for error in answer.json()["errors"]})
    assert len(codes) == 3
    assert line_of(logged[0], answer) == {
        "key": alice.key_id,
        "workspace": alice.workspace_id,
        "operation": "createContact",
        "method": "POST",
        "status": 400,
        "problem": "validation-error",
        "codes": codes,
    }


def test_problems_of_every_kind_are_named(alice: Caller, logged: tuple[Server, httpx.Client]) -> None:
    made = alice.made()
    late = {"if-match": '"99"'}
    answers = {
        "not-found": alice.fetch(alice.workspace_id),
        "precondition-failed": alice.patch(made["id"], {"firstName": "A"}, headers=late),
        "method-not-allowed": alice.http.put("/v1/contacts"),
        "unauthorized": alice.http.get("/v1/contacts", headers={"authorization": "Bearer ctk_live_x"}),
        "idempotency-mismatch": twice(alice),
    }
    for problem, answer in answers.items():
        assert line_of(logged[0], answer)["problem"] == problem
    assert "key" not in line_of(logged[0], answers["unauthorized"])
    assert "workspace" not in line_of(logged[0], answers["unauthorized"])


def at(person: Person, http: httpx.Client) -> Person:
    """The same user, at another server."""
    return Person(http, person.user_id, person.email, person.secret, person.csrf)


def twice(alice: Caller) -> httpx.Response:
    headers = {"idempotency-key": f"log-{alice.key_id}"}
    assert alice.create({"firstName": "A"}, headers=headers).status_code == 201
    return alice.create({"firstName": "B"}, headers=headers)


def test_a_key_of_the_account_is_logged_with_the_workspace_it_asks_about(
    world: World, logged: tuple[Server, httpx.Client]
) -> None:
    ada = world.ada.at(logged[1])
    answer = ada.create({"nosuch": 1, "workspaceId": world.alice.workspace_id})
    assert line_of(logged[0], answer)["workspace"] == world.alice.workspace_id
    foreign = ada.create({"firstName": "A", "workspaceId": world.carol.workspace_id})
    assert foreign.status_code == 404
    assert "workspace" not in line_of(logged[0], foreign)


def test_a_page_is_logged_with_the_user_and_the_workspace(
    world: World, logged: tuple[Server, httpx.Client]
) -> None:
    person = at(world.person("viewer"), logged[1])
    answer = person.get(f"/w/{world.alice.workspace_id}/settings/api-keys")
    assert answer.status_code == 403
    assert line_of(logged[0], answer) == {
        "user": person.user_id,
        "workspace": world.alice.workspace_id,
        "operation": "showApiKeys",
        "method": "GET",
        "status": 403,
        "problem": "forbidden",
    }


def test_no_line_holds_anything_of_a_contact_or_a_key(
    alice: Caller, logged: tuple[Server, httpx.Client]
) -> None:
    secret = "Zanzibar"
    answers = [
        alice.create({secret: 1, "firstName": 5, "email": f"{secret}@", "tags": [secret] * 2000}),
        alice.create({"customFields": {secret: "x"}, "timezone": secret}),
        alice.get(f"/v1/contacts?{secret}={secret}"),
        alice.get(f"/v1/{secret}"),
        alice.delete(f"/v1/tags/{secret}"),
        alice.http.get("/v1/contacts", headers={"authorization": f"Bearer {alice.key}x"}),
    ]
    assert {answer.status_code for answer in answers} <= {400, 401, 404}
    assert all(line_of(logged[0], answer)["status"] == answer.status_code for answer in answers)
    text = logged[0].log.read_text()
    assert secret not in text
    assert alice.key not in text
    assert "127.0.0.1" not in text


@pytest.mark.parametrize("proxies", [0, 1])
def test_the_clients_address_is_logged_where_that_is_set(
    proxies: int, world: World, database_url: str, tmp_path: Path
) -> None:
    settings = {"database_url": database_url, "log_addresses": "on", "proxies": proxies}
    with running(tmp_path / "server.log", **settings) as server, client_of(server) as http:
        sent = {"x-forwarded-for": f"203.0.113.9, {'192.0.2.7' if proxies else 'x' * 500}"}
        answer = world.alice.at(http).fetch(world.alice.workspace_id, headers=sent)
        assert line_of(server, answer)["address"] == ("192.0.2.7" if proxies else "127.0.0.1")
