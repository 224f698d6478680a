"""Reads that are shared: by whom they may be, and by whom not."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from contactory.base.caches import SharedReads


class Source:
    """Something that changes, and whose reads take as long as the test wants."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.gate = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        seen = self.value  # As of a snapshot at the beginning.
        await self.gate.wait()
        return seen


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


async def turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_those_who_come_before_a_read_begins_share_it() -> None:
    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()
        source = Source()
        source.gate.set()
        assert await asyncio.gather(*(reads.get("a", source.read) for _ in range(10))) == [0] * 10
        assert source.reads == 1

    run(work())


def test_whoever_comes_later_sees_what_was_written_before_they_came() -> None:
    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()
        source = Source()
        first = asyncio.create_task(reads.get("a", source.read))
        await turn()
        assert source.reads == 1
        source.value = 1
        later = [asyncio.create_task(reads.get("a", source.read)) for _ in range(10)]
        await turn()
        source.gate.set()
        assert await first == 0
        assert await asyncio.gather(*later) == [1] * 10
        assert source.reads == 2

    run(work())


def test_nobody_waits_long_for_a_slow_read_of_others() -> None:
    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()
        slow, quick = Source(), Source()
        quick.gate.set()
        first = asyncio.create_task(reads.get("a", slow.read))
        await turn()
        assert await reads.get("a", quick.read) == 0
        assert not first.done()
        slow.gate.set()
        assert await first == 0

    run(work())


def test_different_reads_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SharedReads, "PATIENCE", 1000)

    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()
        slow, quick = Source(), Source()
        quick.gate.set()
        first = asyncio.create_task(reads.get("a", slow.read))
        await turn()
        await reads.get("b", quick.read)
        assert not first.done()
        slow.gate.set()
        await first

    run(work())


def test_an_error_reaches_everybody_and_stays_with_nobody() -> None:
    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()

        async def failing() -> int:
            raise LookupError

        found = await asyncio.gather(*(reads.get("a", failing) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in found] == [LookupError] * 3
        source = Source()
        source.gate.set()
        assert await reads.get("a", source.read) == 0

    run(work())


def test_who_gives_up_takes_the_read_from_nobody() -> None:
    async def work() -> None:
        reads: SharedReads[str, int] = SharedReads()
        source = Source()
        first = asyncio.create_task(reads.get("a", source.read))
        second = asyncio.create_task(reads.get("a", source.read))
        await turn()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        source.gate.set()
        assert await second == 0
        assert source.reads == 1

    run(work())
