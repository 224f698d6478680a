"""The memory of all connections of one server process together, and what is dropped above the limits."""

from collections import Counter
from typing import Protocol

from contactory.rules.errors import Unavailable
from contactory.web.messages import Request

SMALL_BODY = 16 * 1024
"""A body up to this size is not counted, so that large ones cannot block it."""
_TOO_LARGE_TOGETHER = "Too many large bodies are being sent at the moment: try again in a second."


BODIES_BYTES = 64 << 20


def largest_together(largest: int) -> int:
    """Bytes of large bodies that the requests at work may hold: four of the `largest` one, at least."""
    return max(BODIES_BYTES, 4 * largest)


class ByteBudget:
    """The bytes that all connections may use for one purpose."""

    __slots__ = ("_limit", "_taken")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    def take(self, size: int) -> bool:
        """Adds a number of bytes, or subtracts them. True within the limit."""
        self._taken += size
        return self._taken <= self._limit


class Bodies:
    """The bodies of requests that are not answered yet. A large one above the limit is refused."""

    def __init__(self, limit: int) -> None:
        self._budget = ByteBudget(limit)

    def count(self, request: Request) -> None:
        """More of the body has arrived, or it was dropped. Call it only above SMALL_BODY."""
        within = self._budget.take(request.kept - request.counted)
        request.counted = request.kept
        if request.kept and not within:
            request.fail(Unavailable(_TOO_LARGE_TOGETHER))
            self.let_go(request)

    def let_go(self, request: Request) -> None:
        """The body is not needed any more, nor its bytes that still arrive."""
        request.drop()
        if request.counted:
            self.count(request)


class Recipient(Protocol):
    """A connection whose client has not read its answer."""

    def cut(self) -> None:
        """Ends the connection at once."""
        ...


class Unread:
    """Answers that wait for their clients, the longest wait first; a shared answer is counted once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._answers: dict[Recipient, bytes] = {}
        self._sharers: Counter[int] = Counter()

    def add(self, recipient: Recipient, answer: bytes) -> None:
        """The answer waits. Above the limit, the connections that have waited longest are cut."""
        self._answers[recipient] = answer
        if not self._sharers[id(answer)]:
            self._size += len(answer)
        self._sharers[id(answer)] += 1
        while self._size > self._limit and len(self._answers) > 1:
            slowest = next(iter(self._answers))
            self.remove(slowest)
            slowest.cut()

    def renew(self, recipient: Recipient) -> None:
        """Some of the answer was read."""
        if recipient in self._answers:
            self._answers[recipient] = self._answers.pop(recipient)

    def remove(self, recipient: Recipient) -> None:
        """The answer was read, or will never be read."""
        answer = self._answers.pop(recipient, None)
        if answer is None:
            return
        self._sharers[id(answer)] -= 1
        if not self._sharers[id(answer)]:
            del self._sharers[id(answer)]
            self._size -= len(answer)
