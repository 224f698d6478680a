"""The coalescing writer: changes that wait at the same moment share one statement and one commit.

Changes wait in a bounded queue per workspace. A few lanes, each with its own connection, take the waiting
changes from all workspaces in turn, and never wait for more: a single change is written at once, and on a
busy server one commit has many changes.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from contactory.base.logs import log
from contactory.base.metrics import ERRORS
from contactory.rules.errors import Unavailable


class Item(Protocol):
    """An item for a writer."""

    workspace_id: str

    @property
    def key(self) -> Hashable:
        """Items with the same key are written one after the other, in the order of their arrival."""
        ...


class Apart(Exception):
    """A batch was refused because of one item, and nothing was stored: each item must be written alone."""


T = TypeVar("T", bound=Item)
R = TypeVar("R")
Apply = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
PROMPT = 0.02
"""Seconds for which new items wait for the running lane, to share its next commit."""
_FULL = "Too many changes are waiting to be written: slow down, and try again in a second."


_OPEN = object()
"""In place of a result that is not there yet."""


class _Waiting(Generic[T, R]):
    """An item whose caller waits for it alone."""

    __slots__ = ("future", "item", "key")

    def __init__(self, item: T, future: "asyncio.Future[Any]") -> None:
        self.item = item
        self.key = item.key
        self.future = future

    @property
    def is_open(self) -> bool:
        """Whether the caller waits for an answer."""
        return not self.future.done()

    def answer(self, result: R | Exception) -> None:
        """Gives the caller the result, unless the caller has one or was cancelled."""
        if not self.is_open:
            return
        if isinstance(result, Exception):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class _OneOfMany(_Waiting[T, R]):
    """An item of a caller that waits for several: the last result completes the future of all."""

    __slots__ = ("place", "results")

    def __init__(self, item: T, results: "_Results[R]", place: int) -> None:
        super().__init__(item, results.future)
        self.results = results
        self.place = place

    @property
    def is_open(self) -> bool:
        return self.results.each[self.place] is _OPEN

    def answer(self, result: R | Exception) -> None:
        results = self.results
        if results.each[self.place] is _OPEN:
            results.each[self.place] = result
            results.missing -= 1
            if not results.missing and not self.future.done():
                self.future.set_result(results.each)


class _Results(Generic[R]):
    """The results of several items, and the future that gets all of them."""

    __slots__ = ("each", "future", "missing")

    def __init__(self, count: int) -> None:
        self.each: list[Any] = [_OPEN] * count
        self.future: asyncio.Future[list[R | Exception]] = asyncio.get_running_loop().create_future()
        self.missing = count


class Writer(Generic[T, R]):
    """Writes items through `lanes`, functions that commit a batch and return its results in order.

    A result that is an exception is raised to its caller. A lane raises Apart (nothing stored, write the
    items one by one) or a Problem (for every caller of the batch). A lane that returns another number of
    results is faulty: its callers get Unavailable. At most `bound` items wait, and half as many of one
    workspace.

    Usually one lane runs, because two would halve the batches. Another one starts if a whole batch waits, or
    if the first is held up.
    """

    def __init__(self, lanes: Sequence[Apply[T, R]], batch: int, bound: int) -> None:
        self._lanes = lanes
        self._batch = batch
        self._bound = bound
        self._queues: OrderedDict[str, deque[_Waiting[T, R]]] = OrderedDict()
        self._queued = 0
        self._chains: dict[Hashable, deque[_Waiting[T, R]] | None] = {}
        """The items that wait for an earlier one with their key; None where none waits."""
        self._counts: dict[str, int] = {}
        self._sleepers: list[asyncio.Future[None]] = []
        self._prompt = 0
        """Running lanes that are not held up."""
        self._tasks: list[asyncio.Task[None]] = []
        self.waiting = 0
        """Accepted items that are not answered yet."""

    def start(self) -> None:
        """Starts the lanes, in the running loop."""
        self._prompt = len(self._lanes)
        self._tasks = [asyncio.create_task(self._work(lane)) for lane in self._lanes]

    async def stop(self) -> None:
        """Writes the accepted items, then ends the lanes."""
        while self.waiting:
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def put(self, item: T) -> "asyncio.Future[R]":
        """The result of `item` after its commit. Raises Unavailable at once if too many items wait."""
        if not self._has_room(item.workspace_id):
            raise Unavailable(_FULL)
        waiting: _Waiting[T, R] = _Waiting(item, asyncio.get_running_loop().create_future())
        self._accept(waiting)
        return waiting.future

    def put_many(self, items: Sequence[T]) -> "asyncio.Future[list[R | Exception]]":
        """The results of `items`, in order, as soon as all are there; an exception in place of each refusal.

        Items for which there is no room are refused with Unavailable, the others are written.
        """
        results: _Results[R] = _Results(len(items))
        for place, item in enumerate(items):
            waiting = _OneOfMany(item, results, place)
            if self._has_room(item.workspace_id):
                self._accept(waiting)
            else:
                waiting.answer(Unavailable(_FULL))
        if not items:
            results.future.set_result([])
        return results.future

    def _has_room(self, workspace_id: str) -> bool:
        return self.waiting < self._bound and self._counts.get(workspace_id, 0) * 2 < self._bound

    def _accept(self, waiting: _Waiting[T, R]) -> None:
        workspace_id = waiting.item.workspace_id
        self.waiting += 1
        self._counts[workspace_id] = self._counts.get(workspace_id, 0) + 1
        if waiting.key not in self._chains:
            self._chains[waiting.key] = None
            self._enqueue(waiting)
            return
        chain = self._chains[waiting.key]
        if chain is None:
            self._chains[waiting.key] = deque([waiting])
        else:
            chain.append(waiting)

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
                    if waiting.is_open:
                        waiting.answer(Unavailable())  # 503, never 200.
                    self._release(waiting)

    def _go_on_without(self, held_up: list[bool]) -> None:
        """The lane is slow: until it has finished, another one takes the waiting items."""
        held_up.append(True)
        self._prompt -= 1
        if self._queues:
            self._wake()

    def _take(self) -> list[_Waiting[T, R]]:
        """Up to a batch of items, from the workspaces in turn."""
        batch: list[_Waiting[T, R]] = []
        while self._queues and len(batch) < self._batch:
            workspace_id, queue = self._queues.popitem(last=False)
            batch.append(queue.popleft())
            while queue and not self._queues and len(batch) < self._batch:  # No other workspace waits.
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
                waiting.answer(_own(error))
        else:
            if len(results) != len(batch):
                _report(f"{len(results)} results of {len(batch)} items")
                return
            for waiting, result in zip(batch, results, strict=True):
                waiting.answer(result)

    def _release(self, waiting: _Waiting[T, R]) -> None:
        """The item is answered: the next item with its key may be written."""
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
    """A lane is faulty. The callers without an answer get Unavailable, and the lane continues."""
    ERRORS.inc()
    log.error("writer", error=why)


def _own(error: Exception) -> Exception:
    """An exception for one caller: one object raised in several places would collect all their tracebacks.

    It does not refer to the first one, whose frames would keep the callers' futures and so itself alive.
    """
    # Not copy.copy, which calls the class with `args`: some classes have other parameters.
    try:
        own = type(error).__new__(type(error), *error.args)
    except TypeError:
        return error
    own.__dict__.update(error.__dict__)
    return own
