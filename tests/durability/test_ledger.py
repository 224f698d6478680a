"""Under load, the server, its PostgreSQL or both are killed (SIGKILL) over and over: nothing is lost."""

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.durability.installation import Installation, Template, installation
from tests.durability.ledger import Ledger
from tests.durability.load import Load
from tests.servers import SERVE

VICTIMS = ("server", "database", "both")


def kill_and_check(
    place: Installation,
    victims: Sequence[str],
    pause: tuple[float, float],
    seed: int,
    say: Callable[[str], None],
) -> tuple[int, list[str]]:
    """How much was acknowledged under a load in which `victims` are killed in turn, and the first faults."""
    rng, ledger, faults = random.Random(seed), Ledger(), list[str]()
    with Load(place.server.port, place.template.key, place.template.contacts, ledger, seed) as load:
        for number, victim in enumerate(victims, 1):
            load.wait_for(1)
            time.sleep(rng.uniform(*pause))
            place.kill(victim)
            place.recover(victim)
            faults = ledger.audit(place.database_url, place.template.workspace_id).faults + load.strange
            say(f"kill {number} of {len(victims)} ({victim}): {len(ledger.acknowledged)} acknowledged")
            if faults:
                break
    faults = faults or ledger.audit(place.database_url, place.template.workspace_id).faults + load.strange
    return len(ledger.acknowledged), faults


@pytest.mark.timeout(180)
@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_acknowledged_survives_every_kill(
    workers: int,
    template: Template,
    long: bool,
    seed: int,
    progress: Callable[[str], None],
    tmp_path: Path,
) -> None:
    rounds, pause, enough = (9, (0.5, 4.0), 10_000) if long else (1, (0.5, 1.5), 300)
    acknowledged = 0
    for number in range(seed, seed + rounds):
        victims = random.Random(number).sample(VICTIMS * 2, 6)
        with installation(template, tmp_path / "server.log", workers=workers) as place:
            more, faults = kill_and_check(place, victims, pause, number, progress)
        assert not faults, (number, faults[:20])
        acknowledged += more
    assert acknowledged >= enough


EARLY = """
import asyncio
from contactory.contacts.write import lanes

async def commit_later(transaction):
    await asyncio.sleep(0.05)
    await transaction.commit()

async def answer_first(self, changes):
    conn = await self._lane.connection()
    if self._pending:
        await self._pending
    transaction = conn.transaction()
    await transaction.start()
    outcomes = await lanes.apply_changes(conn, changes, self._settings)
    self._pending = asyncio.create_task(commit_later(transaction))
    return outcomes

lanes.ChangeLane._pending = None
lanes.ChangeLane.__call__ = answer_first
"""
RELAXED = """
from contactory.database import db
from contactory.embedded import server as embedded
db._SESSION["synchronous_commit"] = "off"
# For this long, and for this much, what was committed may wait in the memory that a kill takes.
embedded.SETTINGS.update(wal_writer_delay="10s", wal_writer_flush_after="1GB")
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sabotage", [EARLY, RELAXED], ids=["answer-before-commit", "asynchronous-commit"])
def test_a_server_that_promises_too_early_is_found_out(
    sabotage: str, template: Template, seed: int, progress: Callable[[str], None], tmp_path: Path
) -> None:
    # Python reads this first in each process: so the server processes are changed too.
    (tmp_path / "sitecustomize.py").write_text(sabotage)
    program = f"import os\nos.environ['PYTHONPATH'] = {str(tmp_path)!r}\n{sabotage}\n{SERVE}"
    with installation(template, tmp_path / "server.log", program) as place:
        _, faults = kill_and_check(place, ["both"] * 3, (0.5, 1.5), seed, progress)
    assert any(fault.startswith("lost") for fault in faults)
