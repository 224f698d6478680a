"""Answers that come piece by piece under an ASGI server, HTTP/2, and clients that go before their answers."""

import os
import ssl
import sys
import time
from collections.abc import Generator
from pathlib import Path
from unittest import mock

import httpx
import pytest

from tests.asgi.servers import MORE, SERVERS, documented, under
from tests.conftest import client_of
from tests.proxies.conftest import certificate
from tests.proxies.programs import started
from tests.raw_http import Client, patch
from tests.servers import Server, Sql, free_port, sql_at
from tests.waiting import until, until_waiting
from tests.world import World


@pytest.fixture(scope="module", params=SERVERS)
def running(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """The application, with a few operations more, under an ASGI server."""
    log = tmp_path_factory.mktemp("asgi") / f"{request.param}.log"
    with under(request.param, log, app=MORE, database_url=database_url) as server:
        yield server


def streams_ended(server: Server, world: World) -> int:
    key = {"authorization": f"Bearer {world.alice.key}"}
    return httpx.get(f"{server.url}/v1/uploads", headers=key).json().get("streams ended", 0)


def test_a_stream_comes_as_it_is_made_and_ends_with_its_client(running: Server, world: World) -> None:
    key = {"authorization": f"Bearer {world.alice.key}"}
    before = streams_ended(running, world)
    with httpx.stream("GET", f"{running.url}/v1/ticks", headers=key) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert streams_ended(running, world) == before
    until(lambda: streams_ended(running, world) == before + 1)


def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(running: Server, world: World) -> None:
    key = {"authorization": f"Bearer {world.alice.key}"}
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{running.url}/v1/broken", headers=key)
    log = until(lambda: text if "answer lost" in (text := running.log.read_text()) else None)
    assert "secret" not in log


def test_a_plan_is_the_same_as_at_the_own_server(running: Server, world: World) -> None:
    window = {"preset": "us-tcpa", "name": "Calls", "workspaceId": world.acme}
    path = f"/v1/send-windows/{world.ada.post('/v1/send-windows', window).json()['id']}/plan"
    for _ in range(3):
        world.alice.made(timezone="Europe/Berlin")
    body = {"at": "2026-03-02T20:00:00Z"}
    with client_of(running) as http:
        here, there = world.alice.post(path, body), world.alice.at(http).post(path, body)
    assert here.status_code == 200
    assert (there.status_code, there.content) == (200, here.content)
    assert "content-length" not in there.headers


def test_what_a_client_has_asked_for_is_done_though_it_goes(running: Server, world: World, sql: Sql) -> None:
    made = world.alice.made()
    with sql_at(sql.url) as other:
        other.execute("begin")
        other.execute("select from contacts where id = $1 for update", made["id"])
        client = Client(running.url)
        client.send(patch(world.alice, made["id"], b'{"lastName": "Gone"}'))
        until_waiting(sql)
        client.socket.close()
        time.sleep(0.2)
        other.execute("commit")
    until(lambda: world.alice.read(made["id"])["lastName"] == "Gone")
    events = [event["type"] for event in world.alice.history(made["id"]).json()]
    assert events == ["contact.updated", "contact.created"]


def test_hypercorn_speaks_http_2_with_tls(database_url: str, world: World, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    port = free_port()
    given = {"contacts.example.com.pem": str(chain), "contacts.example.com.key": str(key)}
    trusting = ssl.create_default_context(cafile=str(chain))
    words = [given.get(word, word) for word in documented("hypercorn", tls=True)]
    command = [sys.executable, "-m", *[word.replace("0.0.0.0:8443", f"127.0.0.1:{port}") for word in words]]
    settings = {"CONTACTORY_DATABASE_URL": database_url, "CONTACTORY_LOG_REQUESTS": "none"}
    with (
        mock.patch.dict(os.environ, settings),
        started(tmp_path / "server.log", port, *command),
        httpx.Client(
            base_url=f"https://127.0.0.1:{port}",
            verify=trusting,
            http2=True,
        ) as http,
    ):
        alice = world.alice.at(http)
        made = alice.made(tags=["a/b"])
        answer = alice.fetch(made["id"])
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        assert alice.patch(made["id"], {"lastName": "x" * 200_000}).status_code == 400
        assert alice.patch(made["id"], {"lastName": "New"}).json()["lastName"] == "New"
        assert alice.delete(f"/v1/contacts/{made['id']}/tags/a%2Fb").status_code == 204
        assert world.stranger().at(http).fetch(made["id"]).status_code == 401
        alice.made()
        assert alice.list(limit=1).links["next"]["url"].startswith(f"https://127.0.0.1:{port}/v1/contacts?")
