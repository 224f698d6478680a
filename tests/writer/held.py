"""Somebody else who holds on to contacts, in a transaction that takes its time."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from tests.servers import sql_at


@contextmanager
def held(url: str, contacts: Sequence[str]) -> Generator[None]:
    """Keeps the rows locked until the end of the block."""
    with sql_at(url) as sql:
        sql.execute("begin")
        sql.fetch("select from contacts where id = any($1::uuid[]) order by id for update", contacts)
        yield
        sql.execute("rollback")
