"""Waiting for what happens elsewhere, in place of a time after which it should have happened."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tests.servers import PATIENCE, Sql, sql_at

T = TypeVar("T")


def until(happens: Callable[[], T | None]) -> T:
    """What the call gives, once that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := happens()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
    return found


def until_waiting(sql: Sql, lock: str = "transactionid", count: int = 1) -> None:
    """Returns once `count` sessions wait for a lock of this kind, as pg_stat_activity says."""
    query = """select count(*) from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock' and wait_event = $1"""
    until(lambda: sql.value(query, lock) >= count)


def while_changed(sql: Sql, contact_id: str, values: str, request: Callable[[], T], *args: Any) -> T:
    """What a request gives that has read a contact, and then waits for another change to be committed.

    The change sets `values`, SQL that may use `args` from $2 on.
    """
    answers: list[T] = []
    asking = threading.Thread(target=lambda: answers.append(request()))
    with sql_at(sql.url) as other:
        other.execute("begin")
        other.execute(f"update contacts set {values}, version = version + 1 where id = $1", contact_id, *args)
        asking.start()
        try:
            until_waiting(sql)
        finally:
            other.execute("commit")
            asking.join()
    [answer] = answers
    return answer
