"""Clients that write without a pause, whatever happens to the server."""

import asyncio
import random
import threading
import time
from collections import deque
from types import TracebackType

from tests.durability.client import Answer, Cut, HttpConnection
from tests.durability.ledger import Ledger, Operation
from tests.servers import PATIENCE

CLIENTS = 64
READ_EVERY = 8


class Load:
    """CLIENTS clients at work in a thread of their own: `with Load(…) as load`.

    Client K sends operations of the ledger that write "field K", each to a contact drawn at random, and reads
    one now and then. Every second operation has an Idempotency-Key, and is sent again until it is answered.
    """

    def __init__(self, port: int, key: str, contacts: list[str], ledger: Ledger, seed: int) -> None:
        self._port = port
        self._key = key
        self._contacts = contacts
        self._ledger = ledger
        self._seed = seed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.unanswered: dict[int, float] = {}
        """When those operations were sent (by time.monotonic) whose connection broke before the answer."""
        self.broken_answers = 0
        """Answers that came in part only."""
        self.refused = 0
        """Answers that said "not now"."""
        self.strange: list[str] = []
        """Answers that nobody should get."""

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(20)

    def wait_for(self, more: int) -> float:
        """Returns once so many more operations have been acknowledged; gives the seconds that it took."""
        acknowledged, begun = self._ledger.acknowledged, time.monotonic()
        enough = len(acknowledged) + more
        while len(acknowledged) < enough:
            assert time.monotonic() - begun < PATIENCE, (
                f"{enough} acknowledged operations do not come, but {len(acknowledged)} came, "
                f"{self.refused} were refused, {len(self.unanswered)} not answered: {self.strange[:3]}"
            )
            time.sleep(0.01)
        return time.monotonic() - begun

    async def _run(self) -> None:
        clients = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        while not self._stopping.is_set():
            await asyncio.sleep(0.02)
        _, hanging = await asyncio.wait(clients, timeout=10)
        self.strange += [f"{len(hanging)} requests without an answer"] if hanging else []
        for client in hanging:
            client.cancel()

    async def _client(self, number: int) -> None:
        rng = random.Random(f"{self._seed} {number}")
        todo: deque[Operation] = deque()
        while not self._stopping.is_set():
            try:
                async with HttpConnection(self._port, self._key) as http:
                    while not (self._stopping.is_set() or http.closing):
                        await self._turn(http, rng, f"field {number}", todo)
            except (Cut, OSError):
                await asyncio.sleep(0.02)
            except Exception as error:
                self.strange.append(f"a client stumbled: {error!r}")
                await asyncio.sleep(0.1)

    async def _turn(
        self, http: HttpConnection, rng: random.Random, field: str, todo: "deque[Operation]"
    ) -> None:
        contact_id = rng.choice(self._contacts)
        if rng.randrange(READ_EVERY) == 0:
            await self._judge(await http.request("GET", f"/v1/contacts/{contact_id}"))
            return
        operation = todo.popleft() if todo else self._ledger.ask(contact_id, field)
        keyed = operation.number % 2
        headers = {"idempotency_key": f"operation-{operation.number}"} if keyed else {}
        path, sent = f"/v1/contacts/{operation.contact_id}", time.monotonic()
        if keyed:
            todo.append(operation)
        try:
            answer = await http.request("PATCH", path, operation.body, **headers)
        except Cut as cut:
            self.unanswered.setdefault(operation.number, sent)
            self.broken_answers += cut.begun
            raise
        if await self._judge(answer):
            self._ledger.acknowledge(operation, answer.version)
            todo.clear()

    async def _judge(self, answer: Answer) -> bool:
        """Whether the answer is a success."""
        if is_not_now(answer):
            self.refused += 1
            await asyncio.sleep(0.02)
        elif answer.status != 200:
            self.strange.append(f"{answer.status} {answer.body.decode()}")
            await asyncio.sleep(0.1)
        return answer.status == 200


def is_not_now(answer: Answer) -> bool:
    """Whether the answer is one to a request that may be sent again."""
    return (
        answer.status in (409, 503) and answer.retryable and answer.headers.get("retry-after", "").isdigit()
    )
