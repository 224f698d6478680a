"""Whatever was killed, and whatever it left behind, the next start works."""

import os
import signal
import subprocess
import time
from pathlib import Path

from contactory.embedded import host
from contactory.embedded.server import is_ready
from tests.embedded.servers import (
    answers,
    first_line,
    needs_proc,
    postmaster,
    processes,
    query,
    running,
    supervising,
)
from tests.waiting import until


@needs_proc
def test_a_killed_supervisor_takes_the_server_with_it(store: Path) -> None:
    with supervising(store) as supervisor:
        assert first_line(supervisor) == "ready"
        supervisor.kill()
        supervisor.wait()
        until(lambda: not processes(store))
    with running(store) as server:
        assert query(server.url, "select body from note") == "kept"


def test_a_start_right_after_the_supervisor_was_killed_works(store: Path) -> None:
    with supervising(store) as supervisor:
        first_line(supervisor)
        supervisor.kill()
        with running(store) as server:
            assert query(server.url, "select body from note") == "kept"


def test_a_killed_server_is_back_by_itself(store: Path) -> None:
    with running(store) as server:
        killed = postmaster(store)
        os.kill(killed, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{killed}").exists())
        until(lambda: answers(server.url))
        assert postmaster(store) != killed
        assert query(server.url, "select body from note") == "kept"


def test_a_killed_server_leaves_no_obstacle_when_its_supervisor_was_killed_too(store: Path) -> None:
    with supervising(store) as supervisor:
        first_line(supervisor)
        os.kill(postmaster(store), signal.SIGKILL)
        supervisor.kill()
        with running(store) as server:
            assert query(server.url, "select body from note") == "kept"


@needs_proc
def test_an_orphaned_server_is_stopped_and_replaced(store: Path) -> None:
    account = host.service_account()
    orphan = subprocess.Popen(
        [store / "postgresql-18/bin/postgres", "-D", store / "data-18", "-c", "unix_socket_directories="],
        stderr=subprocess.DEVNULL,
        **account.credentials,
    )
    until(lambda: is_ready(store / "data-18", orphan.pid))
    said: list[str] = []
    with running(store, report=said.append) as server:
        assert orphan.wait(1) == 0
        assert query(server.url, "select body from note") == "kept"
    assert f"process {orphan.pid}" in said[0]
    assert "not properly shut down" not in (store / "log").read_text()


@needs_proc
def test_backends_that_outlive_their_server_are_ended(store: Path) -> None:
    with running(store) as server:
        busy = "do $$ begin loop end loop; end $$"  # never looks whether the server still lives
        psql = [store / "postgresql-18/bin/psql", server.url, "-c", busy]
        with subprocess.Popen(psql, stderr=subprocess.DEVNULL) as client:
            seen = "select count(*) from pg_stat_activity where query like 'do $$%'"
            until(lambda: query(server.url, seen))
            before = set(processes(store))
            try:
                os.kill(postmaster(store), signal.SIGKILL)
                until(lambda: answers(server.url))
            finally:
                client.kill()
        assert not before & set(processes(store))


@needs_proc
def test_a_stale_pid_file_that_names_a_live_process_is_no_obstacle(store: Path) -> None:
    account = host.service_account()
    with subprocess.Popen(["sleep", "60"], **account.credentials) as bystander:
        stale = store / "data-18/postmaster.pid"
        stale.write_text(f"{bystander.pid}\n{store}/data-18\n1795000000\n5432\n\n\n")
        account.take(stale)
        with running(store) as server:
            assert query(server.url, "select body from note") == "kept"
        assert bystander.poll() is None
        bystander.kill()


def test_an_empty_pid_file_is_no_obstacle(store: Path) -> None:
    (store / "data-18/postmaster.pid").touch()
    host.service_account().take(store / "data-18/postmaster.pid")
    with running(store) as server:
        assert query(server.url, "select body from note") == "kept"


def test_a_server_that_cannot_start_is_tried_until_it_can(store: Path) -> None:
    control, aside, said = store / "data-18/global/pg_control", store / "aside", list[str]()
    with running(store, report=said.append) as server:
        control.rename(aside)
        os.kill(postmaster(store), signal.SIGKILL)
        until(lambda: any("does not start" in line for line in said))
        aside.rename(control)
        until(lambda: answers(server.url))


def test_stopping_ends_the_attempts_to_start(store: Path) -> None:
    said = list[str]()
    with running(store, report=said.append):
        (store / "data-18/global/pg_control").unlink()
        os.kill(postmaster(store), signal.SIGKILL)
        until(lambda: any("starting it again in 4 s" in line for line in said))
        stopped = time.monotonic()
    assert time.monotonic() - stopped < 4, "it did not wait for the next attempt"
    assert not processes(store)


def test_a_forked_worker_does_not_keep_the_folder_of_a_killed_supervisor(store: Path) -> None:
    with supervising(store, "fork") as supervisor:
        worker = int(first_line(supervisor))
        supervisor.kill()
        try:
            with running(store) as server:
                assert query(server.url, "select body from note") == "kept"
        finally:
            os.kill(worker, signal.SIGKILL)


def test_an_initdb_that_was_killed_does_no_harm(folder: Path) -> None:
    with supervising(folder / "store") as supervisor:
        until(lambda: list((folder / "store").glob("partial-*/new/PG_VERSION")))
        supervisor.kill()
    assert not (folder / "store/data-18").exists()
    with running(folder / "store") as server:
        assert answers(server.url)
    assert not list((folder / "store").glob("partial-*"))


def test_half_a_copy_of_the_binaries_is_replaced(store: Path) -> None:
    (store / "postgresql-18/contactory.version").unlink()
    (store / "postgresql-18/bin").unlink()
    with running(store) as server:
        assert answers(server.url)
