"""What runs come to: medians, the ratios within each round, and the bars that these must clear."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from bench.generators import Run, Side
from bench.loads import SCENARIOS

LIMIT_CLIENTS = 64
"""Most clients of pgbench: what has more is compared with its figure for this many."""


class Medians(msgspec.Struct, frozen=True):
    """Medians of one side: requests a second, milliseconds, and microseconds of CPU a request."""

    rate: float
    p50: float
    p95: float
    p99: float
    server_us: float
    postgresql_us: float
    generator_share: float
    """Of one core, which is all that wrk and pgbench have here."""


class Figure(msgspec.Struct, frozen=True):
    """A load with so many clients: its medians, and the medians of its ratios within a round."""

    scenario: str
    subject: str
    clients: int
    rounds: int
    api: Medians
    limit: Medians | None
    of_limit: float | None
    of_constant: float | None
    server_mib: float | None
    postgresql_mib: float | None
    bare: Medians | None = None
    of_bare: float | None = None


Key = tuple[str, Side, int]
Round = dict[Key, Run]


def by_round(runs: Iterable[Run]) -> list[Round]:
    """The runs of each round, by scenario, side and clients."""
    rounds: dict[int, Round] = {}
    for each in runs:
        rounds.setdefault(each.round, {})[each.scenario, each.side, each.clients] = each
    return list(rounds.values())


def figures(runs: Sequence[Run], subject: str = "") -> list[Figure]:
    """What the runs come to, in the order in which the scenarios were first run."""
    subjects: dict[Side, str] = {"api": subject, "uvicorn": "under uvicorn"}
    keys = dict.fromkeys((each.scenario, each.clients, each.side) for each in runs)
    return [
        _figure(name, clients, side, shown, runs)
        for side, shown in subjects.items()
        for name, clients, one in keys
        if one == side
    ]


def _figure(name: str, clients: int, side: Side, subject: str, runs: Sequence[Run]) -> Figure:
    rounds, limit = by_round(runs), min(clients, LIMIT_CLIENTS)
    mine = [each for each in runs if each.scenario == name]
    api = [each for each in mine if each.side == side and each.clients == clients]
    seen = [each.memory for each in api if each.memory]
    beside = [each for each in mine if each.side == "limit" and each.clients == limit]
    on_bare = [each for each in mine if each.side == "bare" and each.clients == limit]
    key: Key = (name, side, clients)
    return Figure(
        scenario=name,
        subject=subject,
        clients=clients,
        rounds=len(api),
        api=_medians(api),
        limit=_medians(beside) if beside else None,
        of_limit=ratio(rounds, key, (name, "limit", limit)),
        of_constant=ratio(rounds, key, ("live", "api", clients)) if name != "live" else None,
        server_mib=max((memory.server for memory in seen), default=None),
        postgresql_mib=max((memory.postgresql for memory in seen), default=None),
        bare=_medians(on_bare) if on_bare else None,
        of_bare=ratio(rounds, key, (name, "bare", limit)),
    )


def _medians(runs: Sequence[Run]) -> Medians:
    median = statistics.median
    return Medians(
        rate=median(each.rate for each in runs),
        p50=median(each.p50 for each in runs),
        p95=median(each.p95 for each in runs),
        p99=median(each.p99 for each in runs),
        server_us=median(each.cpu.server / each.requests * 1e6 for each in runs),
        postgresql_us=median(each.cpu.postgresql / each.requests * 1e6 for each in runs),
        generator_share=median(each.generator_cpu / each.seconds for each in runs),
    )


def _rate(each: Run) -> float:
    return each.rate


def _contacts(each: Run) -> float:
    return each.rate * SCENARIOS[each.scenario].items


def ratio(rounds: list[Round], over: Key, under: Key, of: Callable[[Run], float] = _rate) -> float | None:
    """The median over the rounds that have both; None where none has."""
    found = [of(each[over]) / of(each[under]) for each in rounds if over in each and under in each]
    return statistics.median(found) if found else None


class Bar(msgspec.Struct, frozen=True):
    """A ratio that must not be below `least`, or not above `most`."""

    text: str
    value: float
    least: float | None = None
    most: float | None = None

    @property
    def cleared(self) -> bool:
        """Whether it is not."""
        return self.value >= (self.least or 0) and (self.most is None or self.value <= self.most)


class _Rule(NamedTuple):
    text: str
    over: Key
    under: Key
    least: float | None = None
    most: float | None = None
    of: Callable[[Run], float] = _rate


_PATCH: Key = ("patch", "api", 64)
_PATCH_LIMIT: Key = ("patch", "limit", 64)
_RULES = [
    _Rule("PATCH/s with 64 clients, to pgbench with 64", _PATCH, _PATCH_LIMIT, least=1.0),
    _Rule(
        "PATCH/s with 16 clients, to pgbench with 16", ("patch", "api", 16), ("patch", "limit", 16), least=0.5
    ),
    _Rule("PATCH/s with 1 client, to pgbench with 1", ("patch", "api", 1), ("patch", "limit", 1), least=0.6),
    _Rule("PATCH/s with 64 clients, to pgbench on bare tables", _PATCH, ("patch", "bare", 64), least=0.9),
    _Rule(
        "PATCH/s with 16 clients, to pgbench on bare tables",
        ("patch", "api", 16),
        ("patch", "bare", 16),
        least=0.6,
    ),
    _Rule("PATCH/s with keys and 64 clients, to that without keys", ("keyed", "api", 64), _PATCH, least=0.7),
    _Rule(
        "PATCH/s with keys and 1 client, to that without keys",
        ("keyed", "api", 1),
        ("patch", "api", 1),
        least=0.8,
    ),
    _Rule(
        "Creations/s with 64 clients, to pgbench on bare tables",
        ("create", "api", 64),
        ("create", "bare", 64),
    ),
    _Rule("PATCH/s with 256 clients, to pgbench with 64", ("patch", "api", 256), _PATCH_LIMIT, least=1.0),
    _Rule(
        "PATCH p99 with 64 clients, to pgbench with 64",
        _PATCH,
        _PATCH_LIMIT,
        most=2.0,
        of=lambda each: each.p99,
    ),
    _Rule("GET/s with 64 clients, to pgbench with 64", ("get", "api", 64), ("get", "limit", 64), least=0.3),
    _Rule(
        "Look-up p99 with 64 clients, to that of GET",
        ("lookup", "api", 64),
        ("get", "api", 64),
        most=2.0,
        of=lambda each: each.p99,
    ),
    _Rule(
        "Lists/s with 64 clients, to pgbench with 64", ("list", "api", 64), ("list", "limit", 64), least=0.87
    ),
    _Rule(
        "Different lists/s with 64 clients, to pgbench with 64",
        ("pages", "api", 64),
        ("pages", "limit", 64),
        least=0.4,
    ),
    _Rule(
        "Look-ups/s with 64 clients, to pgbench with 64",
        ("lookup", "api", 64),
        ("lookup", "limit", 64),
        least=0.5,
    ),
    _Rule("PATCH/s with 64 clients, to that under uvicorn", _PATCH, ("patch", "uvicorn", 64)),
    _Rule("GET/s with 64 clients, to that under uvicorn", ("get", "api", 64), ("get", "uvicorn", 64)),
    _Rule(
        "Contacts/s in batches with 4 clients, to PATCH/s with 64",
        ("batch", "api", 4),
        _PATCH,
        3.0,
        of=_contacts,
    ),
    *(
        _Rule(
            f"{what}/s with {clients} clients, to pgbench with {clients}",
            (name, "api", clients),
            (name, "limit", clients),
            least=least,
        )
        for what, name, clients, least in (
            ("Batches of 100", "batch", 4, 0.75),
            ("Creations", "create", 64, 1.0),
            ("Upserts", "upsert", 64, 1.0),
        )
    ),
    *(
        _Rule(
            f"The time of 1,000 updates {how}, to without", ("thousand", "api", 1), (name, "api", 1), most=1.5
        )
        for how, name in (("with a key", "thousand-keyed"), ("as a dry run", "thousand-tried"))
    ),
]


def bars(runs: Iterable[Run]) -> list[Bar]:
    """The bars that these runs can tell of."""
    rounds = by_round(runs)
    measured = [(rule, ratio(rounds, rule.over, rule.under, rule.of)) for rule in _RULES]
    return [Bar(rule.text, value, rule.least, rule.most) for rule, value in measured if value is not None]
