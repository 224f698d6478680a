"""The coalescing writer: changes that wait at the same moment share one statement and one commit.

Changes wait in a bounded queue per workspace. A few lanes, each with a connection of its own, take what is
there, from every workspace in turn, and never wait for more to come: a lone change goes straight through, and
the busier it gets, the more of them one commit carries.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from contactory.base.logs import log
from contactory.base.metrics import ERRORS
from contactory.rules.errors import Unavailable


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
Apply = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
PROMPT = 0.02
"""Seconds for which what comes waits for the lane at work, to share its next commit."""


class _Waiting(Generic[T, R]):
    __slots__ = ("future", "item", "key")

    def __init__(self, item: T, future: "asyncio.Future[R]") -> None:
        self.item = item
        self.key = item.key
        self.future = future


class Writer(Generic[T, R]):
    """Writes items through `lanes`, functions that each commit a batch and give its results in order.

    A result that is an exception is raised to its caller. A lane raises Apart (nothing kept, write them one
    by one) or a Problem (which every caller of the batch gets). A lane that gives another number of results
    has a fault: its callers get Unavailable. No more than `bound` items wait, nor more than half of that of
    one workspace.

    One lane at work is the rule, since two would halve the batches. Another one starts where a whole batch
    waits, or where the first is held up.
    """

    def __init__(self, lanes: Sequence[Apply[T, R]], batch: int, bound: int) -> None:
        self._lanes = lanes
        self._batch = batch
        self._bound = bound
        self._queues: OrderedDict[str, deque[_Waiting[T, R]]] = OrderedDict()
        self._queued = 0
        self._chains: dict[Hashable, deque[_Waiting[T, R]]] = {}
        self._counts: dict[str, int] = {}
        self._sleepers: list[asyncio.Future[None]] = []
        self._prompt = 0
        """Lanes that are at work and not held up."""
        self._tasks: list[asyncio.Task[None]] = []
        self.waiting = 0
        """Items that were accepted and are not answered yet."""

    def start(self) -> None:
        """Starts the lanes, in the running loop."""
        self._prompt = len(self._lanes)
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def stop(self) -> None:
        """Writes what was accepted, then ends the lanes."""
        while self.waiting:
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def put(self, item: T) -> "asyncio.Future[R]":
        """What becomes of `item`, once it is committed. Raises Unavailable at once where too much waits."""
        count = self._counts.get(item.workspace_id, 0)
        if self.waiting >= self._bound or count * 2 >= self._bound:
            raise Unavailable(
                "Too many changes are waiting to be written: slow down, and try again in a second."
            )
        self.waiting += 1
        self._counts[item.workspace_id] = count + 1
        waiting: _Waiting[T, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        chain = self._chains.get(waiting.key)
        if chain is None:
            self._chains[waiting.key] = deque()
            self._enqueue(waiting)
        else:
            chain.append(waiting)
        return waiting.future

    def _enqueue(self, waiting: _Waiting[T, R]) -> None:
        queue = self._queues.get(waiting.item.workspace_id)
        if queue is None:
            queue = self._queues[waiting.item.workspace_id] = deque()
        queue.append(waiting)
        self._queued += 1
        if self._prompt == 0 or self._queued >= self._batch:
            self._wake()

    def _wake(self) -> None:
        while self._sleepers:
            sleeper = self._sleepers.pop()
            if not sleeper.done():
                self._prompt += 1
                sleeper.set_result(None)
                return

    async def _work(self, lane: Apply[T, R]) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._queues:
                self._prompt -= 1
                sleeper = loop.create_future()
                self._sleepers.append(sleeper)
                await sleeper
            batch = self._take()
            held_up: list[bool] = []
            timer = loop.call_later(PROMPT, self._go_on_without, held_up)
            try:
                await self._write(lane, batch)
            except Exception as error:
                _report(type(error).__name__)
            finally:
                timer.cancel()
                self._prompt += len(held_up)
                for waiting in batch:
                    _answer(waiting.future, Unavailable())  # Where nothing has answered it: 503, never 200.
                    self._release(waiting)

    def _go_on_without(self, held_up: list[bool]) -> None:
        """The lane takes long: until it is done, another one takes what waits."""
        held_up.append(True)
        self._prompt -= 1
        if self._queues:
            self._wake()

    def _take(self) -> list[_Waiting[T, R]]:
        """Up to a batch of items, one of each workspace in turn."""
        batch: list[_Waiting[T, R]] = []
        while self._queues and len(batch) < self._batch:
            workspace_id, queue = self._queues.popitem(last=False)
            batch.append(queue.popleft())
            while queue and not self._queues and len(batch) < self._batch:  # Nobody else wants a turn.
                batch.append(queue.popleft())
            if queue:
                self._queues[workspace_id] = queue
        self._queued -= len(batch)
        return batch

    async def _write(self, lane: Apply[T, R], batch: list[_Waiting[T, R]]) -> None:
        try:
            results = await lane([waiting.item for waiting in batch])
        except Apart:
            if len(batch) == 1:
                _report("an item that was alone was refused as one of several")
                return
            for waiting in batch:
                await self._write(lane, [waiting])
        except Exception as error:
            for waiting in batch:
                _answer(waiting.future, _own(error))
        else:
            if len(results) != len(batch):
                _report(f"{len(results)} results of {len(batch)} items")
                return
            for waiting, result in zip(batch, results, strict=True):
                _answer(waiting.future, result)

    def _release(self, waiting: _Waiting[T, R]) -> None:
        """The item is answered: the next one of its key may be written."""
        item = waiting.item
        self.waiting -= 1
        left = self._counts[item.workspace_id] - 1
        if left:
            self._counts[item.workspace_id] = left
        else:
            del self._counts[item.workspace_id]
        chain = self._chains[waiting.key]
        if chain:
            self._enqueue(chain.popleft())
        else:
            del self._chains[waiting.key]


def _report(why: str) -> None:
    """A lane has a fault. The callers that it did not answer get Unavailable, and it goes on."""
    ERRORS.inc()
    log.error("writer", error=why)


def _answer(future: "asyncio.Future[R]", result: R | Exception) -> None:
    if future.done():
        return  # Its caller has gone.
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _own(error: Exception) -> Exception:
    """An exception for one caller: raised in several places, one object would gather all their tracebacks.

    It does not hold the first one, by whose frames the callers' futures, and so it itself, would be kept.
    """
    # Not by copy.copy, which calls the class with `args`: not every class takes what it hands on.
    try:
        own = type(error).__new__(type(error), *error.args)
    except TypeError:
        return error
    own.__dict__.update(error.__dict__)
    return own
