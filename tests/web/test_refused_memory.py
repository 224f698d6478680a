"""What was sent with a refused request goes when it is answered, and waits for no garbage collection."""

import json
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.servers import Server, running, workers
from tests.world import World

MEBIBYTE = 1 << 20
LARGE = "x" * (MEBIBYTE - 100)
TAKEN = {"email": "taken@example.com"}


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Generator[Server]:
    with running(tmp_path / "server.log", database_url=database_url) as started:
        yield started


def as_json(value: Any) -> dict[str, Any]:
    return {"content": json.dumps(value), "headers": {"content-type": "application/json"}}


def in_a_batch(**data: Any) -> dict[str, Any]:
    return {"op": "create", "data": data}


def keyed(value: Any, key: str) -> dict[str, Any]:
    sent = as_json(value)
    return {**sent, "headers": {**sent["headers"], "idempotency-key": key}}


NOTES = {"customFields": {"Notes": "y" * 9_000}}
REQUESTS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "another media type": (
        "POST",
        "/v1/contacts",
        {"content": LARGE, "headers": {"content-type": "text/plain"}},
        415,
    ),
    "no JSON": (
        "POST",
        "/v1/contacts",
        {"content": LARGE, "headers": {"content-type": "application/json"}},
        400,
    ),
    "an unknown name": ("POST", "/v1/contacts", as_json({"nonsense": LARGE}), 400),
    "a name that is too long": ("POST", "/v1/contacts", as_json({"firstName": LARGE}), 400),
    "a contact that is not there": (
        "PATCH",
        "/v1/contacts/00000000-0000-7000-8000-000000000000",
        as_json({"firstName": LARGE[:200] + " " * 1_000_000}),
        404,
    ),
    "with a key": ("POST", "/v1/contacts", keyed({"firstName": LARGE}, "long"), 400),
    "an address that is taken": (
        "POST",
        "/v1/contacts",
        as_json({**TAKEN, "firstName": LARGE[:200] + " " * 1_000_000}),
        409,
    ),
    "operations that are refused": (
        "POST",
        "/v1/contacts/batch",
        as_json({"operations": [in_a_batch(firstName=LARGE)]}),
        200,
    ),
    "operations that clash": (
        "POST",
        "/v1/contacts/batch",
        as_json({"operations": [in_a_batch(**TAKEN, **NOTES)] * 100}),
        200,
    ),
}


def growth(process: psutil.Process, send: Callable[[], httpx.Response], status: int) -> float:
    """By how many MiB the process grows while the same is sent thirty times."""
    before = 0
    for number in range(35):
        if number == 5:
            before = process.memory_info().rss
        answer = send()
        assert answer.status_code == status, answer.text[:500]
    return (process.memory_info().rss - before) / MEBIBYTE


def test_what_was_refused_is_not_kept(server: Server, world: World) -> None:
    world.field("Notes")
    world.alice.made(TAKEN)
    process = workers(server)[0]
    key = {"authorization": f"Bearer {world.alice.key}"}
    with httpx.Client(base_url=server.url, headers=key, timeout=30) as client:
        grown = {
            kind: growth(process, partial(client.request, method, path, **sent), status)
            for kind, (method, path, sent, status) in REQUESTS.items()
        }
    # Thirty bodies of 1 MiB; one and its decoded form may be at work.
    assert max(grown.values()) < 12, grown


def test_a_form_that_is_refused_for_each_contact_is_not_kept(server: Server, world: World) -> None:
    world.alice.made(TAKEN)
    person = world.person()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        person.http = client
        form = {"action": "set", **TAKEN, "contact": f"{world.alice.made()['id']}:1", "more": LARGE}
        send = partial(person.post, f"/w/{world.acme}/contacts/many", form, hx_request="true")
        assert send().json()["refused"] == {"Another contact has this email": 1}
        assert growth(workers(server)[0], send, 200) < 12
