"""A lane that does not do as it should: its callers are answered all the same, and it goes on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from contactory.base.metrics import ERRORS
from contactory.contacts.write.queue import Apart, Writer
from contactory.rules.errors import Unavailable


@dataclass
class Item:
    """A change of one contact."""

    number: int
    workspace_id: str = "w"

    @property
    def key(self) -> int:
        return self.number


class Stubborn(Exception):
    """An error that cannot be made a second time from what it was made of."""

    def __new__(cls, *, why: str) -> "Stubborn":
        return super().__new__(cls)

    def __init__(self, *, why: str) -> None:
        super().__init__()


class Faulty:
    """A lane that does one thing wrong, the first time."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._calls = 0

    async def __call__(self, items: Sequence[Item]) -> Any:
        self._calls += 1
        numbers = [item.number for item in items]
        if self._calls > 1:
            return numbers
        match self._fault:
            case "fewer results than items":
                return numbers[:-1]
            case "more results than items":
                return [*numbers, 0]
            case "no list":
                return None
            case "refuses one as several":
                raise Apart
            case "an error that cannot be copied":
                raise Stubborn(why="so")
            case _:
                raise asyncio.CancelledError


def counted() -> int:
    """Unexpected errors so far."""
    return int(ERRORS.numbers()[0])


async def _served(fault: str, count: int) -> tuple[list[Any], Any, int]:
    """What the callers of the first batch get, then that of the next, and how many still wait."""
    writer: Writer[Item, int] = Writer([Faulty(fault)], batch=10, bound=100)
    writer.start()
    first = await asyncio.gather(
        *(writer.put(Item(number)) for number in range(1, count + 1)), return_exceptions=True
    )
    then = await writer.put(Item(7))
    await writer.stop()
    return first, then, writer.waiting


@pytest.mark.parametrize(
    ("fault", "count"),
    [
        ("fewer results than items", 3),
        ("fewer results than items", 1),
        ("more results than items", 3),
        ("no list", 2),
        ("refuses one as several", 1),
    ],
)
def test_a_fault_of_a_lane_is_answered_counted_and_over(fault: str, count: int) -> None:
    before = counted()
    first, then, waiting = asyncio.run(asyncio.wait_for(_served(fault, count), 10))
    assert [type(each) for each in first] == [Unavailable] * count
    assert (then, waiting) == (7, 0)
    assert counted() == before + 1


def test_an_error_that_cannot_be_copied_reaches_every_caller() -> None:
    first, then, _ = asyncio.run(asyncio.wait_for(_served("an error that cannot be copied", 3), 10))
    assert [type(each) for each in first] == [Stubborn] * 3
    assert then == 7


def test_the_callers_of_a_lane_that_is_ended_are_answered() -> None:
    async def work() -> list[Any]:
        writer: Writer[Item, int] = Writer([Faulty("cancelled")], batch=10, bound=100)
        writer.start()
        return await asyncio.gather(*(writer.put(Item(n)) for n in range(3)), return_exceptions=True)

    assert [type(each) for each in asyncio.run(asyncio.wait_for(work(), 10))] == [Unavailable] * 3
