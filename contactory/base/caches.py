"""Caches: recently used values, lookups and reads that several callers share, and expensive results."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LeastRecentlyUsed(Generic[K, V]):
    """Keeps up to `most` values."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The cached value of `key`, or None."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Stores `value`."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forgets the value of `key`."""
        self._kept.pop(key, None)


class SingleFlight(Generic[K, V]):
    """Lookups in progress: a caller that needs the same key waits for the result of the running lookup."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, look_up: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The result of the lookup for `key`, or its error; it continues when a caller is cancelled."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(look_up())
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: K, flight: asyncio.Task[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # Retrieved, so that asyncio does not report it if no caller is left.

    def forget(self) -> None:
        """The running lookups may be out of date: the next caller starts a new one."""
        self._flights.clear()


class SharedReads(Generic[K, V]):
    """Reads of data that changes all the time: callers that ask for the same at the same moment share one.

    Only callers that came before a read began share it, so that each one sees everything that was written
    before it asked. A caller that comes during a read waits for the next one, which begins when the running
    one has ended, or after `PATIENCE` if that is slow.
    """

    PATIENCE = 0.02
    """Seconds."""

    def __init__(self) -> None:
        self._next: dict[K, asyncio.Task[V]] = {}
        self._latest: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, read: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The result of a read for `key`, or its error; the read continues when a caller is cancelled."""
        coming = self._next.get(key)
        if coming is None:
            coming = self._next[key] = asyncio.create_task(self._run(key, read, self._latest.get(key)))
            coming.add_done_callback(lambda done: self._end(key, done))
        return await asyncio.shield(coming)

    async def _run(
        self, key: K, read: Callable[[], Coroutine[Any, Any, V]], before: "asyncio.Task[V] | None"
    ) -> V:
        try:
            if before is not None:
                await asyncio.wait([before], timeout=self.PATIENCE)
        finally:
            self._latest[key] = self._next.pop(key)
        return await read()

    def _end(self, key: K, done: asyncio.Task[V]) -> None:
        if self._latest.get(key) is done:
            del self._latest[key]
        if not done.cancelled():
            done.exception()  # Retrieved, so that asyncio does not report it if no caller is left.


_SHARE = 50
_LONGEST = 60.0


class Costly(Generic[K]):
    """Caches slow results; the slower a result was, the longer it is cached.

    A result is valid for fifty times as long as it took, and for a minute at most. So fast results are always
    fresh, and slow ones use at most a fiftieth of the time, however many callers ask.
    """

    def __init__(self, most: int) -> None:
        self._kept: LeastRecentlyUsed[K, tuple[float, Any]] = LeastRecentlyUsed(most)
        self._flights: SingleFlight[K, Any] = SingleFlight()

    async def get(self, key: K, find: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The cached result for `key`, otherwise the result or error of `find`."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]

        async def look_up() -> V:
            begun = time.monotonic()
            found = await find()
            took = time.monotonic() - begun
            self._kept.put(key, (begun + took + min(took * _SHARE, _LONGEST), found))
            return found

        return await self._flights.get(key, look_up)
