"""How the ASGI application starts and ends, and what it does while clients come and go."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from unittest.mock import patch

import httpx
import psutil
import pytest

from tests.asgi.in_process import Life, in_loop
from tests.asgi.servers import under
from tests.conftest import client_of
from tests.raw_http import Client
from tests.raw_http import patch as patching
from tests.servers import PROJECT, Server, Sql, free_port, sql_at
from tests.test_metrics import scraped
from tests.waiting import until, until_waiting
from tests.world import World

SERVERS = ["uvicorn", "hypercorn", "granian"]


def start(folder: Path, **settings: object) -> str:
    """What the application says that has to start with these settings, in a folder without a settings file."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONTACTORY_")}
    given = {f"CONTACTORY_{name.upper()}": str(value) for name, value in settings.items()}
    before = Path.cwd()
    os.chdir(folder)
    try:
        with patch.dict(os.environ, {**kept, **given}, clear=True), in_loop() as run:
            answer = run(Life().start())
    finally:
        os.chdir(before)
    assert answer["type"] == "lifespan.startup.failed"
    return answer["message"]


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    assert re.fullmatch(r"CONTACTORY_DATABASE_URL is not set.*contactory serve.*", start(tmp_path))


def test_what_is_wrong_with_its_settings_is_told(tmp_path: Path) -> None:
    assert "CONTACTORY_POOL_SIZE='many'" in start(tmp_path, pool_size="many")
    assert "does not read as postgresql://" in start(tmp_path, database_url="mysql://x")


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    said = start(tmp_path, database_url=f"postgresql://me:hidden@127.0.0.1:{free_port()}/x")
    assert said.startswith("The database cannot be reached: ")
    assert "hidden" not in said


def test_a_schema_that_is_behind_is_told(tmp_path: Path, new_database: Callable[[], str]) -> None:
    said = start(tmp_path, database_url=new_database())
    assert re.fullmatch(r"The database's schema lacks \d+ migration\(s\): run contactory migrate\.", said)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_cannot_start_it_ends_and_says_why(name: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with pytest.raises(AssertionError, match="does not start"), under(name, log):
        pass
    assert "CONTACTORY_DATABASE_URL is not set" in log.read_text()


@pytest.fixture(scope="module", params=SERVERS)
def running(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Server]:
    """The application, with a few operations more, under an ASGI server."""
    log = tmp_path_factory.mktemp("asgi") / f"{request.param}.log"
    with under(request.param, log, before="tests.pieces_app", database_url=database_url) as server:
        yield server


def ended(server: Server, world: World, what: str) -> int:
    key = {"authorization": f"Bearer {world.alice.key}"}
    return httpx.get(f"{server.url}/v1/uploads", headers=key).json().get(what, 0)


def test_a_stream_comes_as_it_is_made_and_ends_with_its_client(running: Server, world: World) -> None:
    key = {"authorization": f"Bearer {world.alice.key}"}
    before = ended(running, world, "streams ended")
    with httpx.stream("GET", f"{running.url}/v1/ticks", headers=key) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(5)] == ["0", "1", "2", "3", "4"]
        assert ended(running, world, "streams ended") == before
    until(lambda: ended(running, world, "streams ended") == before + 1)


def test_a_stream_that_breaks_off_is_not_taken_for_a_whole_one(running: Server, world: World) -> None:
    if "granian" in running.log.name:
        pytest.skip("granian ends such an answer as if it were whole")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{running.url}/v1/broken", headers={"authorization": f"Bearer {world.alice.key}"})
    log = running.log.read_text()
    assert "answer lost" in log
    assert "secret" not in log


def test_a_plan_is_the_same_as_at_the_own_server(running: Server, world: World) -> None:
    window = {"preset": "us-tcpa", "name": "Calls", "workspaceId": world.acme}
    made = world.ada.post("/v1/send-windows", window).json()
    for _ in range(3):
        world.alice.made(timezone="Europe/Berlin", email=None)
    body = {"at": "2026-03-02T20:00:00Z"}
    with client_of(running) as http:
        here = world.alice.post(f"/v1/send-windows/{made['id']}/plan", body)
        there = world.alice.at(http).post(f"/v1/send-windows/{made['id']}/plan", body)
    assert here.status_code == 200
    assert (there.status_code, there.content) == (200, here.content)
    assert "content-length" not in there.headers


