"""A database whose clock is not that of the machine that the server runs on."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import quote

from tests.servers import Sql

_CLOCKS = ("now", "clock_timestamp")


@contextmanager
def clock(sql: Sql, ahead: str) -> Generator[str]:
    """The URL of the database as one whose clock is ahead by so much, as `1 hour` or `-1 hour`."""
    with functions(
        sql, {name: f"select pg_catalog.{name}() + interval '{ahead}'" for name in _CLOCKS}
    ) as url:
        yield url


@contextmanager
def stopped_clock(sql: Sql, moment: datetime) -> Generator[str]:
    """The URL of the database as one whose clock always shows that moment; several can be in use."""
    schema = f"clock_{secrets.token_hex(4)}"
    with functions(sql, dict.fromkeys(_CLOCKS, f"select timestamptz '{moment}'"), schema=schema) as url:
        yield url


@contextmanager
def functions(
    sql: Sql, bodies: dict[str, str], language: str = "sql", schema: str = "other_clock"
) -> Generator[str]:
    """The URL of the database as one in which functions that give the time are others."""
    sql.execute(f"create schema {schema}")
    for name, body in bodies.items():
        head = f"create function {schema}.{name}() returns timestamptz language {language}"
        sql.execute(f"{head} as $body${body}$body$")
    path = quote(f"public, {schema}, pg_catalog")
    try:
        yield f"{sql.url}{'&' if '?' in sql.url else '?'}search_path={path}"
    finally:
        sql.execute(f"drop schema {schema} cascade")
