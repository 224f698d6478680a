"""Under load, the server, its PostgreSQL or both are killed (SIGKILL) over and over: nothing is lost."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability.installation import Installation, installation
from tests.durability.ledger import Ledger
from tests.durability.load import Load

VICTIMS = ("server", "database", "both")


def kill_and_check(
    place: Installation, kills: int, pause: tuple[float, float], seed: int, say: Callable[[str], None]
) -> tuple[Ledger, list[str]]:
    """The ledger of a load in which `kills` kills happen, and what is wrong; stops at the first fault."""
    rng, ledger = random.Random(seed), Ledger()
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(kills)]
    rng.shuffle(victims)
    faults: list[str] = []
    with Load(place.server.port, place.caller.key, place.contacts, ledger, seed) as load:
        for number, victim in enumerate(victims, 1):
            time.sleep(rng.uniform(*pause))
            place.kill(victim)
            place.recover(victim)
            faults = ledger.faults(place.database_url, place.caller.workspace_id) + load.strange
            say(f"kill {number} of {kills} ({victim}): {len(ledger.acknowledged)} acknowledged")
            if faults:
                return ledger, faults
    return ledger, ledger.faults(place.database_url, place.caller.workspace_id) + load.strange


@pytest.mark.timeout(180)
@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_acknowledged_survives_every_kill(
    workers: int, soak: bool, seed: int, progress: Callable[[str], None], tmp_path: Path
) -> None:
    kills, pause, enough = (50, (0.5, 4.0), 10_000) if soak else (6, (0.5, 2.0), 500)
    with installation(tmp_path / "server.log", workers=workers) as place:
        ledger, faults = kill_and_check(place, kills, pause, seed, progress)
        assert not faults, faults[:20]
        assert len(ledger.acknowledged) >= enough
