"""One PostgreSQL for the whole run, and for each test process a database and a server process on it.

With CONTACTORY_TEST_DATABASE_URL set, the databases are made on that server and dropped afterwards.
"""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.asgi.in_process import in_process
from tests.raw_http import Client
from tests.servers import RELAXED, Server, Sql, clone, embedded_postgres, named, running, sql_at, template
from tests.world import World

_open = ExitStack()
_shared: dict[str, str] = {}


def _shared_database() -> dict[str, str]:
    """The URL of the run's PostgreSQL and the name of the template on it, started on first use."""
    if not _shared:
        url = os.environ.get("CONTACTORY_TEST_DATABASE_URL")
        url = url or _open.enter_context(embedded_postgres(RELAXED)).url
        _shared.update(url=url, template=_open.enter_context(template(url)))
    return _shared


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """pytest-xdist is about to start a worker."""
    node.workerinput["shared_database"] = _shared_database()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--asgi",
        action="store_true",
        help="run the tests that speak HTTP to the shared server, and no others, on the ASGI application",
    )


def pytest_configure(config: pytest.Config) -> None:
    # A thread of a test that fails must not pass for one that has nothing to say.
    config.addinivalue_line("filterwarnings", "error::pytest.PytestUnhandledThreadExceptionWarning")


def pytest_unconfigure() -> None:
    _open.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """No test of ours takes a minute, unless it says so itself; with --asgi, few are run."""
    if config.getoption("--asgi"):
        items[:] = [item for item in items if _speaks_http_alone(item)]
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


def _speaks_http_alone(item: pytest.Item) -> bool:
    """Whether the test asks the shared server by `http`, and knows nothing of its process or connections."""
    names = set(getattr(item, "fixturenames", ()))
    return "http" in names and not names & {"server", "connect", "private_server", "second_http"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its servers have logged since it began."""
    report = yield
    if report.failed:
        for log, start in item.stash.get(_LOGS, {}).items():
            said = log.read_bytes()[start:].decode(errors="replace") if log.exists() else ""
            if said:
                report.sections.append((f"log of {log.stem}", said[-8000:]))
    return report


_LOGS = pytest.StashKey[dict[Path, int]]()


def _watch(item: pytest.Item, server: Server) -> None:
    item.stash.setdefault(_LOGS, {})[server.log] = server.log.stat().st_size


@pytest.fixture(scope="session")
def database_url(request: pytest.FixtureRequest) -> Generator[str]:
    """A database with the schema, of this test process alone."""
    given = getattr(request.config, "workerinput", None)
    shared = given["shared_database"] if given else _shared_database()
    with clone(shared["url"], shared["template"]) as url:
        yield url


@pytest.fixture(scope="session")
def sql(database_url: str) -> Generator[Sql]:
    """SQL on the database of this test process."""
    with sql_at(database_url) as sql:
        yield sql


@pytest.fixture(scope="session")
def _server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with running(tmp_path_factory.mktemp("server") / "server.log", database_url=database_url) as server:
        yield server


@pytest.fixture(scope="session")
def _second_server(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    with running(tmp_path_factory.mktemp("server") / "second.log", database_url=database_url) as server:
        yield server


@pytest.fixture(scope="session")
def _http(request: pytest.FixtureRequest, database_url: str) -> Generator[httpx.Client]:
    if request.config.getoption("--asgi"):
        opened = in_process(database_url=database_url, log_requests="none")
    else:
        opened = client_of(request.getfixturevalue("_server"))
    with opened as http:
        yield http


@pytest.fixture(scope="session")
def _second_http(_second_server: Server) -> Generator[httpx.Client]:
    with client_of(_second_server) as http:
        yield http


def client_of(server: Server) -> httpx.Client:
    """A client of a server process, which keeps its connections."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    return httpx.Client(base_url=server.url, timeout=20, limits=limits)


@pytest.fixture
def server(_server: Server, request: pytest.FixtureRequest) -> Server:
    """The server process that all tests of this test process share."""
    _watch(request.node, _server)
    return _server


@pytest.fixture
def http(_http: httpx.Client, request: pytest.FixtureRequest) -> httpx.Client:
    """A client of the shared server, without a key; with --asgi, of the ASGI application."""
    if not request.config.getoption("--asgi"):
        request.getfixturevalue("server")  # whose log a failed test shows
    return _http


@pytest.fixture
def second_http(
    _second_http: httpx.Client, _second_server: Server, request: pytest.FixtureRequest
) -> httpx.Client:
    """A client of a second server process on the same database: `world.alice.at(second_http)`."""
    _watch(request.node, _second_server)
    return _second_http


@pytest.fixture
def world(sql: Sql, http: httpx.Client) -> World:
    """A fresh Acme and Globex."""
    return World(sql, http)


@pytest.fixture
def connect(server: Server) -> Generator[Callable[[], Client]]:
    """Opens connections to the shared server that send what they are told to, byte by byte."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Client(server.url))


@pytest.fixture
def private_server(
    database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Generator[Callable[..., httpx.Client]]:
    """Starts a server process of the test's own on the same database, with the settings given.

    `private_server(rate_limit=5)` gives a client of it.
    """
    with ExitStack() as stack:

        def start(**settings: object) -> httpx.Client:
            log = tmp_path / f"private-{len(list(tmp_path.iterdir()))}.log"
            server = stack.enter_context(running(log, **{"database_url": database_url, **settings}))
            _watch(request.node, server)
            return stack.enter_context(client_of(server))

        yield start


@pytest.fixture
def new_database(sql: Sql) -> Generator[Callable[[], str]]:
    """Makes an empty database, and gives its URL."""
    made: list[str] = []

    def make() -> str:
        made.append(f"contactory_cli_{secrets.token_hex(4)}")
        sql.execute(f"create database {made[-1]} template template0")
        return named(sql.url, made[-1])

    yield make
    for name in made:
        sql.execute(f"drop database {name}")
