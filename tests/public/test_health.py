"""`/health/ready`: what many probes cost. What it says while the database is away: test_database_away.py."""

import http.client
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers import running
from tests.statements import counted

_LOOK = "select number, name, checksum from schema_migrations"


def probe(port: int, times: int) -> set[int]:
    """Asks so many times on one connection; gives the statuses of the answers."""
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    statuses: set[int] = set()
    for _ in range(times):
        asking.request("GET", "/health/ready")
        answer = asking.getresponse()
        statuses.add(answer.status)
        answer.read()
    asking.close()
    return statuses


def test_a_thousand_probes_ask_the_database_once_a_second_at_most(database_url: str, tmp_path: Path) -> None:
    with (
        counted(database_url) as statements,
        running(tmp_path / "server.log", database_url=statements.url) as server,
    ):
        before, begun = statements.since(), time.monotonic()
        with ThreadPoolExecutor(10) as pool:
            assert list(pool.map(lambda _: probe(server.port, 100), range(10))) == [{200}] * 10
        seconds = math.ceil(time.monotonic() - begun)
        looks = statements.since(before)[_LOOK]
        assert looks <= seconds + 1


def test_a_look_is_repeated_when_it_is_a_second_old(database_url: str, tmp_path: Path) -> None:
    with (
        counted(database_url) as statements,
        running(tmp_path / "server.log", database_url=statements.url) as server,
    ):
        before = statements.since()
        for _ in range(3):
            time.sleep(1.1)
            assert server.answers("/health/ready")
        assert statements.since(before)[_LOOK] == 3
