"""Who may have a connection of a pool next: no workspace, and nothing slow, may have them all.

Those who wait get their turns by workspace, so that many requests of one do not hold up another one's. At
most half of the connections are in use for one workspace. What has proven slow has a still smaller share, for
all workspaces together and for each, because it also uses the processors of PostgreSQL.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from typing import NamedTuple, TypeAlias

from contactory.base.caches import LeastRecentlyUsed

SLOW = 0.05
"""Seconds of a connection from which on a use is slow."""
QUICK = SLOW / 4
"""A slow use is slow until it takes less than this: alone it is faster than beside many others."""
PATIENCE = 3.0
"""Seconds that a use waits for a connection."""
_SLOW_PATIENCE = 10.0
_REMEMBERED = 10_000


class Use(NamedTuple):
    """What a connection is for. Uses of one owner and one kind take about the same time."""

    owner: str | None = None
    """The id of the workspace, or of the account; None for the process itself, which has no limit."""
    kind: str = ""
    """Empty for what is bounded in another way: it never counts as slow."""


INTERNAL = Use()


class _Waiter:
    __slots__ = ("future", "use")

    def __init__(self, use: Use, future: "asyncio.Future[bool]") -> None:
        self.use = use
        self.future = future


_Queues: TypeAlias = "OrderedDict[str | None, deque[_Waiter]]"
"""Those who wait, by owner; the owner that was served longest ago comes first."""


class Shares:
    """The connections in use, and who waits for one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most // 2)
        self._most_slow = max(1, most // 4)
        self._most_slow_of_one = max(1, most // 8)
        self.used = 0
        self._of_one: Counter[str | None] = Counter()
        self._slow = 0
        self._slow_of_one: Counter[str | None] = Counter()
        self._proven: LeastRecentlyUsed[Use, bool] = LeastRecentlyUsed(_REMEMBERED)
        """The uses that took long when they were last measured."""
        self._quick_queues: _Queues = OrderedDict()
        self._slow_queues: _Queues = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many uses wait for a connection."""
        queues = (*self._quick_queues.values(), *self._slow_queues.values())
        return sum(not waiter.future.done() for queue in queues for waiter in queue)

    async def enter(self, use: Use) -> bool:
        """Waits for a share for `use`, and returns whether it counts as slow. Raises TimeoutError."""
        slow = self._is_slow(use)
        if self._may(use, slow):
            self._count(use, slow)
            return slow
        loop = asyncio.get_running_loop()
        waiter = _Waiter(use, loop.create_future())
        self._queue(waiter, slow)
        timer = loop.call_later(_SLOW_PATIENCE if slow else PATIENCE, _give_up, waiter.future)
        try:
            return await waiter.future
        except asyncio.CancelledError:
            if waiter.future.done() and not waiter.future.cancelled() and not waiter.future.exception():
                self.leave(use, waiter.future.result(), 0)  # Its turn came as the caller was cancelled.
            raise
        finally:
            timer.cancel()

    def leave(self, use: Use, slow: bool, seconds: float) -> None:
        """The use has ended, after so many seconds: the next ones get their turn."""
        self.used -= 1
        _decrease(self._of_one, use.owner)
        if slow:
            self._slow -= 1
            _decrease(self._slow_of_one, use.owner)
        if use.kind and seconds >= SLOW:
            self._proven.put(use, True)
        elif slow and 0 < seconds < QUICK:
            self._proven.drop(use)
        while (following := self._next()) is not None:
            waiter, slow = following
            self._count(waiter.use, slow)
            waiter.future.set_result(slow)

    def _is_slow(self, use: Use) -> bool:
        return bool(use.kind) and self._proven.get(use) is not None

    def _may(self, use: Use, slow: bool) -> bool:
        if self.used >= self._most:
            return False
        if use.owner is not None and self._of_one[use.owner] >= self._most_of_one:
            return False
        return not slow or (
            self._slow < self._most_slow and self._slow_of_one[use.owner] < self._most_slow_of_one
        )

    def _count(self, use: Use, slow: bool) -> None:
        self.used += 1
        self._of_one[use.owner] += 1
        if slow:
            self._slow += 1
            self._slow_of_one[use.owner] += 1

    def _queue(self, waiter: _Waiter, slow: bool) -> None:
        queues = self._slow_queues if slow else self._quick_queues
        queues.setdefault(waiter.use.owner, deque()).append(waiter)

    def _next(self) -> tuple[_Waiter, bool] | None:
        """The next one that may have a connection, taken from its queue, and whether it is slow."""
        if self.used >= self._most:
            return None
        # The slow ones twice: a look at the quick ones moves those that have proven slow since they came.
        for slow in (True, False, True):
            if slow and self._slow >= self._most_slow:
                continue
            found = self._first_of(self._slow_queues if slow else self._quick_queues, slow=slow)
            if found is not None:
                return found, slow
        return None

    def _first_of(self, queues: _Queues, *, slow: bool) -> _Waiter | None:
        for owner, queue in list(queues.items()):
            while queue:
                waiter = queue[0]
                if waiter.future.done():  # It has given up.
                    queue.popleft()
                elif self._is_slow(waiter.use) != slow:  # That has turned out since it came.
                    self._queue(queue.popleft(), not slow)
                else:
                    break
            if not queue:
                del queues[owner]
            elif self._may(queue[0].use, slow):
                queues.move_to_end(owner)
                return queue.popleft()
        return None


def _decrease(counts: Counter[str | None], owner: str | None) -> None:
    counts[owner] -= 1
    if not counts[owner]:
        del counts[owner]


def _give_up(future: "asyncio.Future[bool]") -> None:
    if not future.done():
        future.set_exception(TimeoutError())