def test_what_a_client_has_asked_for_is_done_though_it_goes(running: Server, world: World, sql: Sql) -> None:
    made = world.alice.made()
    with sql_at(sql.url) as other:
        other.execute("begin")
        other.execute("select from contacts where id = $1 for update", made["id"])
        client = Client(running.url)
        client.send(patching(world.alice, made["id"], b'{"lastName": "Gone"}'))
        until_waiting(sql)
        client.socket.close()
        time.sleep(0.2)
        other.execute("commit")
    until(lambda: world.alice.read(made["id"])["lastName"] == "Gone")
    assert [event["type"] for event in world.alice.history(made["id"]).json()] == [
        "contact.updated",
        "contact.created",
    ]


@pytest.mark.parametrize("name", SERVERS)
def test_it_ends_in_order_and_answers_first_what_it_has_accepted(
    name: str, world: World, sql: Sql, database_url: str, tmp_path: Path
) -> None:
    made, answers = world.alice.made(), list[httpx.Response]()
    with under(name, tmp_path / "server.log", database_url=database_url) as server, client_of(server) as http:
        with sql_at(sql.url) as other:
            other.execute("begin")
            other.execute("select from contacts where id = $1 for update", made["id"])
            alice = world.alice.at(http)
            asking = threading.Thread(
                target=lambda: answers.append(alice.patch(made["id"], {"lastName": "Late"}))
            )
            asking.start()
            until_waiting(sql)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            other.execute("commit")
            asking.join()
        server.process.wait(20)
    assert [answer.status_code for answer in answers] == [200]
    assert "Traceback" not in server.log.read_text()
    assert not sql.value(
        "select count(*) from pg_stat_activity where datname = current_database() and query like '%Late%'"
    )


def test_hypercorn_speaks_http_2(database_url: str, world: World, tmp_path: Path) -> None:
    with under("hypercorn", tmp_path / "server.log", database_url=database_url) as server:
        with httpx.Client(base_url=server.url, http1=False, http2=True) as http:
            alice = world.alice.at(http)
            made = alice.made(tags=["a/b"])
            answer = alice.fetch(made["id"])
            assert (answer.http_version, answer.status_code) == ("HTTP/2", 200)
            assert alice.patch(made["id"], {"lastName": "x" * 200_000}).status_code == 400
            assert alice.create({"firstName": "x" * 2_000_000}).status_code == 413
            assert (
                alice.list(limit=1).links == {} or "http://127.0.0.1" in alice.list(limit=1).headers["link"]
            )


def test_workers_count_together(database_url: str, tmp_path: Path) -> None:
    with under("uvicorn", tmp_path / "server.log", "--workers", "2", database_url=database_url) as server:
        children = psutil.Process(server.process.pid).children()
        until(lambda: len(list(tmp_path.glob("contactory-metrics-*/[0-9]*"))) == 2)
        for _ in range(40):
            assert httpx.get(f"{server.url}/health/live").status_code == 200

        def lives() -> float:
            return scraped(server.url)("contactory_requests_total", operation="live", status="200")

        until(lambda: {lives() for _ in range(6)} == {40.0})
        value = scraped(server.url)
        for process in ("supervisor", "server-1", "server-2"):
            assert value("process_resident_memory_bytes", process=process) > 10e6
        pids = {int(path.name.partition("-")[0]) for path in tmp_path.glob("contactory-metrics-*/[0-9]*")}
        assert pids <= {child.pid for child in children}
        os.kill(min(pids), signal.SIGKILL)
        until(
            lambda: (
                len(list(tmp_path.glob("contactory-metrics-*/[0-9]*"))) == 2
                and min(pids)
                not in {
                    int(path.name.partition("-")[0]) for path in tmp_path.glob("contactory-metrics-*/[0-9]*")
                }
            )
        )
        until(lambda: {lives() for _ in range(6)} == {40.0})
    assert list(tmp_path.glob("contactory-metrics-*")) == []


def test_the_tests_that_speak_http_pass_on_it(sql: Sql, database_url: str) -> None:
    """A few files; `pytest --asgi` runs them all."""
    files = [
        "contacts/test_patch.py",
        "contacts/test_get.py",
        "tags",
        "fields/test_update.py",
        "test_tenancy.py",
    ]
    url = re.sub(r"/[^/]*$", "/postgres", database_url)
    done = subprocess.run(
        [
            "python",
            "-m",
            "pytest",
            "--asgi",
            "-q",
            "-p",
            "no:cacheprovider",
            *(f"tests/{file}" for file in files),
        ],
        cwd=PROJECT,
        env={**os.environ, "CONTACTORY_TEST_DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 150
