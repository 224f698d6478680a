"""A database of a test's own, whose months it may make and drop."""

from collections.abc import Callable, Generator

import httpx
import pytest

from contactory.database.migrate import migrate
from tests.servers import sql_at
from tests.world import World


@pytest.fixture
def apart(new_database: Callable[[], str], private_server: Callable[..., httpx.Client]) -> Generator[World]:
    """A fresh Acme and Globex in a database of their own, with a server process on it."""
    url = new_database()
    with sql_at(url) as sql:
        sql.run(migrate(sql.conn))
        yield World(sql, private_server(database_url=url))
