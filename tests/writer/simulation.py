"""A writer in a world of its own: a made-up database, seeded faults, a clock that only moves when all wait.

Everything that happens follows from the seed, so a run can be had again by its number.
"""

import asyncio
import random
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from contactory.contacts.write.queue import Apart, Writer
from contactory.rules.errors import Unavailable

TICK = 1 / 128  # Seconds; a power of two, so that sums of them are exact.
PATIENCE = 30.0


class Item(NamedTuple):
    """A change of one contact; a poisoned one is refused by the database, with all that comes with it."""

    number: int
    workspace_id: str
    contact: int
    poisoned: bool

    @property
    def key(self) -> tuple[str, int]:
        return self.workspace_id, self.contact


Fate: TypeAlias = Literal["written", "poison", "lost", "apart"]


class Event(NamedTuple):
    """What happened, in the order in which it did.

    `submitted` an item, and `refused` where the bound was reached; a lane `begun` and `ended` a call, with
    what the database made of it; an item's caller was `answered`, or had `gone` before.
    """

    time: float
    kind: Literal["submitted", "refused", "begun", "ended", "answered", "gone"]
    items: Sequence[Item]
    fate: Any = None


class Poison(Exception):
    """The database refuses one item. It cannot be copied by calling its class with what it was made from."""

    def __init__(self, why: str, item: Item) -> None:
        super().__init__(why)
        self.item = item


class Lost(Unavailable):
    """The connection broke during the commit: nobody knows whether it counts."""


