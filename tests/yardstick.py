"""What work costs, as a multiple of good work measured beside it: no test knows how fast its machine is."""

import gc
import json
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

Work = Callable[[], object]

_CONTACT = {
    "firstName": "Jane",
    "phone": None,
    "doNotContact": False,
    "tags": ["vip", "lead"],
    "customFields": {"Company": "Acme", "MRR": 19.5},
}
_BODY = json.dumps([_CONTACT] * 8192)


def good_work() -> int:
    """Reads a mebibyte of JSON and looks at every value: a fixed amount of C and of Python, some 20 ms."""
    return _size(json.loads(_BODY))


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(len(name) + _size(inner) for name, inner in value.items())
    if isinstance(value, list):
        return sum(map(_size, value))
    return len(value) if isinstance(value, str) else 1


def times(
    work: Work, beside: Work = good_work, *, clock: Callable[[], float] = time.thread_time, rounds: int = 5
) -> float:
    """How many times as much as `beside` it takes to do `work`, by a clock of processor seconds.

    Both are done in turns, and the least of each counts, since others use the same processors and caches.
    The clock is this thread's, or `server.processor_seconds` for what a server does.
    """
    with _undisturbed():
        pairs = [(_seconds(work, clock), _seconds(beside, clock)) for _ in range(rounds)]
    least, least_beside = map(min, zip(*pairs, strict=True))
    return least / least_beside


def _seconds(work: Work, clock: Callable[[], float]) -> float:
    begun = clock()
    work()
    return clock() - begun


@contextmanager
def _undisturbed() -> Generator[None]:
    """Without what counts lines (coverage), which slows Python but not C, and without collecting garbage."""
    tracer, collects = sys.gettrace(), gc.isenabled()
    sys.settrace(None)
    gc.disable()
    try:
        yield
    finally:
        sys.settrace(tracer)
        if collects:
            gc.enable()
