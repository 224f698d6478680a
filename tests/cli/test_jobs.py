"""`contactory jobs`."""

from collections.abc import Generator

import pytest

from contactory.base.ids import new_id
from tests.cli.conftest import CommandLine
from tests.jobs.conftest import Work
from tests.servers import Sql
from tests.world import World


@pytest.fixture
def work(sql: Sql, world: World) -> Generator[Work]:
    yield from Work.prepared(sql, world)


def test_jobs_are_listed_shown_and_cancelled(contactory: CommandLine, work: Work, world: World) -> None:
    contact = world.alice.made()["id"]
    done, queued = work.enqueue(items=1, refuse=[contact]), work.enqueue(job_type="otherTest")
    foreign = work.enqueue(world.globex, job_type="otherTest")
    work.run()
    listed = contactory.gives("jobs", "list")
    assert [job["id"] for job in listed[:3]] == [foreign.id, queued.id, done.id]
    assert listed[2] == world.alice.get(f"/v1/jobs/{done.id}").json()
    of_acme = contactory.gives("jobs", "list", "--workspace", world.acme, "--status", "queued")
    assert [job["id"] for job in of_acme] == [queued.id]
    shown = contactory.gives("jobs", "show", done.id)
    assert shown["job"] == listed[2]
    assert [problem["contactId"] for problem in shown["problems"]] == [contact]
    text = contactory.says("jobs", "show", done.id)
    assert f'{contact}: "Lead Sorce" is unknown' in text
    assert "1\t1" in text
    assert contactory.gives("jobs", "cancel", queued.id)["status"] == "cancelled"
    assert "cancelled already" in contactory.fails("jobs", "cancel", queued.id)
    nobody = new_id()
    for command in ("show", "cancel"):
        assert contactory.fails("jobs", command, nobody) == f"Error: The job {nobody} does not exist."