class Stuck(Exception):
    """Somebody waits for something that will never happen."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop without sockets, whose time passes at once when everybody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self
        self.complaints: list[str] = []
        self.set_exception_handler(lambda loop, context: self.complaints.append(context["message"]))

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """What the base class asks of a selector: to wait for that long."""
        if timeout is None or self._now > PATIENCE:
            raise Stuck("stuck: somebody waits for what will never happen")
        self._now += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None: ...


class Plan:
    """The shape of one run: how many of what, and how often which fault."""

    def __init__(self, seed: int) -> None:
        self.random = rng = random.Random(seed)
        self.lanes = rng.randint(1, 3)
        self.batch = rng.choice((1, 2, 3, 4, 8))
        self.bound = rng.choice((3, 4, 7, 12, 40, 100))
        self.poison = rng.choice((0, 0, 0.05, 0.3))
        self.loss = rng.choice((0, 0, 0.1, 0.4))
        self.impatience = rng.choice((0, 0, 0.2))
        self.pause = rng.choice((0, 1, 3, 9))
        self.stops_early = rng.random() < 0.3
        workspaces = [f"w{n}" for n in range(rng.randint(1, 4))]
        contacts = rng.choice((1, 2, 5, 20))
        # One workspace is busier than the others, as things are.
        weights = [rng.choice((1, 8)) for _ in workspaces]
        spread = rng.choice((0, 5, 40))
        self.arrivals = [
            (
                rng.randint(0, spread),
                Item(
                    number,
                    rng.choices(workspaces, weights)[0],
                    rng.randint(1, contacts),
                    rng.random() < self.poison,
                ),
            )
            for number in range(rng.randint(4, 30))
        ]
        self.arrivals.sort(key=lambda arrival: arrival[0])
        self.company = rng.choice((0, 0, 0.5))
        """How often an item comes together with the next one, from one caller."""

    def callers(self) -> list[tuple[int, list[Item]]]:
        """When each caller comes, and with which items."""
        callers: list[tuple[int, list[Item]]] = []
        for time, item in self.arrivals:
            if callers and self.random.random() < self.company:
                callers[-1][1].append(item)
            else:
                callers.append((time, [item]))
        return callers


class Noted(list[Item]):
    """Items of one caller, which tell the simulation what becomes of each while the writer takes them."""

    def __init__(self, items: Sequence[Item], run: "Simulation", writer: Writer[Any, int]) -> None:
        super().__init__(items)
        self._run, self._writer = run, writer
        self.refused: set[Item] = set()

    def __iter__(self) -> Iterator[Item]:
        for item in super().__iter__():
            self._run.note("submitted", [item])
            waiting = self._writer.waiting
            yield item
            if self._writer.waiting == waiting:
                self.refused.add(item)
                self._run.note("refused", [item])


class Simulation:
    """One run of a writer; then `events` and `applied` tell what happened, `left` what stayed behind."""

    def __init__(self, seed: int, writer: type[Writer[Any, int]] = Writer) -> None:
        self.seed = seed
        self.plan = Plan(seed)
        self.events: list[Event] = []
        self.applied: list[Item] = []
        self.left: dict[str, Any] = {}
        self._loop = VirtualLoop()
        self._writer = writer([self._lane] * self.plan.lanes, self.plan.batch, self.plan.bound)

    def run(self) -> None:
        """Raises Stuck where it does not come to an end."""
        try:
            self._loop.run_until_complete(self._main())
        finally:
            # Whoever still waits is let go without a word; the events say who.
            for task in asyncio.all_tasks(self._loop):
                task._log_destroy_pending = False  # type: ignore[attr-defined]
            self._loop.close()
        containers = {n: v for n, v in vars(self._writer).items() if isinstance(v, dict | int)}
        limits = {"_batch", "_bound"}
        self.left = {name: value for name, value in containers.items() if value and name not in limits}
        if self._loop.complaints:
            self.left["complaints"] = self._loop.complaints

    async def _main(self) -> None:
        self._writer.start()
        calls: list[asyncio.Task[None]] = []
        for time, items in self.plan.callers():
            await self._until(time * TICK)
            work = self._call(items[0]) if len(items) == 1 else self._call_with_many(items)
            call = self._loop.create_task(work)
            calls.append(call)
            if self.plan.random.random() < self.plan.impatience:
                self._loop.call_later(self.plan.random.randint(0, 6) * TICK, call.cancel)
        if not self.plan.stops_early:
            await asyncio.gather(*calls, return_exceptions=True)
        await asyncio.sleep(0)
        await self._writer.stop()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _until(self, time: float) -> None:
        if time > self._loop.time():
            await asyncio.sleep(time - self._loop.time())

    def note(self, kind: Any, items: Sequence[Item], fate: Any = None) -> None:
        self.events.append(Event(self._loop.time(), kind, items, fate))

    async def _call(self, item: Item) -> None:
        self.note("submitted", [item])
        try:
            number = await self._writer.put(item)
        except asyncio.CancelledError:
            self.note("gone", [item])
        except Exception as error:
            self._answered(item, error)
        else:
            self._answered(item, number)

    async def _call_with_many(self, items: Sequence[Item]) -> None:
        noted = Noted(items, self, self._writer)
        try:
            results = await self._writer.put_many(noted)
        except asyncio.CancelledError:
            for item in items:
                if item not in noted.refused:
                    self.note("gone", [item])
            return
        for item, result in zip(items, results, strict=True):
            if item not in noted.refused:
                self._answered(item, result)

    def _answered(self, item: Item, result: object) -> None:
        match result:
            case Lost():
                self.note("answered", [item], "lost")
            case Unavailable():
                self.note("refused", [item])
            case Poison():
                self.note("answered", [item], "poison" if result.item == item else result)
            case _:
                self.note("answered", [item], "written" if result == item.number else result)

    async def _lane(self, items: Sequence[Item]) -> list[int]:
        items = list(items)
        self.note("begun", items)
        await self._pause()
        lost = self.plan.random.random() < self.plan.loss
        poisoned = [item for item in items if item.poisoned]
        if lost and (poisoned or self.plan.random.random() < 0.5):
            return self._end(items, "lost")
        if poisoned:
            return self._end(items, "apart" if len(items) > 1 else "poison")
        self.applied += items
        await self._pause()
        return self._end(items, "lost" if lost else "written")

    async def _pause(self) -> None:
        pause = self.plan.random.randint(0, self.plan.pause)
        if pause:
            await asyncio.sleep(pause * TICK)

    def _end(self, items: list[Item], fate: Fate) -> list[int]:
        self.note("ended", items, fate)
        match fate:
            case "lost":
                raise Lost
            case "apart":
                raise Apart
            case "poison":
                raise Poison("taken", items[0])
            case "written":
                return [item.number for item in items]
