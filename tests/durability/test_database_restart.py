"""PostgreSQL is restarted under load by its operator."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.durability.installation import Template, data_folder
from tests.durability.ledger import Ledger
from tests.durability.load import Load
from tests.embedded.servers import running as running_postgres
from tests.servers import running
from tests.waiting import until

BACK = 2.0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [1, 3])
def test_the_service_is_back_soon_after_its_database(
    workers: int,
    template: Template,
    long: bool,
    seed: int,
    progress: Callable[[str], None],
    tmp_path: Path,
) -> None:
    ledger = Ledger()
    with data_folder(template) as data_dir, running_postgres(data_dir, report=progress) as postgres:
        with (
            running(tmp_path / "server.log", database_url=postgres.url, workers=workers) as server,
            Load(server.port, template.key, template.contacts, ledger, seed) as load,
        ):
            for _ in range(20 if long else 2):
                load.wait_for(100)
                postgres.stop()
                refused = load.refused
                time.sleep(0.5)
                assert load.refused > refused
                assert server.answers("/health/live")
                until(lambda: not server.answers("/health/ready"))
                postgres.start()
                back = load.wait_for(1)
                progress(f"back after {back:.2f} s, {len(ledger.acknowledged)} acknowledged")
                assert back < BACK
        audit = ledger.audit(postgres.url, template.workspace_id)
    assert not audit.faults + load.strange
