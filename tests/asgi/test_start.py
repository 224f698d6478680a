"""How the ASGI application starts: it says in a sentence why it cannot."""

import os
import re
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.asgi.in_process import Life, in_loop
from tests.asgi.servers import SERVERS, under
from tests.servers import free_port


def start(folder: Path, **settings: object) -> str:
    """Why the application cannot start with these settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONTACTORY_")}
    given = {f"CONTACTORY_{name.upper()}": str(value) for name, value in settings.items()}
    # In a folder in which there is no file with settings.
    with chdir(folder), patch.dict(os.environ, {**kept, **given}, clear=True), in_loop() as run:
        answer = run(Life().start())
    assert answer["type"] == "lifespan.startup.failed"
    return answer["message"]


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    assert re.fullmatch(r"CONTACTORY_DATABASE_URL is not set.*contactory serve.*", start(tmp_path))


def test_what_is_wrong_with_its_settings_is_told(tmp_path: Path) -> None:
    assert "CONTACTORY_POOL_SIZE='many'" in start(tmp_path, pool_size="many")
    assert "does not have the form postgresql://" in start(tmp_path, database_url="mysql://x")


def test_a_database_that_is_away_is_told(tmp_path: Path) -> None:
    why = start(tmp_path, database_url=f"postgresql://me:hidden@127.0.0.1:{free_port()}/x")
    assert why.startswith("The database cannot be reached: ")
    assert "hidden" not in why


def test_a_schema_that_is_behind_is_told(tmp_path: Path, new_database: Callable[[], str]) -> None:
    why = start(tmp_path, database_url=new_database())
    assert re.fullmatch(r"The database's schema lacks \d+ migration\(s\): run contactory migrate\.", why)


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_cannot_start_it_ends_and_says_why(name: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with pytest.raises(AssertionError, match="does not start"), under(name, log):
        pass
    assert "CONTACTORY_DATABASE_URL is not set" in log.read_text()
