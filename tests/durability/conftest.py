"""`make proof` sets CONTACTORY_PROOF: the same tests for longer. CONTACTORY_SEED plays one again."""

import os
import random
import sys
import time
from collections.abc import Callable, Generator
from contextlib import nullcontext

import pytest

from tests.durability.installation import Template, make_template

PROOF = bool(os.environ.get("CONTACTORY_PROOF"))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Generator[Template]:
    """What every installation starts from, so that it is made once."""
    with make_template(tmp_path_factory.mktemp("template") / "server.log") as made:
        yield made


@pytest.fixture
def long() -> bool:
    """Whether there is time."""
    return PROOF


@pytest.fixture
def seed() -> int:
    """What decides when something is killed, and what is written; a failed test shows it."""
    chosen = int(os.environ.get("CONTACTORY_SEED", random.randrange(1 << 32)))
    sys.stdout.write(f"CONTACTORY_SEED={chosen} plays this again\n")
    return chosen


@pytest.fixture
def progress(capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Says how far a long test is, at once; a short one says it where it fails."""
    begun = time.monotonic()

    def say(text: str) -> None:
        line = f"{time.monotonic() - begun:6.1f} s  {request.node.name}: {text}\n"
        with capfd.disabled() if PROOF else nullcontext():
            sys.stdout.write(line)
            sys.stdout.flush()

    return say


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long run may take its time."""
    for item in items:
        if PROOF and "durability" in item.path.parts:
            item.add_marker(pytest.mark.timeout(3600), append=False)
