"""The connection to PostgreSQL breaks around a commit, so that nobody knows whether it happened."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.durability.client import Answer, HttpConnection
from tests.durability.load import is_not_now
from tests.durability.proxy import Cut, CuttingProxy
from tests.servers import Sql, running
from tests.world import Caller, World

CLIENTS = 8


class Client:
    """Writes to a contact of its own, each change until it is answered with success."""

    def __init__(self, number: int, caller: Caller, port: int, proxy: CuttingProxy) -> None:
        self._number = number
        self._proxy = proxy
        self._port = port
        self._key = caller.key
        self._path = f"/v1/contacts/{caller.made()['id']}"
        self.written: dict[str, int] = {}
        """The version that was answered, by the first name that was written."""
        self.answers: Counter[str] = Counter()

    async def work(self) -> None:
        """Until every cut has been made, and at least once in each way."""
        ways = (self.change, self.change_with_a_key, self.create_with_a_key)
        async with HttpConnection(self._port, self._key) as http:
            turn = 0
            while turn < len(ways) or not self._proxy.done:
                await ways[turn % len(ways)](http, f"{self._number} {turn}")
                turn += 1

    async def change(self, http: HttpConnection, name: str) -> None:
        while name not in self.written:
            await self._attempt(http, "PATCH", self._path, name)

    async def change_with_a_key(self, http: HttpConnection, name: str) -> None:
        """After a failure something else is written first, which a second application would overwrite."""
        while name not in self.written:
            answer = await self._attempt(http, "PATCH", self._path, name, idempotency_key=name)
            if answer.status != 200:
                await self.change(http, f"between {name}")

    async def create_with_a_key(self, http: HttpConnection, name: str) -> None:
        while name not in self.written:
            await self._attempt(http, "POST", "/v1/contacts", name, idempotency_key=name)

    async def _attempt(
        self, http: HttpConnection, method: str, path: str, name: str, **headers: str
    ) -> Answer:
        body: dict[str, Any] = {"firstName": name}
        if len(name) % 2:  # A new tag takes another path through the code.
            body["tags"] = [f"tag {name}"]
        answer = await asyncio.wait_for(http.request(method, path, body, **headers), 15)
        in_flight = answer.status == 409 and answer.retryable and "idempotency_key" in headers
        assert answer.status in (200, 201) or is_not_now(answer) or in_flight, answer
        self.answers[str(answer.status)] += 1
        self.answers["replayed"] += "idempotency-replayed" in answer.headers
        if answer.status in (200, 201):
            self.written[name] = answer.version
        else:
            await asyncio.sleep(0.02)
        return answer


def events(sql: Sql, workspace_id: str) -> dict[str, list[int]]:
    """The versions that were reached by writing a first name, by that name."""
    rows = sql.fetch("select version, changes from contact_events where workspace_id = $1", workspace_id)
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(json.loads(row["changes"])["firstName"][1], []).append(row["version"])
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("workers", [1, 3])
def test_a_cut_around_a_commit_loses_nothing_and_doubles_nothing(
    workers: int,
    world: World,
    database_url: str,
    long: bool,
    seed: int,
    progress: Callable[[str], None],
    tmp_path: Path,
) -> None:
    plan = [*Cut] * (100 if long else 30)
    random.Random(seed).shuffle(plan)
    with (
        CuttingProxy(database_url, plan, seed) as proxy,
        running(tmp_path / "server.log", database_url=proxy.url, workers=workers) as server,
    ):
        clients = [Client(number, world.alice, server.port, proxy) for number in range(CLIENTS)]

        async def work() -> None:
            await asyncio.gather(*(client.work() for client in clients))

        asyncio.run(work())
    answers: Any = sum((client.answers for client in clients), Counter[str]())
    progress(f"{proxy.cuts.total()} cuts, answers {dict(answers)}")
    found = events(world.sql, world.acme)
    written = {name: [version] for client in clients for name, version in client.written.items()}
    assert {name: found.pop(name) for name in written} == written
    assert {*found} == {"Jane"}
    assert proxy.cuts == Counter(plan)
    assert answers["503"] >= len(plan)
    assert answers["replayed"] > 0
