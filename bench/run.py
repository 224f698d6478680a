"""Loads and their limits in turns, on one database."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from bench import bare
from bench.figures import LIMIT_CLIENTS
from bench.generators import Run, Side, rehearse, run
from bench.loads import SCENARIOS
from bench.stage import Stage


class Pair(msgspec.Struct, frozen=True):
    """A load with so many clients, beside its limit. If a bar needs it, it runs in every round, else once."""

    scenario: str
    clients: int
    barred: bool = False


class Plan(msgspec.Struct, frozen=True):
    """What is run, for how long and how often."""

    pairs: list[Pair]
    rounds: int
    seconds: int
    fair: bool = False
    """Whether a quiet workspace is measured beside a busy one."""


class Step(msgspec.Struct, frozen=True):
    """One run of a plan."""

    round: int
    scenario: str
    side: Side
    clients: int
    seconds: int


# In a bar, or needed to read one rightly.
_BARRED = {
    ("live", 64),
    ("patch", 1),
    ("patch", 16),
    ("patch", 64),
    ("patch", 256),
    ("keyed", 1),
    ("keyed", 64),
    ("batch", 4),
    ("create", 64),
    ("upsert", 64),
    ("thousand", 1),
    ("thousand-keyed", 1),
    ("thousand-tried", 1),
    ("get", 64),
    ("lookup", 64),
    ("list", 64),
    ("pages", 64),
}


_CLIENTS = {"batch": (1, 4, 16)} | dict.fromkeys(("thousand", "thousand-keyed", "thousand-tried"), (1,))
_UNDER_UVICORN = {("patch", 64), ("get", 64)}
_BESIDE_BARE = {("patch", 16), ("patch", 64), ("create", 64)}


def plan(rounds: int, seconds: int, quick: bool, only: Sequence[str] = ()) -> Plan:
    """Every scenario with 1 to 256 clients; `quick` leaves out what is in no bar."""
    wanted = [name for name in SCENARIOS if not only or name in only or name == "live"]
    clients = {name: _CLIENTS.get(name, (1, 16, 64, 256)) for name in wanted}
    # Batches and requests with keys are measured against PATCH, so they come next to it.
    wanted.sort(key=lambda name: (name != "live", name not in ("batch", "patch", "keyed")))
    pairs = [Pair(name, count, (name, count) in _BARRED) for name in wanted for count in clients[name]]
    fair = not only or {"get", "pages"} <= {*only}
    return Plan([pair for pair in pairs if pair.barred or not quick], rounds, seconds, fair)


def steps(wanted: Plan) -> list[Step]:
    """The runs of a plan: A B in one round, B A in the next, so that a slow drift counts for neither."""
    listed: list[Step] = []
    for turn in range(wanted.rounds):
        pairs = [pair for pair in wanted.pairs if pair.barred or turn == 0]
        order = [step for pair in pairs for step in _sides(pair, turn, wanted.seconds)]
        listed += order if turn % 2 == 0 else reversed(order)
    return listed


def _sides(pair: Pair, turn: int, seconds: int) -> Iterable[Step]:
    length = seconds if pair.barred else max(1, seconds - 1)
    yield Step(turn, pair.scenario, "api", pair.clients, length)
    if (pair.scenario, pair.clients) in _UNDER_UVICORN:
        yield Step(turn, pair.scenario, "uvicorn", pair.clients, length)
    if SCENARIOS[pair.scenario].statement and pair.clients <= LIMIT_CLIENTS:
        yield Step(turn, pair.scenario, "limit", pair.clients, length)
    if (pair.scenario, pair.clients) in _BESIDE_BARE:
        yield Step(turn, pair.scenario, "bare", pair.clients, length)


def run_all(built: Stage, wanted: Plan, tell: Callable[[Run], None]) -> list[Run]:
    """Runs a plan; `tell` gets every run when it is over. Raises BenchError."""
    runs: list[Run] = []
    todo = steps(wanted)
    if any(step.side == "bare" for step in todo):
        bare.make(built)
    for name in dict.fromkeys(pair.scenario for pair in wanted.pairs):
        rehearse(built, SCENARIOS[name], {step.side for step in todo if step.scenario == name})
    for step in todo:
        runs.append(run(built, SCENARIOS[step.scenario], step.side, step.clients, step.seconds, step.round))
        tell(runs[-1])
    built.check_history()
    return runs
