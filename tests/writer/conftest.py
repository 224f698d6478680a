"""Servers of one and of several processes over one database."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import Server, running

_PROCESSES = (1, 3)


@pytest.fixture(scope="module", params=_PROCESSES, ids=lambda count: f"{count} processes")
def crew(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Generator[Server]:
    """A server of one process, then one of three."""
    log: Path = tmp_path_factory.mktemp("crew") / "server.log"
    with ExitStack() as stack:
        yield stack.enter_context(running(log, database_url=database_url, workers=request.param))
