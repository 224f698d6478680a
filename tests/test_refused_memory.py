"""What was sent with a refused request goes when it is answered, and waits for no garbage collection."""

import json
from collections.abc import Generator
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


def test_what_was_refused_is_not_kept(server: Server, world: World) -> None:
    world.field("Notes")
    world.alice.made(TAKEN)
    memory = psutil.Process(workers(server)[0].pid).memory_info
    key = {"authorization": f"Bearer {world.alice.key}"}
    grown: dict[str, float] = {}
    with httpx.Client(base_url=server.url, headers=key, timeout=30) as client:
        for kind, (method, path, sent, status) in REQUESTS.items():
            for number in range(35):
                if number == 5:
                    before = memory().rss
                assert client.request(method, path, **sent).status_code == status, kind
            grown[kind] = (memory().rss - before) / MEBIBYTE
    # Thirty bodies of 1 MiB; one and its decoded form may be at work.
    assert max(grown.values()) < 12, grown
