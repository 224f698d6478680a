"""Caches: what was used lately, lookups and reads that many wait for, and what it costs much to find out."""

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
        """The value kept for `key`, or None."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keeps `value`."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forgets the value of `key`."""
        self._kept.pop(key, None)


class SingleFlight(Generic[K, V]):
    """Lookups under way: whoever wants what is being looked up already waits for that answer."""

    def __init__(self) -> None:
        self._flights: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, look_up: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What the lookup for `key` gives, or raises; it goes on when a caller no longer waits."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(look_up())
            flight.add_done_callback(lambda done: self._land(key, done))
        return await asyncio.shield(flight)

    def _land(self, key: K, flight: asyncio.Task[V]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # Not to be reported where nobody waits any more.

    def forget(self) -> None:
        """What is being looked up may be out of date: whoever comes next starts a lookup of their own."""
        self._flights.clear()


class SharedReads(Generic[K, V]):
    """Reads of what changes all the time: who asks for the same at the same moment shares one.

    A read is shared only by those who came before it began, so that everybody sees what was written before
    they asked. Who comes while one is under way waits for the next, which begins when that one has ended, or
    after `PATIENCE` where it is slow.
    """

    PATIENCE = 0.02
    """Seconds."""

    def __init__(self) -> None:
        self._next: dict[K, asyncio.Task[V]] = {}
        self._latest: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, read: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What a read for `key` gives, or raises; it goes on when a caller no longer waits."""
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
            done.exception()  # Not to be reported where nobody waits any more.


_SHARE = 50
_LONGEST = 60.0


class Costly(Generic[K]):
    """Keeps what takes long to find out, and that for the longer the longer it took.

    An answer is good for fifty times as long as finding it took, a minute at most: what is found at once is
    always fresh, and what is not takes no more than a fiftieth of anybody's time, however many ask.
    """

    def __init__(self, most: int) -> None:
        self._kept: LeastRecentlyUsed[K, tuple[float, Any]] = LeastRecentlyUsed(most)
        self._flights: SingleFlight[K, Any] = SingleFlight()

    async def get(self, key: K, find: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """What is kept for `key`, else what `find` gives or raises."""
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
