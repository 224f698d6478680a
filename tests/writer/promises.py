"""What the writer promises, checked against everything that happened in a simulated run."""

from collections import Counter, defaultdict, deque
from typing import Any

from contactory.contacts.write.queue import PROMPT
from tests.writer.simulation import Event, Item, Simulation


class Broken(AssertionError):
    """The writer did not keep a promise."""


def check(run: Simulation) -> None:
    """Raises Broken, which names the promise and the seed, where one was not kept."""
    judge = Judge(run)
    for event in run.events:
        judge.see(event)
    judge.see_the_end()


class Judge:
    """Sees the events of one run, one after the other.

    An item is held from its acceptance to the end of its batch, items that had to be written alone
    included; it is ready while it is held, not yet taken by a lane, and the first of its contact.
    """

    def __init__(self, run: Simulation) -> None:
        self._run = run
        self._plan = run.plan
        self._now = 0.0
        self._held: Counter[str] = Counter()
        self._unsettled: Counter[str] = Counter()
        self._lines: defaultdict[Any, deque[Item]] = defaultdict(deque)
        self._unsettled_lines: defaultdict[Any, deque[Item]] = defaultdict(deque)
        self._ready: defaultdict[str, dict[Item, float]] = defaultdict(dict)
        self._passed: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._at_work = 0
        self._apart: dict[Item, tuple[list[Item], set[Item]]] = {}
        self._fates: dict[Item, Any] = {}
        self._answers: Counter[Item] = Counter()

    def see(self, event: Event) -> None:
        if event.time > self._now:
            if self._at_work < self._plan.lanes:
                self._see_waiting(event.time)
            self._now = event.time
        getattr(self, f"_see_{event.kind}")(event)

    def _see_waiting(self, now: float) -> None:
        """Some lane is idle: what has waited until `now` must have had a reason."""
        since = [since for ready in self._ready.values() for since in ready.values()]
        self._insist(self._at_work or not since, "an idle writer lets nothing wait")
        self._insist(len(since) < self._plan.batch, "with an idle lane no more waits than a whole batch")
        held_up = now - min(since, default=now) > PROMPT + 1e-9
        self._insist(not held_up, "with an idle lane nothing waits long for one that is held up")

    def _insist(self, kept: object, promise: str) -> None:
        if not kept:
            raise Broken(f"seed {self._run.seed}, at {self._now:g}: {promise}")

    def _see_submitted(self, event: Event) -> None:
        [item] = event.items
        self._held[item.workspace_id] += 1
        self._unsettled[item.workspace_id] += 1
        self._unsettled_lines[item.key].append(item)
        self._lines[item.key].append(item)
        if len(self._lines[item.key]) == 1:
            self._make_ready(item)

    def _make_ready(self, item: Item) -> None:
        ready = self._ready[item.workspace_id]
        if not ready:
            self._passed[item.workspace_id].clear()
        ready[item] = self._now

    def _see_refused(self, event: Event) -> None:
        [item] = event.items
        before = self._run.events[self._run.events.index(event) - 1]
        self._insist(before == Event(event.time, "submitted", [item]), "what is refused is refused at once")
        held = self._held.total() - 1
        of_workspace = self._held[item.workspace_id] - 1
        full = held >= self._plan.bound or of_workspace * 2 >= self._plan.bound
        self._insist(full, "nothing is refused while there is room")
        for count in (self._held, self._unsettled):
            count[item.workspace_id] -= 1
        for lines in (self._lines, self._unsettled_lines):
            lines[item.key].pop()
        self._ready[item.workspace_id].pop(item, None)

    def _see_begun(self, event: Event) -> None:
        items = event.items
        self._at_work += 1
        # Whoever was refused has left again by now, so what is held here was accepted.
        self._insist(self._unsettled.total() <= self._plan.bound, "no more than the bound waits")
        half = (self._plan.bound + 1) // 2
        self._insist(max(self._unsettled.values()) <= half, "no more than half waits of one workspace")
        self._insist(len(items) <= self._plan.batch, "no call has more than a batch")
        self._insist(len({item.key for item in items}) == len(items), "no contact is in a call twice")
        for item in items:
            line = self._unsettled_lines[item.key]
            self._insist(line and line[0] == item, "the items of a contact are written as they came")
            if item in self._ready[item.workspace_id]:
                self._take(item)

    def _take(self, item: Item) -> None:
        self._ready[item.workspace_id].pop(item, None)
        self._passed[item.workspace_id].clear()
        for workspace_id, ready in self._ready.items():
            if ready and workspace_id != item.workspace_id:
                self._passed[workspace_id][item.workspace_id] += 1
                fair = self._passed[workspace_id][item.workspace_id] <= 1
                self._insist(fair, "no workspace waits for two items of another one")

    def _see_ended(self, event: Event) -> None:
        self._at_work -= 1
        items = list(event.items)
        if event.fate == "apart":
            group = (items, set(items))
            self._apart |= dict.fromkeys(items, group)
            return
        for item in items:
            self._fates[item] = event.fate
            self._unsettled[item.workspace_id] -= 1
            self._unsettled_lines[item.key].popleft()
            batch, left = self._apart.pop(item, ([item], {item}))
            left.discard(item)
            if not left:
                self._release(batch)

    def _release(self, batch: list[Item]) -> None:
        for item in batch:
            self._held[item.workspace_id] -= 1
            line = self._lines[item.key]
            line.popleft()
            if line:
                self._make_ready(line[0])

    def _see_answered(self, event: Event) -> None:
        [item] = event.items
        self._answers[item] += 1
        self._insist(item in self._fates, "nobody is answered before the database has")
        self._insist(event.fate == self._fates[item], "everybody gets the answer to their own item")
        self._insist(event.fate != "poison" or item.poisoned, "poison hurts nobody else")

    def _see_gone(self, event: Event) -> None:
        self._answers[event.items[0]] += 1

    def see_the_end(self) -> None:
        accepted = {item for _, item in self._plan.arrivals} - self._refused()
        self._insist(self._answers == Counter(accepted), "every accepted item is answered once")
        applied = Counter(self._run.applied)
        for item in accepted - self._never_submitted():
            fate, times = self._fates.get(item), applied[item]
            wanted = {"written": (1,), "poison": (0,), "lost": (0, 1)}.get(fate or "", ())
            self._insist(times in wanted, "what is answered well is kept once, what is refused not at all")
        self._insist(not self._run.left, f"nothing is left behind: {self._run.left}")

    def _refused(self) -> set[Item]:
        return {event.items[0] for event in self._run.events if event.kind == "refused"}

    def _never_submitted(self) -> set[Item]:
        """Those whose callers went away before they had even asked."""
        submitted = {event.items[0] for event in self._run.events if event.kind == "submitted"}
        return {item for _, item in self._plan.arrivals} - submitted
