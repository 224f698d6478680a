"""The coalescing writer: changes that wait at the same moment share one statement and one commit.

Changes wait in a bounded queue per workspace. A few lanes, each with a connection of its own, take what is
there, at once and from every workspace in turn, and never wait for more to come: a lone change goes straight
through, and the busier it gets, the more of them one commit carries.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from contactory.errors import Unavailable


class Item(Protocol):
    """What a writer writes."""

    workspace_id: str

    @property
    def key(self) -> Hashable:
        """Items of one key are written one after the other, in the order they came."""
        ...


class Apart(Exception):
    """A batch was refused because of one of its items, and nothing was kept: each has to be written alone."""


T = TypeVar("T", bound=Item)
R = TypeVar("R")
Apply = Callable[[Sequence[T]], Awaitable[Sequence[R]]]


class _Waiting(Generic[T, R]):
    __slots__ = ("future", "item")

    def __init__(self, item: T, future: "asyncio.Future[R]") -> None:
        self.item = item
        self.future = future


class Writer(Generic[T, R]):
    """Writes items through `lanes`, functions that each commit a batch and give its results in order.

    A lane raises Apart (nothing kept, write them one by one) or a Problem (which every caller of the batch
    gets). No more than `bound` items wait, nor more than half of that of one workspace.
    """

    def __init__(self, lanes: Sequence[Apply[T, R]], batch: int, bound: int) -> None:
        self._lanes = lanes
        self._batch = batch
        self._bound = bound
        self._queues: OrderedDict[str, deque[_Waiting[T, R]]] = OrderedDict()
        self._chains: dict[Hashable, deque[_Waiting[T, R]]] = {}
        self._counts: dict[str, int] = {}
        self._wakers: list[asyncio.Future[None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.waiting = 0
        """Items that were accepted and are not answered yet."""

    def start(self) -> None:
        """Starts the lanes, in the running loop."""
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def stop(self) -> None:
        """Writes what was accepted, then ends the lanes."""
        while self.waiting:
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(self, item: T) -> R:
        """What became of `item`, once it is committed. Raises Unavailable at once where too much waits."""
        return await self.put(item)

    def put(self, item: T) -> "asyncio.Future[R]":
        """As submit, for a caller that has several to put before it waits for the first."""
        count = self._counts.get(item.workspace_id, 0)
        if self.waiting >= self._bound or count * 2 >= self._bound:
            raise Unavailable(
                "Too many changes are waiting to be written: slow down, and try again in a second."
            )
        self.waiting += 1
        self._counts[item.workspace_id] = count + 1
        waiting: _Waiting[T, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        chain = self._chains.get(item.key)
        if chain is None:
            self._chains[item.key] = deque()
            self._enqueue(waiting)
        else:
            chain.append(waiting)
        return waiting.future

    def _enqueue(self, waiting: _Waiting[T, R]) -> None:
        self._queues.setdefault(waiting.item.workspace_id, deque()).append(waiting)
        if self._wakers:
            waker = self._wakers.pop()
            if not waker.done():
                waker.set_result(None)

    async def _work(self, lane: Apply[T, R]) -> None:
        while True:
            while not self._queues:
                waker = asyncio.get_running_loop().create_future()
                self._wakers.append(waker)
                await waker
            batch = self._take()
            try:
                await self._write(lane, batch)
            finally:
                for waiting in batch:
                    self._release(waiting)

    def _take(self) -> list[_Waiting[T, R]]:
        """Up to a batch of items, one of each workspace in turn."""
        batch: list[_Waiting[T, R]] = []
        while self._queues and len(batch) < self._batch:
            workspace_id, queue = self._queues.popitem(last=False)
            batch.append(queue.popleft())
            if queue:
                self._queues[workspace_id] = queue
        return batch

    async def _write(self, lane: Apply[T, R], batch: list[_Waiting[T, R]]) -> None:
        try:
            results = await lane([waiting.item for waiting in batch])
        except Apart:
            for waiting in batch:
                await self._write(lane, [waiting])
        except Exception as error:
            for waiting in batch:
                if not waiting.future.done():
                    waiting.future.set_exception(_own(error))
        else:
            for waiting, result in zip(batch, results, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(result)

    def _release(self, waiting: _Waiting[T, R]) -> None:
        """The item is answered: the next one of its key may be written."""
        item = waiting.item
        self.waiting -= 1
        left = self._counts[item.workspace_id] - 1
        if left:
            self._counts[item.workspace_id] = left
        else:
            del self._counts[item.workspace_id]
        chain = self._chains[item.key]
        if chain:
            self._enqueue(chain.popleft())
        else:
            del self._chains[item.key]


def _own(error: Exception) -> Exception:
    """An exception for one caller: raised in several places, one object would gather all their tracebacks."""
    # Not by copy.copy, which calls the class with `args`: not every class takes what it hands on.
    own = type(error).__new__(type(error), *error.args)
    own.__dict__.update(error.__dict__)
    own.__cause__ = error
    return own
