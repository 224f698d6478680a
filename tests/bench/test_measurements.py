"""What the measurements compare, and what they refuse."""

import shutil
from typing import NamedTuple

import pytest

from bench.figures import bars, figures
from bench.generators import Run, Side
from bench.large import CONTACTS, measure
from bench.stage import BenchError, Usage


class Disk(NamedTuple):
    free: int


def test_a_disk_without_room_is_refused_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(free=20 * 10**9))
    with pytest.raises(BenchError, match=r"needs 55 GB in /var/tmp, which has 20 GB free: make room, or"):
        measure(CONTACTS, 1, 1, 1, None)  # pyright: ignore[reportArgumentType]


def a_run(side: Side, requests: int) -> Run:
    return Run(
        scenario="patch",
        side=side,
        clients=64,
        requests=requests,
        seconds=1.0,
        p50=1.0,
        p95=2.0,
        p99=3.0,
        cpu=Usage(0.1, 0.2),
        generator_cpu=0.1,
    )


def test_a_load_is_compared_with_the_projects_own_tables_and_with_bare_ones() -> None:
    runs = [a_run("api", 900), a_run("limit", 600), a_run("bare", 1000)]
    [figure] = figures(runs)
    assert (figure.of_limit, figure.of_bare) == (1.5, 0.9)
    found = {bar.text: (bar.value, bar.cleared) for bar in bars(runs)}
    assert found["PATCH/s with 64 clients, to pgbench with 64"] == (1.5, True)
    assert found["PATCH/s with 64 clients, to pgbench on bare tables"] == (0.9, True)
