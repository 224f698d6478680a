"""Answers that come piece by piece under an ASGI server, HTTP/2, and clients that go before their answers."""

import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.asgi.servers import SERVERS, under
from tests.conftest import client_of
from tests.pieces_app import APP
from tests.raw_http import Client, patch
from tests.servers import Server, Sql, sql_at
from tests.waiting import until, until_waiting
from tests.world import World


@pytest.fixture(scope="module", params=SERVERS)
def running(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """The application, with a few operations more, under an ASGI server."""
    log = tmp_path_factory.mktemp("asgi") / f"{request.param}.log"
    with under(request.param, log, app=APP, database_url=database_url) as server:
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


def test_hypercorn_speaks_http_2(database_url: str, world: World, tmp_path: Path) -> None:
    with ExitStack() as stack:
        run = under("hypercorn", tmp_path / "server.log", database_url=database_url)
        server = stack.enter_context(run)
        http = stack.enter_context(httpx.Client(base_url=server.url, http1=False, http2=True))
        alice = world.alice.at(http)
        made = alice.made(tags=["a/b"])
        answer = alice.fetch(made["id"])
        assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
        assert alice.patch(made["id"], {"lastName": "x" * 200_000}).status_code == 400
        assert alice.patch(made["id"], {"lastName": "New"}).json()["lastName"] == "New"
        assert alice.delete(f"/v1/contacts/{made['id']}/tags/a%2Fb").status_code == 204
        assert world.stranger().at(http).fetch(made["id"]).status_code == 401
        alice.made()
        following = alice.list(limit=1).links["next"]["url"]
        assert following.startswith(f"{server.url}/v1/contacts?")
