"""SIGTERM under load: what was accepted is answered, and all ends in order."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability.installation import Template, installation
from tests.durability.ledger import Ledger
from tests.durability.load import Load
from tests.embedded.servers import running as running_postgres

CROSSING = 2.0
"""Seconds for which a request may be under way, on a busy machine."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 3])
def test_a_server_that_is_stopped_answers_what_it_has_accepted(
    workers: int, template: Template, long: bool, seed: int, progress: Callable[[str], None], tmp_path: Path
) -> None:
    ledger = Ledger()
    with installation(template, tmp_path / "server.log", workers=workers) as place:
        process = place.server.process
        with Load(place.server.port, template.key, template.contacts, ledger, seed) as load:
            load.wait_for(200)
            assert not load.unanswered
            acknowledged = len(ledger.acknowledged)
            begun = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            took = time.monotonic() - begun
        after = len(ledger.acknowledged) - acknowledged
        progress(
            f"ended in {took:.1f} s, {after} acknowledged after SIGTERM, {len(load.unanswered)} unanswered"
        )
        assert process.returncode == 0
        assert not place.database_processes()
        with running_postgres(place.data_dir, report=progress) as postgres:
            audit = ledger.audit(postgres.url, template.workspace_id)
    assert not audit.faults + load.strange
    assert after
    assert not load.broken_answers
    # A request may cross the end of its connection on the way; then the server has not begun with it.
    assert not load.unanswered.keys() & audit.found.keys()
    assert all(sent > begun - CROSSING for sent in load.unanswered.values())
