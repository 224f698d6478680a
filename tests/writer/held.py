"""Contacts that cannot be changed just now: something else holds them, or a change of them takes long."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from tests.servers import Sql, sql_at

PATIENT = 60
"""Seconds to be given as a server's statement_timeout where changes take as long as a test wants."""
_LOCK = 20_261_127


@contextmanager
def held(url: str, contacts: Sequence[str]) -> Generator[None]:
    """Keeps the rows locked until the end of the block. A server gives a change of one up after a second."""
    with sql_at(url) as sql:
        sql.execute("begin")
        sql.fetch("select from contacts where id = any($1::uuid[]) order by id for update", contacts)
        yield
        sql.execute("rollback")


@contextmanager
def slow(sql: Sql, contacts: Sequence[str]) -> Generator[Callable[[], None]]:
    """A change of these contacts is at work until what this gives is called, and waits for no lock."""
    ids = ", ".join(f"'{each}'" for each in contacts)
    with sql_at(sql.url) as holder:

        def go_on() -> None:
            holder.execute("select pg_advisory_unlock_all()")

        holder.execute("select pg_advisory_lock($1)", _LOCK)
        sql.execute(
            f"""create function take_long() returns trigger language plpgsql as $$
                begin
                    while not pg_try_advisory_xact_lock_shared({_LOCK}) loop perform pg_sleep(0.01); end loop;
                    return new;
                end $$"""
        )
        sql.execute(
            f"""create trigger take_long before update on contacts for each row
                when (old.id in ({ids})) execute function take_long()"""
        )
        try:
            yield go_on
        finally:
            go_on()
            sql.execute("drop function take_long cascade")
