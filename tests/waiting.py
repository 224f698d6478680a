"""Waiting for what happens elsewhere, in place of a time after which it should have happened."""

import time
from collections.abc import Callable

from tests.servers import PATIENCE, Sql


def until(holds: Callable[[], bool]) -> None:
    """Returns once it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def until_waiting(sql: Sql, lock: str = "transactionid", count: int = 1) -> None:
    """Returns once `count` sessions wait for a lock of this kind, as pg_stat_activity says."""
    query = """select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and wait_event = $1"""
    until(lambda: sql.value(query, lock) >= count)
