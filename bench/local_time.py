"""How fast local time is: verdicts, lists of those who may be contacted, and the plan.

Each list is measured in turns with the same list without the filter. The moment asked about is another second
in each request, so that nothing is answered from what the request before has found.
"""

import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.generators import Run, rehearse, run
from bench.loads import Scenario
from bench.report import Machine, machine
from bench.stage import Stage, stage
from contactory.local_time.openings import schedule_of
from contactory.local_time.verdict import Judge, Subject
from contactory.send_windows.model import presets

SIZES = [10_000, 100_000, 1_000_000]
MANY = 1000
_ZONES = {
    "America/New_York": 20, "America/Chicago": 14, "America/Los_Angeles": 12, "America/Denver": 4,
    "America/Toronto": 3, "America/Sao_Paulo": 4, "America/Mexico_City": 3, "Europe/London": 8,
    "Europe/Berlin": 6, "Europe/Paris": 5, "Europe/Madrid": 3, "Europe/Warsaw": 2, "Asia/Kolkata": 5,
    "Asia/Tokyo": 3, "Asia/Singapore": 2, "Australia/Sydney": 2, "America/Phoenix": 1, "America/Anchorage": 1,
    "Pacific/Honolulu": 1, "Africa/Lagos": 1,
}  # fmt: skip
_NEWEST = 40
"""So many of the youngest contacts are where nobody else is: in Auckland."""
LUNCH = {
    "name": "Lunch",
    "channels": ["call"],
    "days": [{"day": day, "from": "12:00", "to": "13:00"} for day in ("mon", "tue", "wed", "thu", "fri")],
}


def _list(name: str, title: str, query: str) -> Scenario:
    path = '"/v1/contacts?limit=20' + (f"{query}&channel=call" if query else "") + '"'
    call = f"({path}):format(random(0, 29), random(0, 59))" if query else path
    request = f'function request() return wrk.format("GET", {call}, plain) end\n'
    return Scenario(name=name, title=title, request=request)


_LUNCH = "&window=Lunch&availableAt=2026-03-02T{hour}:%02d:%02dZ"
PLAIN = _list("plain", "a list of 20", "")
LISTS = [
    _list("day", "while it is day for two thirds", "&availableAt=2026-03-02T20:%02d:%02dZ"),
    _list("few", f"while it is lunch for the youngest {_NEWEST}", _LUNCH.format(hour=23)),
    _list("nobody", "while it is lunch for nobody", _LUNCH.format(hour=16)),
]
TAGGED = Scenario(
    name="tagged",
    title="a list of 20 with a tag",
    request='function request() return wrk.format("GET", "/v1/contacts?limit=20&tag=tag%201", plain) end\n',
)
TAGGED_FEW = _list(
    "tagged few", f"with a tag, for the youngest {_NEWEST}", "&tag=tag%%201" + _LUNCH.format(hour=23)
)
TAGGED_DAY = _list("tagged day", "with a tag, by day", "&tag=tag%%201&availableAt=2026-03-02T20:%02d:%02dZ")
ONE = Scenario(
    name="one",
    title="GET a contact's availability",
    request="""
function request()
  return wrk.format("GET", "/v1/contacts/" .. id_of(random(contacts)) .. "/availability?channel=call", plain)
end
""",
)
THOUSAND = Scenario(
    name="thousand",
    title="POST /v1/availability with 1,000 ids",
    request="""
function request()
  local ids = {}
  for i = 1, 1000 do ids[i] = '"' .. id_of(random(contacts)) .. '"' end
  return wrk.format("POST", "/v1/availability", json,
                    '{"channel":"call","ids":[' .. table.concat(ids, ",") .. "]}")
end
""",
)


