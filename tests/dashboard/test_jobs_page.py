"""The jobs of a workspace in the settings: how far they have come, what they could not do, cancelling one."""

import csv
import io
import re
from collections.abc import Callable, Generator

import pytest

from contactory.jobs.model import Job
from tests.dashboard.conftest import Window
from tests.jobs.conftest import Work
from tests.servers import Sql
from tests.world import Person, World


@pytest.fixture
def work(sql: Sql, world: World) -> Generator[Work]:
    yield from Work.prepared(sql, world)


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def rows(person: Person, world: World, query: str = "") -> dict[str, str]:
    """What the list says of each job, by its id."""
    answer = person.get(f"/w/{world.acme}/settings/jobs?{query}")
    assert answer.status_code == 200, answer.text
    found = re.findall(r'<li class="row" data-job="(.*?)"(.*?)</li>', answer.text, re.DOTALL)
    return {job: " ".join(re.sub(r"<[^>]+>|^[^>]*>", " ", text).split()) for job, text in found}


def test_the_list_shows_type_state_progress_and_who(work: Work, world: World, olive: Person) -> None:
    assert "There are no jobs" in olive.get(f"/w/{world.acme}/settings/jobs").text
    failed = work.enqueue(items=3, failsAt=1, fails=1, how="clash")
    work.run()
    running = work.enqueue(items=3000, size=1500)
    work.run(1)
    waiting = work.enqueue(job_type="otherTest")
    found = rows(olive, world)
    assert list(found) == [waiting.id, running.id, failed.id]
    assert "otherTest waiting Started by Alice" in found[waiting.id]
    assert "running 1,500 of 3,000 Started by Alice" in found[running.id]
    assert "failed 1 of 3" in found[failed.id]
    assert "Cancel" in found[running.id]
    assert "Cancel" not in found[failed.id]
    assert 'href="/w/' + world.acme + '/settings/jobs"' in olive.get(f"/w/{world.acme}/settings/tags").text


def test_a_viewer_sees_jobs_and_cancels_none(work: Work, world: World) -> None:
    job = work.enqueue(job_type="otherTest")
    vera = world.person("viewer")
    assert "Cancel" not in rows(vera, world)[job.id]
    assert vera.post(f"/w/{world.acme}/settings/jobs/{job.id}/cancel").status_code == 403


def test_a_job_is_cancelled_by_its_button_once(work: Work, world: World, olive: Person) -> None:
    job = work.enqueue(job_type="otherTest")
    path = f"/w/{world.acme}/settings/jobs/{job.id}/cancel"
    first = olive.post(path)
    assert (first.status_code, first.headers["location"].rpartition("=")[2]) == (303, "cancelled")
    assert "Job cancelled." in olive.get(first.headers["location"]).text
    assert "cancelled" in rows(olive, world)[job.id]
    second = olive.post(path)
    assert "had ended before" in olive.get(second.headers["location"]).text


def test_the_list_goes_on_page_by_page(work: Work, world: World, olive: Person) -> None:
    made = [world.job() for _ in range(55)][::-1]
    found = list(rows(olive, world))
    assert found == made[:50]
    assert list(rows(olive, world, f"cursor={found[-1]}")) == made[50:]


def test_what_a_job_could_not_do_is_shown_and_downloaded(work: Work, world: World, olive: Person) -> None:
    contact = world.alice.made()["id"]
    job = work.enqueue(items=1, refuse=[contact])
    work.run()
    path = f"/w/{world.acme}/settings/jobs/{job.id}"
    page = olive.get(path).text
    assert "&#34;Lead Sorce&#34; is unknown (and 1 more)" in page
    assert f'href="/w/{world.acme}/contacts/{contact}"' in page
    file = olive.get(f"{path}/problems")
    assert file.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline=""), strict=True))
    assert [line[0] for line in lines] == ["contactId", contact, contact]


def test_the_list_follows_a_job_by_itself(
    windows: Callable[..., Window], work: Work, world: World, olive: Person
) -> None:
    job: Job = work.enqueue(items=3, size=1)
    world.sql.execute("update jobs set status = 'running' where id = $1", job.id)
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/settings/jobs")
    row = page.locator(f'[data-job="{job.id}"]')
    assert "running" in row.inner_text()
    # Playwright has an event loop of its own in this thread, so the job is done by the database alone.
    world.sql.execute("update jobs set done = 2, total = 3 where id = $1", job.id)
    row.get_by_text("2 of 3").wait_for()
    row.get_by_role("button", name="Cancel").click()
    page.get_by_text("Job cancelled.").wait_for()
    assert "cancelled" in page.locator(f'[data-job="{job.id}"]').inner_text()
