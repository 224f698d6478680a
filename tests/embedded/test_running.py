"""A server of one folder: what a start makes, what a stop leaves, who may use it."""

import os
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from contactory.embedded import host
from contactory.embedded.server import (
    LOG_LIMIT,
    EmbeddedError,
    EmbeddedPostgres,
    database,
    default_data_dir,
    running_url,
)
from tests.embedded.servers import (
    answers,
    copy,
    first_line,
    needs_proc,
    needs_root,
    postmaster,
    processes,
    query,
    running,
    supervising,
)
from tests.waiting import until


def test_a_first_start_makes_a_private_database_that_wants_its_password(folder: Path) -> None:
    with running(folder / "store") as server:
        assert (
            query(server.url, "select current_database() || ' ' || current_user") == "contactory contactory"
        )
        assert query(server.url, "select rolsuper from pg_roles where rolname = current_user") is False
        password = (folder / "store/data-18/contactory.password").read_text()
        with pytest.raises(asyncpg.InvalidPasswordError):
            query(server.url.replace(password, "guess"), "select 1")
        assert query(server.url, "show listen_addresses") == ""
        modes = [
            (folder / "store" / name).stat().st_mode & 0o777 for name in ("data-18", "run", "log", "lock")
        ]
        assert modes == [0o700, 0o700, 0o600, 0o600]
        assert (folder / "store/data-18/contactory.password").stat().st_mode & 0o777 == 0o600


def test_the_database_knows_letters_beyond_ascii(store: Path) -> None:
    with running(store) as server:
        query(server.url, "create extension pg_trgm")
        assert query(server.url, "select show_trgm('Жук') <> '{}' and lower('ÄЖ') = 'äж'")
        assert query(server.url, "show server_encoding") == "UTF8"


def test_the_tools_of_libpq_take_the_url(store: Path) -> None:
    with running(store) as server:
        psql = [store / "postgresql-18/bin/psql", server.url, "-Atc", "select body from note"]
        assert subprocess.run(psql, capture_output=True, text=True).stdout == "kept\n"


def test_nothing_of_ours_passes_for_a_system_object(store: Path) -> None:
    """For pg_upgrade would leave it behind."""
    with running(store) as server:
        oids = "select min(o) from (select oid from pg_database where datname = 'contactory' union all "
        assert (
            query(server.url, oids + "select oid from pg_roles where rolname = 'contactory') x (o)") >= 16384
        )


def test_settings_of_the_caller_come_last(store: Path) -> None:
    with running(store, settings={"fsync": "off"}) as server:
        assert query(server.url, "show fsync") == "off"
        assert query(server.url, "show jit") == "off"


@needs_proc
def test_stopping_leaves_no_process_and_no_socket(store: Path) -> None:
    with running(store):
        assert len(processes(store)) >= 4
        assert list((store / "run").iterdir())
    assert not processes(store)
    assert not (store / "run").exists()
    assert not (store / "data-18/postmaster.pid").exists()


@needs_root
def test_root_steps_down_to_a_system_user(store: Path) -> None:
    with running(store):
        owner = host.user_name(Path(f"/proc/{postmaster(store)}").stat().st_uid)
        assert owner == host.SYSTEM_USER
        assert (store / "postgresql-18").stat().st_uid == 0


@pytest.mark.parametrize("name", ["long" * 40, "a,b", 'it\'s "quoted" ü %20'])
def test_any_path_will_do(template: Path, folder: Path, name: str) -> None:
    (folder / name).mkdir()
    with running(copy(template, folder / name / "store")) as server:
        assert query(server.url, "select body from note") == "kept"
        sockets = Path(parse_qs(urlsplit(server.url).query)["host"][0])
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_the_log_stays_small(store: Path) -> None:
    with running(store):
        with (store / "log").open("ab") as log:
            log.write(b"x" * (LOG_LIMIT + 1))
        until(lambda: (store / "log").stat().st_size < 1000)
        assert (store / "log.1").stat().st_size > LOG_LIMIT


def test_the_default_folder_follows_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/contactory")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert default_data_dir() == Path("/data/contactory")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_data_dir() == Path.home() / ".local/share/contactory"


def test_a_second_supervisor_is_refused_with_the_pid_of_the_first(store: Path) -> None:
    with supervising(store) as supervisor:
        first_line(supervisor)
        with pytest.raises(EmbeddedError, match=f"Process {supervisor.pid} is already running"):
            EmbeddedPostgres(store).start()
        url = running_url(store)
        assert url
        assert answers(url)


def test_a_command_uses_the_running_server_and_leaves_it_running(store: Path) -> None:
    with running(store) as server:
        with database(store) as url:
            assert url == server.url == running_url(store)
        assert answers(server.url)
    assert running_url(store) is None


@needs_proc
def test_a_command_without_a_running_server_has_one_of_its_own(store: Path) -> None:
    with database(store) as url:
        assert query(url, "select body from note") == "kept"
        assert running_url(store) is None
    assert not processes(store)


def test_commands_take_turns(store: Path) -> None:
    turns: list[str] = []

    def second() -> None:
        with database(store) as url:
            turns.append(query(url, "select 'second'"))

    with database(store) as url:
        waiting = threading.Thread(target=second)
        waiting.start()
        time.sleep(0.3)
        turns.append(query(url, "select 'first'"))
    waiting.join()
    assert turns == ["first", "second"]


def test_nothing_runs_where_there_is_no_folder(folder: Path) -> None:
    assert running_url(folder / "absent") is None
