"""Whatever becomes of the processes that do jobs, each item is done exactly once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

import pytest

from contactory.jobs.model import Job
from tests.jobs.conftest import Work
from tests.servers import PATIENCE, PROJECT
from tests.waiting import until

HELD = 1.0  # In place of fifteen seconds, so that a test need not wait for them.


@contextmanager
def process(work: Work) -> Generator["subprocess.Popen[bytes]"]:
    """A process that does jobs, until the end of the block."""
    command = [sys.executable, "-m", "tests.jobs.kinds", work.sql.url, str(HELD)]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


def ended(work: Work, jobs: list[Job]) -> bool:
    return all(work.read(job).status == "done" for job in jobs)


def each_once(work: Work, jobs: list[Job], items: int) -> None:
    for job in jobs:
        assert work.items(job) == list(range(items))
        assert (work.read(job).progress.done, work.read(job).result.updated) == (items, items)


def some_jobs(work: Work, items: int, seconds: float = 0.01) -> list[Job]:
    homes = [work.world.acme, work.world.acme, work.world.acme_two, work.world.globex]
    return [work.enqueue(home, items=items, size=2, seconds=seconds) for home in homes]


@pytest.mark.timeout(120)
def test_processes_that_are_killed_at_any_moment_do_each_item_once(work: Work) -> None:
    rounds = 40 if os.environ.get("CONTACTORY_PROOF") else 4
    jobs = some_jobs(work, 40 * rounds)
    seed = int(os.environ.get("CONTACTORY_SEED", "0")) or random.randrange(10**6)
    chance = random.Random(seed)
    begun = "select coalesce(sum(done), 0) from jobs where id = any($1::text[]::uuid[])"
    ids = [job.id for job in jobs]
    for _ in range(rounds):
        before = work.sql.value(begun, ids)
        with ExitStack() as stack:
            started = [stack.enter_context(process(work)) for _ in range(2)]
            until(lambda before=before: work.sql.value(begun, ids) > before or ended(work, jobs))
            time.sleep(chance.uniform(0, 0.3))
            for each in started:
                os.kill(each.pid, signal.SIGKILL)
    with process(work):
        until(lambda: ended(work, jobs))
    each_once(work, jobs, 40 * rounds)


def cut(work: Work, started: "subprocess.Popen[bytes]") -> None:
    """Cuts every connection to the database but that of the tests."""
    work.sql.execute(
        """select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
              and query ~ 'jobs|items'"""
    )


def freeze(work: Work, started: "subprocess.Popen[bytes]") -> None:
    """Stops the process for longer than its leases last."""
    os.kill(started.pid, signal.SIGSTOP)
    time.sleep(1.5 * HELD)
    os.kill(started.pid, signal.SIGCONT)


@pytest.mark.parametrize("harm", [cut, freeze])
def test_connections_that_are_cut_and_processes_that_are_frozen_do_no_harm(
    work: Work, harm: Callable[[Work, "subprocess.Popen[bytes]"], None]
) -> None:
    jobs = some_jobs(work, 120)
    with process(work) as first, process(work) as second:
        for victim in (first, second, first):
            done = len(work.items(jobs[0]))
            until(lambda done=done: len(work.items(jobs[0])) > done or ended(work, jobs))
            harm(work, victim)
        until(lambda: ended(work, jobs))
    each_once(work, jobs, 120)


def test_a_job_is_taken_over_soon_after_its_process_was_killed(work: Work) -> None:
    job = work.enqueue(items=2, seconds=1)
    with process(work) as first:
        until(lambda: work.sql.value("select holder is not null from jobs where id = $1", job.id))
        os.kill(first.pid, signal.SIGKILL)
        assert work.items(job) == []
        with process(work):
            deadline = time.monotonic() + PATIENCE
            while not ended(work, [job]):
                assert time.monotonic() < deadline
                time.sleep(0.02)
    each_once(work, [job], 2)
