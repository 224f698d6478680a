"""The writer in ten thousand seeded worlds, each with its own faults.

`CONTACTORY_SEED=4711 pytest -s tests/writer/test_simulated.py` runs that one alone and shows all of it.
"""

import asyncio
import os
from collections import deque
from typing import Any

import pytest

from contactory.contacts.write.queue import Apart, Writer
from tests.writer.promises import Broken, check
from tests.writer.simulation import Simulation, Stuck

SEEDS = 10_000
CHUNK = 1_000
_one = os.environ.get("CONTACTORY_SEED")
CHUNKS = [range(int(_one), int(_one) + 1)] if _one else [range(n, n + CHUNK) for n in range(0, SEEDS, CHUNK)]


def run(seed: int, writer: type[Any] = Writer) -> Simulation:
    """A run that kept every promise. Raises Broken or Stuck."""
    simulation = Simulation(seed, writer)
    simulation.run()
    check(simulation)
    return simulation


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"from {seeds.start}")
def test_the_writer_keeps_its_promises(seeds: range) -> None:
    for seed in seeds:
        try:
            simulation = run(seed)
        except (Broken, Stuck) as broken:
            raise AssertionError(f"CONTACTORY_SEED={seed} shows it again: {broken}") from broken
        if _one:
            print(*simulation.events, sep="\n")  # noqa: T201


def test_a_seed_gives_the_same_run_again() -> None:
    assert [run(seed).events for seed in range(20)] == [run(seed).events for seed in range(20)]


def test_the_runs_have_everything_in_them_that_is_worth_a_check() -> None:
    runs = [run(seed) for seed in range(200)]
    kinds = {event.kind for each in runs for event in each.events}
    fates = {event.fate for each in runs for event in each.events if event.kind == "ended"}
    assert kinds == {"submitted", "refused", "begun", "ended", "answered", "gone"}
    assert fates == {"written", "poison", "lost", "apart"}
    assert any(len(event.items) == 8 for each in runs for event in each.events), "a full batch"


class LastInFirstOut(Writer[Any, Any]):
    """Forgets in which order a contact's changes came."""

    def _release(self, waiting: Any) -> None:
        (self._chains[waiting.item.key] or deque()).reverse()
        super()._release(waiting)


class Together(Writer[Any, Any]):
    """Writes two changes of a contact at once."""

    def _accept(self, waiting: Any) -> None:
        self._chains.pop(waiting.key, None)
        super()._accept(waiting)

    def _release(self, waiting: Any) -> None:
        self._chains.setdefault(waiting.item.key, None)
        super()._release(waiting)


class Forgetful(Writer[Any, Any]):
    """Leaves what it noted of a contact behind when nobody waits for the answer any more."""

    def _release(self, waiting: Any) -> None:
        if waiting.future.cancelled():
            self.waiting -= 1
        else:
            super()._release(waiting)


class Careless(Writer[Any, Any]):
    """Gives the results of one caller's items in another order."""

    async def put_many(self, items: Any) -> Any:  # type: ignore[override]
        return list(reversed(await super().put_many(items)))


class Greedy(Writer[Any, Any]):
    """Takes all that a workspace has before it looks at the next one."""

    def _take(self) -> list[Any]:
        batch: list[Any] = []
        while self._queues and len(batch) < self._batch:
            workspace_id, queue = next(iter(self._queues.items()))
            batch.append(queue.popleft())
            if not queue:
                del self._queues[workspace_id]
        self._queued -= len(batch)
        return batch


class Overfull(Writer[Any, Any]):
    """Takes one more than a batch may have."""

    def _take(self) -> list[Any]:
        batch = super()._take()
        if self._queues and len(batch) == self._batch:
            self._batch, rest = 1, self._batch
            batch += super()._take()
            self._batch = rest
        return batch


class Boundless(Writer[Any, Any]):
    """Lets a workspace fill the whole queue."""

    def _accept(self, waiting: Any) -> None:
        self._counts.pop(waiting.item.workspace_id, None)
        super()._accept(waiting)

    def _release(self, waiting: Any) -> None:
        self._counts[waiting.item.workspace_id] = 1
        super()._release(waiting)


class Sociable(Writer[Any, Any]):
    """Waits a moment for more to come."""

    async def _write(self, lane: Any, batch: list[Any]) -> None:
        if len(batch) == 1:
            await asyncio.sleep(0.001)
        await super()._write(lane, batch)


class Patient(Writer[Any, Any]):
    """Waits for the lane at work, however long that takes."""

    def _go_on_without(self, held_up: list[bool]) -> None: ...


class Lonely(Writer[Any, Any]):
    """Leaves all to one lane, however much waits."""

    def _wake(self) -> None:
        if self._prompt == 0:
            super()._wake()


class Vengeful(Writer[Any, Any]):
    """Lets everybody in a batch pay for one."""

    async def _write(self, lane: Any, batch: list[Any]) -> None:
        async def unforgiving(items: Any) -> Any:
            try:
                return await lane(items)
            except Apart as apart:
                raise ValueError from apart

        await super()._write(unforgiving, batch)


class Stubborn(Writer[Any, Any]):
    """Tries again although the first attempt may have counted."""

    async def _write(self, lane: Any, batch: list[Any]) -> None:
        async def again(items: Any) -> Any:
            try:
                return await lane(items)
            except Apart:
                raise
            except Exception:
                return await lane(items)

        await super()._write(again, batch)


class Confused(Writer[Any, Any]):
    """Gives the answers to the wrong callers."""

    async def _write(self, lane: Any, batch: list[Any]) -> None:
        async def turned(items: Any) -> Any:
            return list(reversed(await lane(items)))

        await super()._write(turned, batch)


MUTANTS = {
    LastInFirstOut: "as they came",
    Together: "twice|as they came|stuck",
    Forgetful: "left behind|every accepted item|stuck",
    Greedy: "two items of another one",
    Overfull: "more than a batch",
    Boundless: "half waits|bound waits",
    Sociable: "an idle writer",
    Patient: "held up",
    Lonely: "a whole batch",
    Vengeful: "their own item|before the database has|as they came",
    Stubborn: "as they came",
    Confused: "their own item",
    Careless: "their own item",
}


@pytest.mark.parametrize(
    ("mutant", "promise"), MUTANTS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_writer_with_a_fault_is_found_out(mutant: type[Any], promise: str) -> None:
    with pytest.raises((Broken, Stuck), match=promise):  # noqa: PT012 - any of them
        for seed in range(300):
            run(seed, mutant)
