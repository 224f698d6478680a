"""One run of a load, by wrk against the server or by pgbench against its PostgreSQL."""

import json
import os
import re
import resource
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench import bare
from bench.loads import STRIDE, Scenario, filled
from bench.stage import BenchError, MemoryWatch, Stage, Usage

Side = Literal["api", "uvicorn", "limit", "bare"]
"""The server of our own, the same application under uvicorn, the limit, or the limit on bare tables."""
PGBENCH: tuple[Side, ...] = ("limit", "bare")


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run gave; latencies in milliseconds, CPU in seconds, memory in MiB."""

    scenario: str
    side: Side
    clients: int
    requests: int
    seconds: float
    round: int = 0
    subject: str = ""
    """What was measured, where it is more than one thing."""
    p50: float
    p95: float
    p99: float
    cpu: Usage
    generator_cpu: float
    memory: Usage | None = None

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def run(built: Stage, scenario: Scenario, side: Side, clients: int, seconds: int, turn: int = 0) -> Run:
    """Runs a load. Raises BenchError where one answer is not the success that it must be."""
    with MemoryWatch(built, seconds) as watch:
        before, generator = built.cpu(side), _generator_cpu()
        if side in PGBENCH:
            said = _pgbench(built, scenario, clients, seconds, side)
        else:
            said = _wrk(built, scenario, clients, seconds, side)
        after = built.cpu(side)
    used = Usage(after.server - before.server, after.postgresql - before.postgresql)
    if scenario.writes and side != "bare":
        built.acknowledged += said["requests"] * scenario.items
        built.in_doubt += clients * scenario.items  # wrk leaves when the time is up, whatever is under way.
    return Run(
        scenario=scenario.name,
        side=side,
        clients=clients,
        round=turn,
        cpu=used,
        generator_cpu=_generator_cpu() - generator,
        memory=watch.seen if side == "api" else None,
        **said,
    )


def rehearse(built: Stage, scenario: Scenario, sides: Collection[Side] = ("api", "limit")) -> None:
    """Warms a load up, and checks the status of every answer, which is too dear to do while measuring."""
    clients, seconds = (4, 1) if scenario.items < 1000 else (1, 2)
    servers: tuple[Side, ...] = ("api", "uvicorn")
    for side in servers:
        if side not in sides:
            continue
        said = _wrk(built, scenario, clients, seconds, side, "check")
        if scenario.writes:
            built.acknowledged += said["requests"] * scenario.items
            built.in_doubt += clients * scenario.items
    for side in PGBENCH:
        if scenario.statement and side in sides:
            said = _pgbench(built, scenario, 4, 1, side)
            built.acknowledged += said["requests"] * scenario.items * scenario.writes * (side != "bare")


def _generator_cpu() -> float:
    # wrk and pgbench are the only children that end while the benchmark runs.
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _command(what: str, command: list[str], options: str = "") -> "subprocess.CompletedProcess[str]":
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        env=os.environ | {"PGOPTIONS": f"-c synchronous_commit=on {options}"},
    )
    if result.returncode:
        raise BenchError(f"{what} failed: {(result.stderr or result.stdout)[-2000:]}")
    return result


def _wrk(
    built: Stage, scenario: Scenario, clients: int, seconds: int, side: Side, check: str = ""
) -> dict[str, Any]:
    script = built.folder / "load.lua"
    script.write_text(filled(scenario, built).lua)
    built.runs += 1
    first = built.take_numbers(STRIDE) if scenario.creates else 0
    command = [
        "wrk",
        "-t1",
        f"-c{clients}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "--latency",
        "-s",
        str(script),
    ]
    result = _command("wrk", [*command, built.address_of(side), "--", str(built.runs), str(first), check])
    line, _, answer = result.stderr.partition("\n")
    said = json.loads(line)
    failed, lost = said.pop("failed"), said.pop("lost")
    if failed or lost or not said["requests"]:
        raise BenchError(
            f"{scenario.title}, {clients} clients: {failed} of {said['requests']} answers were no success, "
            f"{lost} connections broke or timed out. {answer}\n{built.log.read_text()[-3000:]}"
        )
    return said


_FIGURES = {
    "requests": re.compile(r"number of transactions actually processed: (\d+)"),
    "failed": re.compile(r"number of failed transactions: (\d+)"),
    "tps": re.compile(r"tps = ([0-9.]+)"),
}


def _pgbench(built: Stage, scenario: Scenario, clients: int, seconds: int, side: Side) -> dict[str, Any]:
    script, log = built.folder / "load.sql", built.folder / "pgbench"
    script.write_text(filled(scenario, built).sql or "")
    first = built.take_numbers(STRIDE * clients) if scenario.creates else 0
    # Its time starts before it has connected, which takes many clients a good part of a second.
    length = str(seconds + (clients > 16))
    command = [str(built.pgbench), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", length]
    command += ["-D", f"first={first}", "-D", "i=0", "-f", str(script), "-l", "--log-prefix", str(log)]
    options = f"-c search_path={bare.SCHEMA}" if side == "bare" else ""
    result = _command("pgbench", [*command, built.url], options)
    found = {name: pattern.search(result.stdout) for name, pattern in _FIGURES.items()}
    figures = {name: float(match[1]) for name, match in found.items() if match}
    if len(figures) < len(_FIGURES) or figures["failed"] or not figures["requests"]:
        raise BenchError(f"pgbench did not do all that it was told: {result.stdout}{result.stderr}")
    p50, p95, p99 = _percentiles(built.folder.glob("pgbench.*"))
    seconds_of_work = figures["requests"] / figures["tps"]
    return {
        "requests": int(figures["requests"]),
        "seconds": seconds_of_work,
        "p50": p50,
        "p95": p95,
        "p99": p99,
    }


def _percentiles(logs: Iterable[Path]) -> list[float]:
    """Milliseconds of p50, p95 and p99, from the third word of each line: a transaction's microseconds."""
    times: list[int] = []
    for log in logs:
        times += [int(line.split(" ", 3)[2]) for line in log.read_text().splitlines()]
        log.unlink()
    times.sort()
    return [times[int((len(times) - 1) * part)] / 1000 for part in (0.5, 0.95, 0.99)]
