"""`/metrics`: exact counts of what was asked, by whichever process, also of those that have ended."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contactory import __version__
from tests.conftest import client_of
from tests.process.test_workers import until, workers
from tests.servers import PROJECT, Server, running
from tests.world import World

Value = Callable[..., float]


def scraped(url: str | httpx.URL) -> Value:
    """What a scrape finds: `value("contactory_errors_total", label="…")`."""
    answer = httpx.get(f"{url}/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            series = (sample.name, frozenset(sample.labels.items()))
            assert series not in found, f"{series} stands there twice"
            found[series] = sample.value

    def value(name: str, **labels: str) -> float:
        return found.get((name, frozenset(labels.items())), 0.0)

    return value


def test_metrics_count_every_answer_exactly(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    http = private_server()
    alice = world.alice.at(http)
    made = [alice.made()["id"] for _ in range(3)]
    begun = time.monotonic()
    for contact_id in made * 4:
        assert alice.fetch(contact_id).status_code == 200
    assert [alice.fetch(world.carol.workspace_id).status_code for _ in range(5)] == [404] * 5
    took = time.monotonic() - begun
    for number in range(7):
        assert alice.patch(made[0], {"firstName": f"{number}"}).status_code == 200

    value = scraped(http.base_url)
    answers = {("200", 12.0), ("404", 5.0)}
    for status, count in answers:
        assert value("contactory_requests_total", operation="getContact", status=status) == count
    of_get = {"operation": "getContact"}
    assert value("contactory_request_seconds_count", **of_get) == 17
    assert 0 < value("contactory_request_seconds_sum", **of_get) <= took
    bounds = (
        "0.001",
        "0.002",
        "0.005",
        "0.01",
        "0.02",
        "0.05",
        "0.1",
        "0.2",
        "0.5",
        "1.0",
        "2.0",
        "5.0",
        "10.0",
    )
    buckets = [value("contactory_request_seconds_bucket", le=le, **of_get) for le in (*bounds, "+Inf")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 17
    # One after the other, each change has a commit of its own.
    assert value("contactory_write_batch_size_count") == value("contactory_write_batch_size_sum") == 7
    assert value("contactory_write_batch_size_bucket", le="1.0") == 7
    assert value("contactory_write_batch_size_bucket", le="+Inf") == 7
    assert value("contactory_errors_total") == 0


def test_a_batch_of_changes_is_counted_by_the_commits_that_carried_it(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    http = private_server()
    alice = world.alice.at(http)
    made = [alice.made()["id"] for _ in range(40)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: alice.patch(each, {"lastName": "New"}), made * 3))
    value = scraped(http.base_url)
    assert value("contactory_write_batch_size_sum") == 120
    assert 1 <= value("contactory_write_batch_size_count") <= 120


@pytest.fixture
def pair(database_url: str, tmp_path: Path) -> Generator[Server]:
    """Two server processes on one port."""
    with running(tmp_path / "server.log", database_url=database_url, workers=2) as started:
        until(lambda: len(workers(started)) == 2)
        yield started


def ask_live(server: Server, times: int) -> None:
    """Asks on connections of their own, which are spread over the processes."""
    for _ in range(times):
        assert httpx.get(f"{server.url}/health/live").status_code == 200


def lives(server: Server) -> float:
    return scraped(server.url)("contactory_requests_total", operation="live", status="200")


def test_whichever_process_is_asked_tells_of_all(pair: Server) -> None:
    ask_live(pair, 60)
    until(lambda: {lives(pair) for _ in range(8)} == {60.0})


def test_what_a_process_has_counted_outlives_it_and_its_file_does_not(pair: Server, tmp_path: Path) -> None:
    ask_live(pair, 60)
    until(lambda: {lives(pair) for _ in range(8)} == {60.0})
    time.sleep(1.2)  # Each writes down what it has counted once a second.
    for _ in range(2):
        for victim in workers(pair):
            os.kill(victim.pid, signal.SIGKILL)
            until(lambda gone=victim.pid: gone not in {each.pid for each in workers(pair)})
        until(lambda: len(workers(pair)) == 2)
    [folder] = tmp_path.glob("contactory-metrics-*")
    pids = {each.pid for each in workers(pair)}
    until(lambda: {int(file.name.partition("-")[0]) for file in folder.glob("[0-9]*")} == pids)
    assert {lives(pair) for _ in range(8)} == {60.0}


def test_the_connections_of_a_process_that_has_ended_are_not_counted(pair: Server) -> None:
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(socket.create_connection(("127.0.0.1", pair.port)))
        until(lambda: scraped(pair.url)("contactory_connections") >= 30)
        for victim in workers(pair):
            os.kill(victim.pid, signal.SIGKILL)
        until(lambda: len(workers(pair)) == 2)
        until(lambda: scraped(pair.url)("contactory_connections") < 10)


def test_when_a_job_was_last_done_is_the_newest_of_all_processes(pair: Server) -> None:
    def last_done(job: str) -> float:
        return scraped(pair.url)("contactory_job_last_success_seconds", job=job)

    for job in ("poll", "sweep_tags"):
        until(lambda job=job: {last_done(job) > time.time() - 60 for _ in range(4)} == {True})
        assert last_done(job) < time.time() + 5


def test_each_process_has_its_time_memory_and_descriptors(pair: Server) -> None:
    ask_live(pair, 20)
    expected = {"supervisor": pair.process.pid}
    until(lambda: scraped(pair.url)("process_open_fds", process="server-2") > 0)
    value = scraped(pair.url)
    found = {value("process_start_time_seconds", process=f"server-{number}") for number in (1, 2)}
    assert {round(start, 1) for start in found} == {round(each.create_time(), 1) for each in workers(pair)}
    for process in (*expected, "server-1", "server-2"):
        assert value("process_cpu_seconds_total", process=process) > 0.05
        assert 10e6 < value("process_resident_memory_bytes", process=process) < 500e6
        assert value("process_virtual_memory_bytes", process=process) > 10e6
        assert 3 < value("process_open_fds", process=process) < value("process_max_fds", process=process)
    memory = psutil.Process(pair.process.pid).memory_info().rss
    assert 0.5 < value("process_resident_memory_bytes", process="supervisor") / memory < 2


def test_the_metrics_are_those_of_the_documentation(pair: Server) -> None:
    ask_live(pair, 20)
    until(lambda: scraped(pair.url)("process_open_fds", process="server-2") > 0)
    table = (PROJECT / "docs/running.md").read_text().partition("## Metrics")[2].partition("What to watch")[0]
    promised = {
        (name, frozenset(re.findall(r"\w+", labels)))
        for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name, labels in re.findall(r"`(\w+)(?:\{(.*?)\})?`", cell)
    }
    found = set[tuple[str, frozenset[str]]]()
    for family in text_string_to_metric_families(httpx.get(f"{pair.url}/metrics").text):
        for sample in family.samples:
            name = family.name if family.type == "histogram" else sample.name
            found.add((name, frozenset(sample.labels) - {"le"}))
    assert found == promised


def test_the_metrics_name_what_runs(server: Server) -> None:
    with client_of(server) as http:
        assert http.get("/health/ready").status_code == 200
        lines = [line for line in http.get("/metrics").text.splitlines() if "contactory_build_info{" in line]
    assert len(lines) == 1
    assert f'version="{__version__}"' in lines[0]
    assert 'python="3.' in lines[0]
    assert 'postgresql="' in lines[0]
    assert lines[0].endswith("} 1.0")
