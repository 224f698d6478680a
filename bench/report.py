"""Results as tables for people and as JSON for the chart and for later comparison."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

import contactory
from bench.figures import Bar, Figure
from bench.generators import Run
from bench.loads import SCENARIOS
from bench.stage import Stage, Usage

_NEAR_LIMIT = 0.85
"""From this share of a core on, wrk may itself be what is measured."""


class Machine(msgspec.Struct, frozen=True):
    """Where it was measured."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    postgresql: str
    busy: float
    """Cores that others used just before."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All of one measurement."""

    kind: str
    at: datetime
    version: str
    machine: Machine
    contacts: int
    workers: int
    seconds: int
    idle: Usage
    figures: list[Figure]
    bars: list[Bar]
    runs: list[Run]


def machine(built: Stage) -> Machine:
    """This machine, while nothing is being measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(
        processor=names[0] if names else platform.machine(),
        cores=cores,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        postgresql=built.sql("show server_version"),
        busy=round(psutil.cpu_percent(1.0) / 100 * (os.cpu_count() or 1), 2),
    )


def result(kind: str, built: Stage, here: Machine, seconds: int, workers: int, **found: list) -> Result:
    """What was found, with what it was found on; `found` are figures, bars and runs."""
    return Result(
        kind=kind,
        at=datetime.now(UTC).replace(microsecond=0),
        version=contactory.__version__,
        machine=here,
        contacts=built.contacts,
        workers=workers,
        seconds=seconds,
        idle=built.idle,
        **found,
    )


def save(found: Result, path: Path) -> None:
    """Writes a result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


def load(path: Path) -> Result:
    """Reads a result back."""
    return msgspec.json.decode(path.read_bytes(), type=Result)


def show(found: Result, console: Console) -> None:
    """Prints the machine, the figures and the bars."""
    m = found.machine
    console.print(
        f"\n{m.processor}, {m.cores} cores, {m.memory_gib} GiB, {m.system}; Python {m.python}, "
        f"PostgreSQL {m.postgresql}; {found.contacts:,} contacts, {found.workers} server process(es); "
        f"idle memory {found.idle.server:.0f} MiB server, {found.idle.postgresql:.0f} MiB PostgreSQL"
    )
    if m.busy > 0.2:
        console.print(
            f"[bold yellow]Others used {m.busy} cores before the run: its figures are not to be trusted."
        )
    console.print(_speed(found.figures), "", _cost(found.figures), "")
    for figure in found.figures:
        if figure.api.generator_share > _NEAR_LIMIT:
            console.print(
                f"[yellow]{SCENARIOS[figure.scenario].title} with {figure.clients} clients: wrk used "
                f"{figure.api.generator_share:.0%} of a core and may be what was measured."
            )
    console.print(_bars(found.bars))


def _speed(figures: list[Figure]) -> Table:
    table = _table("Speed: medians of requests a second, of their ratios, and of milliseconds")
    for name in (
        "clients",
        "req/s",
        "limit",
        "÷ limit",
        "÷ bare",
        "÷ const",
        "p50",
        "p95",
        "p99",
        "limit p50",
        "p95",
        "p99",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for f in figures:
        a, b = f.api, f.limit
        mine = [
            f"{a.rate:,.0f}",
            f"{b.rate:,.0f}" if b else "",
            *map(_times, (f.of_limit, f.of_bare, f.of_constant)),
        ]
        times = [f"{value:.2f}" for side in (a, b) if side for value in (side.p50, side.p95, side.p99)]
        table.add_row(_name(f), f"{f.clients}", *mine, *times)
    return table


def _cost(figures: list[Figure]) -> Table:
    table = _table("Cost: processor time a request in µs, share of a core, most memory seen in MiB")
    for name in (
        "clients",
        "server",
        "PostgreSQL",
        "limit's",
        "bare's",
        "wrk",
        "pgbench",
        "server MiB",
        "PostgreSQL MiB",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for f in figures:
        a, b = f.api, f.limit
        used = [f"{a.server_us:.0f}", f"{a.postgresql_us:.0f}"]
        used += [f"{side.postgresql_us:.0f}" if side else "" for side in (b, f.bare)]
        shares = [f"{a.generator_share:.0%}", f"{b.generator_share:.0%}" if b else ""]
        table.add_row(_name(f), f"{f.clients}", *used, *shares, _mib(f.server_mib), _mib(f.postgresql_mib))
    return table


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), row_styles=["", "dim"])
    table.add_column("operation", no_wrap=True)
    return table


def _name(f: Figure) -> str:
    return f"{f.subject}: {SCENARIOS[f.scenario].title}".removeprefix(": ")


def _times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _mib(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _bars(bars: list[Bar]) -> Table:
    table = Table(title="Bars", title_justify="left", box=None, padding=(0, 1))
    for name in ("ratio", "", "bar", ""):
        table.add_column(name, justify="right" if name != "ratio" else "left")
    for bar in bars:
        bound = f"≥ {bar.least}" if bar.most is None else f"≤ {bar.most}"
        verdict = "[green]pass" if bar.cleared else "[bold red]FAIL"
        known = bar.least is not None or bar.most is not None
        table.add_row(bar.text, f"{bar.value:.2f}", bound if known else "", verdict if known else "")
    return table
