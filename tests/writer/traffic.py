"""Many clients at once, each with a connection of its own, and what the server counts meanwhile."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NamedTuple, TypeVar

import httpx

from tests.durability.client import HttpConnection

T = TypeVar("T")
PROOF = os.environ.get("CONTACTORY_PROOF") == "1"
_AT_ONCE = 100  # Connections that are being opened; a listen queue is not endless.


def scaled(ordinary: int, long: int) -> int:
    """How often something is tried: `long` with CONTACTORY_PROOF=1."""
    return long if PROOF else ordinary


async def connections(stack: AsyncExitStack, port: int, key: str, count: int) -> list[HttpConnection]:
    """Open connections, closed at the end of `stack`."""
    opened: list[HttpConnection] = []
    while len(opened) < count:
        some = [HttpConnection(port, key) for _ in range(min(_AT_ONCE, count - len(opened)))]
        opened += await asyncio.gather(*(stack.enter_async_context(each) for each in some))
    return opened


def swarm(port: int, key: str, clients: int, work: Callable[[int, HttpConnection], Awaitable[T]]) -> list[T]:
    """What `work` gives to each of so many clients, which do it at the same time."""

    async def run() -> list[T]:
        async with AsyncExitStack() as stack:
            opened = await connections(stack, port, key, clients)
            return await asyncio.gather(*(work(number, http) for number, http in enumerate(opened)))

    return asyncio.run(run())


def waiting_writes(url: str) -> int:
    """How many changes wait in the server, by its `/metrics`."""
    return _gauge(url, "contactory_writes_waiting")


def open_connections(url: str) -> int:
    """How many connections the server has, by its `/metrics`."""
    return _gauge(url, "contactory_connections")


def _gauge(url: str, name: str) -> int:
    found = re.search(rf"^{name} (\S+)$", httpx.get(f"{url}/metrics").text, re.MULTILINE)
    assert found
    return int(float(found[1]))


class BatchSizes(NamedTuple):
    """What `/metrics` says of the calls to the database that changed contacts, one by one or many at once."""

    calls: int
    changes: int

    @classmethod
    def of(cls, url: str) -> "BatchSizes":
        text = httpx.get(f"{url}/metrics").text
        found = dict(re.findall(r"^contactory_write_batch_size_(count|sum) (\S+)$", text, re.MULTILINE))
        return cls(int(float(found["count"])), int(float(found["sum"])))

    def since(self, before: "BatchSizes") -> "BatchSizes":
        return BatchSizes(self.calls - before.calls, self.changes - before.changes)
