"""PostgreSQL goes away under a running server, and comes back.

The PostgreSQL of these tests is their own and writes as durably as the one that users run.
"""

import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from contactory.database.migrate import migrate
from contactory.embedded.server import EmbeddedPostgres
from tests.conftest import client_of
from tests.servers import embedded_postgres, reachable, running, sql_at
from tests.waiting import until
from tests.world import Caller, World, at_once

ROUNDS = 3  # Times that a request may fail because of a connection from before, once PostgreSQL is back.


@pytest.fixture(scope="module")
def postgres() -> Generator[EmbeddedPostgres]:
    with embedded_postgres() as postgres:
        with sql_at(postgres.url) as sql:
            sql.run(migrate(sql.conn))
        yield postgres


@pytest.fixture(scope="module")
def served(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Generator[httpx.Client]:
    log = tmp_path_factory.mktemp("away") / "server.log"
    with running(log, database_url=postgres.url) as server, client_of(server) as http:
        yield http


@pytest.fixture
def alice(postgres: EmbeddedPostgres, served: httpx.Client) -> Caller:
    with sql_at(postgres.url) as sql:
        return World(sql, served).alice


def postmaster(postgres: EmbeddedPostgres) -> int:
    """The process id of the server."""
    [file] = postgres._data_dir.glob("data-*/postmaster.pid")  # pyright: ignore[reportPrivateUsage]
    return int(file.read_text().split()[0])


@contextmanager
def frozen(pid: int) -> Generator[None]:
    """PostgreSQL as if its machine hung: connections stay, and nothing answers."""
    family = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    for member in family:
        os.kill(member, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in family:
            os.kill(member, signal.SIGCONT)


def assert_unavailable(call: Callable[[], httpx.Response]) -> None:
    answer = call()  # The client waits for 20 seconds, the server for a quarter of that.
    assert (answer.status_code, answer.json()["type"]) == (503, "/errors/unavailable")
    assert answer.json()["retryable"] is True
    assert int(answer.headers["retry-after"]) >= 1


def every_operation(alice: Caller) -> list[Callable[[], httpx.Response]]:
    """One call of each kind that goes another way to the database."""
    contact_id, other_id = alice.made()["id"], alice.made()["id"]
    return [
        lambda: alice.fetch(contact_id),
        alice.list,
        lambda: alice.patch(contact_id, {"firstName": f"{time.monotonic()}"}),
        lambda: alice.patch(other_id, {"tags": [f"{time.monotonic()}"]}),
        lambda: alice.create({"firstName": "Jane"}),
        lambda: alice.upsert({"email": f"{time.monotonic_ns()}@example.com"}),
        lambda: alice.create({"firstName": "Jane"}, headers={"idempotency-key": f"{time.monotonic_ns()}"}),
        lambda: alice.patch(contact_id, {"firstName": "dry"}, dryRun=True),
        lambda: alice.history(contact_id),
    ]


def assert_back(postgres: EmbeddedPostgres, calls: list[Callable[[], httpx.Response]]) -> None:
    """As soon as PostgreSQL answers, each call works again after one or two failures, and goes on working."""
    until(lambda: reachable(postgres.url))
    rounds = [[call().status_code for call in calls] for _ in range(ROUNDS + 3)]
    assert all(status < 300 for found in rounds[ROUNDS:] for status in found), rounds


def assert_ready_says(alice: Caller, status: int) -> None:
    """Within a second or two: that long it goes by what it has seen."""
    until(lambda: alice.http.get("/health/ready").status_code == status)


def test_while_postgresql_is_stopped_the_answer_is_503_and_then_all_is_well_again(
    postgres: EmbeddedPostgres, alice: Caller
) -> None:
    calls = every_operation(alice)
    assert all(call().status_code < 300 for call in calls)
    postgres.stop()
    try:
        for call in calls:
            assert_unavailable(call)
        assert alice.http.get("/health/live").status_code == 200
        assert_ready_says(alice, 503)
        assert alice.http.get("/metrics").status_code == 200
    finally:
        postgres.start()
    assert_back(postgres, calls)
    assert_ready_says(alice, 200)


def test_what_needs_no_database_is_answered_while_it_is_away(
    postgres: EmbeddedPostgres, alice: Caller
) -> None:
    assert alice.list().status_code == 200
    postgres.stop()
    try:
        assert alice.http.get("/v1/contacts", headers={"authorization": "Bearer x"}).status_code == 401
        assert alice.http.get("/nowhere").status_code == 404
        assert alice.http.put("/v1/contacts").status_code == 405
    finally:
        postgres.start()
    assert_back(postgres, [alice.list])


def test_a_killed_backend_is_noticed_and_replaced(postgres: EmbeddedPostgres, alice: Caller) -> None:
    calls = every_operation(alice)
    for _ in range(3):
        with sql_at(postgres.url) as sql:
            sql.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                    where application_name = 'contactory' and pid <> pg_backend_pid()"""
            )
        assert_back(postgres, calls)


def test_a_change_answered_200_survives_the_sudden_death_of_postgresql(
    postgres: EmbeddedPostgres, alice: Caller
) -> None:
    """SIGKILL for all of PostgreSQL, in the middle of a stream of changes."""
    contacts = [alice.made(firstName="0")["id"] for _ in range(4)]
    confirmed = dict.fromkeys(contacts, 0)
    end = time.monotonic() + 4

    def write(contact_id: str) -> None:
        number = 0
        while time.monotonic() < end or confirmed[contact_id] <= 5:
            number += 1
            answer = alice.patch(contact_id, {"firstName": f"{number}"})
            assert answer.status_code in (200, 503)
            if answer.status_code == 200:
                assert answer.json()["firstName"] == f"{number}"
                confirmed[contact_id] = number

    def kill() -> None:
        time.sleep(0.7)
        os.kill(postmaster(postgres), signal.SIGKILL)

    at_once(kill, *(partial(write, contact_id) for contact_id in contacts))
    assert_back(postgres, [alice.list])
    for contact_id, number in confirmed.items():
        assert int(alice.read(contact_id)["firstName"]) >= number


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_hanging_postgresql_is_given_up_in_time(postgres: EmbeddedPostgres, alice: Caller) -> None:
    calls = every_operation(alice)
    assert all(call().status_code < 300 for call in calls)

    with frozen(postmaster(postgres)):
        answers = at_once(*calls)
    assert {answer.status_code for answer in answers} == {503}
    assert_back(postgres, calls)


def test_a_server_is_not_ready_where_the_schema_is_behind(postgres: EmbeddedPostgres, alice: Caller) -> None:
    with sql_at(postgres.url) as sql:
        sql.execute("update schema_migrations set number = number + 1000 where number = 1")
        try:
            assert_ready_says(alice, 503)
        finally:
            sql.execute("update schema_migrations set number = number - 1000 where number > 1000")
    assert_ready_says(alice, 200)
