"""Several worker processes of an ASGI server, and their end."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.asgi.servers import SERVERS, under
from tests.conftest import client_of
from tests.public.test_metrics import scraped
from tests.servers import Sql, sql_at
from tests.waiting import until, until_waiting
from tests.world import World


def test_the_workers_of_a_server_count_together(database_url: str, tmp_path: Path) -> None:
    def processes() -> set[int]:
        """The processes that share their metrics."""
        return {int(path.name.partition("-")[0]) for path in tmp_path.glob("contactory-metrics-*/[0-9]*")}

    def asked() -> float:
        return scraped(server.url)("contactory_requests_total", operation="live", status="200")

    with under("uvicorn", tmp_path / "server.log", "--workers", "2", database_url=database_url) as server:
        until(lambda: len(processes()) == 2)
        first = processes()
        assert first <= {child.pid for child in psutil.Process(server.process.pid).children()}
        for _ in range(40):
            assert httpx.get(f"{server.url}/health/live").status_code == 200
        until(lambda: {asked() for _ in range(6)} == {40.0})
        value = scraped(server.url)
        for process in ("supervisor", "server-1", "server-2"):
            assert value("process_resident_memory_bytes", process=process) > 10e6
        os.kill(min(first), signal.SIGKILL)
        until(lambda: len(processes()) == 2 and processes() != first)
        assert {asked() for _ in range(6)} == {40.0}, "what the one that was killed had counted is kept"
    assert list(tmp_path.glob("contactory-metrics-*")) == []


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_ends_in_order_and_answers_first_what_it_has_accepted(
    name: str, world: World, sql: Sql, database_url: str, tmp_path: Path
) -> None:
    made, answers = world.alice.made(), list[httpx.Response]()
    with under(name, tmp_path / "server.log", database_url=database_url) as server, client_of(server) as http:
        alice = world.alice.at(http)
        asking = threading.Thread(
            target=lambda: answers.append(alice.patch(made["id"], {"lastName": "Late"}))
        )
        with sql_at(sql.url) as other:
            other.execute("begin")
            other.execute("select from contacts where id = $1 for update", made["id"])
            asking.start()
            until_waiting(sql)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            other.execute("commit")
            asking.join()
        server.process.wait(20)
    assert [answer.status_code for answer in answers] == [200]
    assert "Traceback" not in server.log.read_text()