class Figure(msgspec.Struct, frozen=True):
    """One thing measured: medians over the rounds."""

    what: str
    contacts: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Of the server and PostgreSQL, a request."""
    times: float | None = None
    """How much longer it took than the same without the filter: the median over the rounds, by p50."""
    cpu_times: float | None = None
    """How much more processor time it took, likewise: others on the machine disturb this less."""


class Result(msgspec.Struct, frozen=True):
    """All of one measurement."""

    at: datetime
    machine: Machine
    workers: int
    figures: list[Figure]
    plan_seconds: dict[int, float]
    """By the number of contacts."""
    engine_per_second: float
    """Verdicts of the engine alone, without HTTP and database, each of another second."""


def measure(
    sizes: Sequence[int], rounds: int, seconds: int, workers: int, console: Console, path: Path
) -> bool:
    """Measures, prints and writes; says whether what is promised at a million contacts holds."""
    figures: list[Figure] = []
    plans: dict[int, float] = {}
    here: Machine | None = None
    for contacts in sizes:
        with stage(contacts, workers, console.print, zones_of(contacts)) as built:
            here = here or machine(built)
            _spread(built)
            found = _lists(built, rounds, seconds) + _verdicts(built, rounds, seconds)
            figures += found
            plans[contacts] = _plan(built, rounds)
            for each in found:
                console.print(_line(each))
            console.print(f"{contacts:,} contacts: the plan: {plans[contacts]:.2f} s")
    if here is None:
        return False
    result = Result(datetime.now(UTC).replace(microsecond=0), here, workers, figures, plans, _engine())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    _show(result, console)
    return _kept(result)


def zones_of(contacts: int) -> str:
    """SQL: the zone of contact n."""
    names = [name for name, weight in _ZONES.items() for _ in range(weight)]
    listed = "{" + ",".join(names) + "}"
    return (
        f"case when n > {contacts - _NEWEST} then 'Pacific/Auckland' "
        f"else ('{listed}'::text[])[1 + n * 37 % {len(names)}] end"
    )


def _spread(built: Stage) -> None:
    """Of a hundred contacts one could be in two zones, one has no phone and two want no calls."""
    number = "('x' || right(id::text, 6))::bit(24)::int"
    built.sql(
        f"""update contacts set timezones = array[timezone, 'America/Boise'] where {number} % 100 = 7""",
        f"""update contacts set phone = null where {number} % 100 = 23""",
        f"""update contacts set consent = '{{{{"call": {{{{"status": "denied"}}}}}}}}'
             where {number} % 50 = 31""",
        "vacuum analyze contacts",
        "select 1",
    )
    built.call("POST", "/v1/send-windows", LUNCH)
    time.sleep(1)  # Until every process knows the window.


def _lists(built: Stage, rounds: int, seconds: int) -> list[Figure]:
    runs: dict[str, list[Run]] = {}
    turns = [PLAIN, *LISTS, TAGGED, TAGGED_DAY, TAGGED_FEW]
    for scenario in turns:
        rehearse(built, scenario)
    for turn in range(rounds):
        for scenario in turns if turn % 2 == 0 else reversed(turns):
            runs.setdefault(scenario.name, []).append(run(built, scenario, "api", 1, seconds, turn))
    beside = {**{each.name: PLAIN for each in LISTS}, TAGGED_DAY.name: TAGGED, TAGGED_FEW.name: TAGGED}
    return [
        _figure(built, each, runs[each.name], runs[beside[each.name].name] if each.name in beside else None)
        for each in turns
    ]


def _verdicts(built: Stage, rounds: int, seconds: int) -> list[Figure]:
    found: list[Figure] = []
    for scenario, clients, items in ((ONE, 64, 1), (THOUSAND, 4, MANY)):
        rehearse(built, scenario)
        runs = [run(built, scenario, "api", clients, seconds, turn) for turn in range(rounds)]
        found.append(_figure(built, scenario, runs, items=items))
    return found


def _figure(
    built: Stage, scenario: Scenario, runs: list[Run], plain: list[Run] | None = None, items: int = 1
) -> Figure:
    median = statistics.median
    pairs = list(zip(sorted(runs, key=_round), sorted(plain, key=_round), strict=True)) if plain else []
    return Figure(
        scenario.title,
        built.contacts,
        median(each.rate for each in runs) * items,
        median(each.p50 for each in runs),
        median(each.p99 for each in runs),
        median(map(_cpu, runs)),
        median(mine.p50 / other.p50 for mine, other in pairs) if pairs else None,
        median(_cpu(mine) / _cpu(other) for mine, other in pairs) if pairs else None,
    )


def _round(each: Run) -> int:
    return each.round


def _cpu(each: Run) -> float:
    return (each.cpu.server + each.cpu.postgresql) / each.requests * 1e6


def _plan(built: Stage, rounds: int) -> float:
    [window] = [each for each in built.call("GET", "/v1/send-windows") if each["isDefault"]]
    took: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        plan = built.call("POST", f"/v1/send-windows/{window['id']}/plan", {"channel": "call"})
        took.append(time.perf_counter() - begun)
        assert plan["contacts"] == built.contacts
    return statistics.median(took)


def _engine() -> float:
    """Verdicts a second on one core."""
    days = presets()["us-tcpa"].days
    schedule = schedule_of(tuple(each.to_range() for each in days), frozenset())
    subjects = [Subject(name, (name,), "caller", has_address=True) for name in _ZONES]
    start, begun, count = datetime(2026, 3, 2, tzinfo=UTC).timestamp(), time.perf_counter(), 0
    while time.perf_counter() - begun < 2:
        for n in range(100):
            judge = Judge(schedule, "call", datetime.fromtimestamp(start + (count + n) * 7, UTC))
            judge.verdict(subjects[n % len(subjects)])
        count += 100
    return count / (time.perf_counter() - begun)


def _kept(result: Result) -> bool:
    """Whether the promises hold: a page within 50 ms and three times the plain one, the plan within 10 s."""
    big = [each for each in result.figures if each.contacts >= SIZES[-1] and each.times is not None]
    lists = all(each.p50_ms < 50 and (each.times or 0) <= 3 for each in big)
    return lists and all(seconds < 10 for seconds in result.plan_seconds.values())


def _line(each: Figure) -> str:
    more = f", {each.times:.2f} times as long, {each.cpu_times:.2f} times the CPU" if each.times else ""
    return (
        f"{each.contacts:,} contacts: {each.what}: {each.per_second:,.0f}/s, p50 {each.p50_ms:.2f} ms, "
        f"p99 {each.p99_ms:.2f} ms{more}"
    )


def _show(result: Result, console: Console) -> None:
    m = result.machine
    console.print(f"\n{m.processor}, {m.cores} cores; Python {m.python}, PostgreSQL {m.postgresql}")
    if m.busy > 0.2:
        console.print(f"[bold yellow]Others used {m.busy} cores before the run.")
    table = Table(box=None, padding=(0, 1))
    for name in ("what", "contacts", "a second", "p50", "p99", "CPU µs", "÷ p50", "÷ CPU"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=True)
    for each in result.figures:
        times = ["" if ratio is None else f"{ratio:.2f}" for ratio in (each.times, each.cpu_times)]
        row = [f"{each.contacts:,}", f"{each.per_second:,.0f}", f"{each.p50_ms:.2f}", f"{each.p99_ms:.2f}"]
        table.add_row(each.what, *row, f"{each.cpu_us:,.0f}", *times)
    for contacts, seconds in result.plan_seconds.items():
        table.add_row("the plan of all", f"{contacts:,}", "", f"{seconds * 1000:,.0f}")
    table.add_row("verdicts of the engine alone", "", f"{result.engine_per_second:,.0f}")
    console.print(table)
