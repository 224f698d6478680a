"""PostgreSQL is restarted under load by its operator."""

import time
from collections.abc import Callable, Sized
from pathlib import Path

import pytest

from contactory.embedded import EmbeddedPostgres
from tests.durability.installation import Template, data_folder
from tests.durability.ledger import Ledger
from tests.durability.load import Load
from tests.servers import running

BACK = 2.0


def more_than(count: int, things: Sized) -> Callable[[], bool]:
    return lambda: len(things) > count


def seconds_until(happens: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not happens():
        assert time.monotonic() - begun < 20
        time.sleep(0.01)
    return time.monotonic() - begun


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_service_is_back_soon_after_its_database(
    workers: int,
    template: Template,
    soak: bool,
    seed: int,
    progress: Callable[[str], None],
    tmp_path: Path,
) -> None:
    ledger = Ledger()
    with data_folder(template) as data_dir:
        postgres = EmbeddedPostgres(data_dir, report=progress)
        postgres.start()
        with (
            running(tmp_path / "server.log", database_url=postgres.url, workers=workers) as server,
            Load(server.port, template.key, template.contacts, ledger, seed) as load,
        ):
            for _ in range(20 if soak else 2):
                seconds_until(more_than(len(ledger.acknowledged) + 100, ledger.acknowledged))
                postgres.stop()
                refused = load.refused
                time.sleep(0.5)
                assert load.refused > refused
                assert server.answers("/health/live")
                assert not server.answers("/health/ready")
                before = len(ledger.acknowledged)
                postgres.start()
                back = seconds_until(more_than(before, ledger.acknowledged))
                progress(f"back after {back:.2f} s, {len(ledger.acknowledged)} acknowledged")
                assert back < BACK
        audit = ledger.audit(postgres.url, template.workspace_id)
        postgres.stop()
    assert not audit.faults + load.strange
