"""Whether a PATCH costs the same with a hundred times the contacts, and after a million more changes."""

import statistics
from contextlib import ExitStack

import msgspec
from rich.console import Console

from bench import report
from bench.figures import Bar, Figure, figures
from bench.generators import Run, rehearse, run
from bench.loads import SCENARIOS
from bench.stage import ALL, Stage, stage

CLIENTS = 64
SMALL = 10_000
_PIECE = 20
"""Seconds of one run while the history is made to grow."""
LOADS = ("patch", "get")


def measure(contacts: int, rounds: int, seconds: int, workers: int, console: Console) -> report.Result:
    """Compares a server with `contacts` with one that has few, and with itself after as many changes more."""
    with ExitStack() as stack:
        # With all tags from the start: else the few would soon carry them all, and the many never.
        small = stack.enter_context(stage(SMALL, workers, console.print, tags=ALL))
        large = stack.enter_context(stage(contacts, workers, console.print, tags=ALL))
        here = report.machine(large)
        for built in (small, large):
            for name in LOADS:
                rehearse(built, SCENARIOS[name])
        turns = Turns({"few": small, "many": large}, rounds, seconds, console)
        turns.take("before")
        turns.take_after_checkpoints("many")
        _make_history(large, contacts, console)
        turns.take("after")
        small.check_history()
        large.check_history()
        found = {"figures": turns.figures(), "bars": turns.bars(contacts), "runs": turns.runs}
        return report.result("growth", large, here, seconds, workers, **found)


def _make_history(built: Stage, changes: int, console: Console) -> None:
    enough = built.acknowledged + changes
    while built.acknowledged < enough:
        console.print(f"{enough - built.acknowledged:,} changes to go")
        run(built, SCENARIOS["patch"], "api", CLIENTS, _PIECE)


class Turns:
    """Runs of the same loads on several stages in turns, before and after something."""

    def __init__(self, stages: dict[str, Stage], rounds: int, seconds: int, console: Console) -> None:
        self.runs: list[Run] = []
        self._stages = stages
        self._rounds = rounds
        self._seconds = seconds
        self._console = console

    def take(self, when: str) -> None:
        """Runs every load on every stage in every round, forwards and backwards by turns."""
        order = [(name, load) for load in LOADS for name in self._stages]
        for turn in range(self._rounds):
            for name, load in order if turn % 2 == 0 else reversed(order):
                self._run(name, when, load, turn)

    def take_after_checkpoints(self, name: str) -> None:
        """PATCH while most changes are the first of their page, which then goes whole into the log."""
        for turn in range(self._rounds):
            self._stages[name].checkpoint()
            self._run(name, "after a checkpoint", "patch", turn)

    def _run(self, name: str, when: str, load: str, turn: int) -> None:
        one = run(self._stages[name], SCENARIOS[load], "api", CLIENTS, self._seconds, turn)
        one = msgspec.structs.replace(one, subject=f"{name}, {when}")
        self.runs.append(one)
        title = SCENARIOS[load].title
        self._console.print(f"{one.subject}: {title}: {one.rate:,.0f}/s, p99 {one.p99:.2f} ms")

    def figures(self) -> list[Figure]:
        """The medians of each stage before and after."""
        subjects = dict.fromkeys(each.subject for each in self.runs)
        return [
            figure
            for subject in subjects
            for figure in figures([each for each in self.runs if each.subject == subject], subject)
        ]

    def bars(self, contacts: int) -> list[Bar]:
        """How the stages compare with each other and with themselves."""
        few, many = "few, before", "many, before"
        bigger = f"/s at {contacts:,} contacts, to {SMALL:,}"
        later = f"/s after {contacts:,} more changes, to before"
        return [
            self.bar("PATCH" + bigger, "patch", many, few, 0.85),
            self.bar("PATCH" + later, "patch", "many, after", many, 0.9),
            self.bar("PATCH/s of a few of these contacts, to before", "patch", "few, after", few),
            self.bar(
                "PATCH/s right after a checkpoint, to before", "patch", "many, after a checkpoint", many
            ),
            self.bar("GET" + bigger, "get", many, few),
            self.bar("GET" + later, "get", "many, after", many, 0.9),
        ]

    def bar(self, text: str, load: str, over: str, under: str, least: float | None = None) -> Bar:
        """A ratio of two subjects, each with as many runs."""
        pairs = zip(self._rates(load, over), self._rates(load, under), strict=True)
        return Bar(text, statistics.median(a / b for a, b in pairs), least)

    def _rates(self, load: str, subject: str) -> list[float]:
        chosen = [each for each in self.runs if each.scenario == load and each.subject == subject]
        return [each.rate for each in sorted(chosen, key=lambda each: each.round)]
