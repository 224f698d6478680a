"""GET /v1/jobs, GET /v1/jobs/{id}, POST …/cancel, GET …/problems."""

import asyncio
import csv
import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from contactory.base.ids import new_id
from contactory.database.db import Database
from contactory.jobs.watch import JobWatch
from tests.jobs.conftest import Work
from tests.jobs.kinds import TYPE
from tests.servers import running
from tests.waiting import until
from tests.world import World, pointers

PATH = "/v1/jobs"


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()]


def test_a_job_shows_all_of_itself_and_nothing_more(work: Work, world: World) -> None:
    job = work.enqueue(items=4, size=3)
    path = f"{PATH}/{job.id}"
    shown = world.bob.get(path).json()
    assert shown == {
        "id": job.id,
        "workspaceId": world.acme,
        "type": TYPE,
        "status": "queued",
        "progress": {"done": 0, "total": None},
        "result": {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0},
        "createdAt": shown["createdAt"],
        "startedAt": None,
        "finishedAt": None,
        "actor": {"type": "api_key", "id": world.alice.key_id, "name": "Alice"},
        "undoableUntil": None,
    }
    work.run()
    ended = world.bob.get(path).json()
    assert (ended["status"], ended["progress"]) == ("done", {"done": 4, "total": 4})
    assert ended["result"]["updated"] == 4
    assert ended["createdAt"] <= ended["startedAt"] <= ended["finishedAt"]


def test_jobs_are_listed_from_the_newest_page_by_page(work: Work, world: World) -> None:
    made = [work.enqueue().id for _ in range(5)][::-1]
    work.enqueue(world.acme_two)
    assert ids(world.bob.get(PATH)) == made
    walked: list[str] = []
    answer = world.bob.get(PATH, limit=2)
    for _ in range(2):
        walked += ids(answer)
        newer = work.enqueue().id
        following = httpx.URL(answer.links["next"]["url"])
        answer = world.bob.get(following.raw_path.decode())
        assert newer not in walked
    assert walked + ids(answer) == made
    assert "link" not in answer.headers


def test_a_list_is_narrowed_by_type_and_status(work: Work, world: World) -> None:
    done = work.enqueue(items=1).id
    work.run()
    other, waiting = work.enqueue(job_type="otherTest").id, work.enqueue().id
    assert ids(world.bob.get(PATH, status="done")) == [done]
    assert ids(world.bob.get(PATH, status="queued")) == [waiting, other]
    assert ids(world.bob.get(PATH, type="otherTest")) == [other]
    assert ids(world.bob.get(PATH, type="otherTest", status="done")) == []
    assert ids(world.bob.get(PATH, type="bulk")) == []
    answer = world.bob.get(PATH, status="queued", type=TYPE, limit=1)
    assert "link" not in answer.headers
    work.enqueue()
    following = world.bob.get(PATH, status="queued", type=TYPE, limit=1).links["next"]["url"]
    assert ids(world.bob.get(httpx.URL(following).raw_path.decode())) == [waiting]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"status": "over", "type": "a b"}, {"status": "unknown_value", "type": "unknown_value"}),
        ({"status": "", "type": ""}, {"status": "required", "type": "required"}),
        ({"limit": "0", "cursor": "x"}, {"limit": "out_of_range", "cursor": "invalid_id"}),
        ({"state": "done"}, {"state": "unknown_parameter"}),
    ],
)
def test_a_wrong_query_of_the_list_is_refused_all_at_once(
    world: World, query: dict[str, str], codes: dict[str, str]
) -> None:
    answer = world.bob.get(PATH, **query)
    assert answer.status_code == 400
    assert pointers(answer) == codes


def test_an_account_key_says_which_workspace_it_lists_and_finds_jobs_by_their_ids(
    work: Work, world: World
) -> None:
    job = work.enqueue()
    assert pointers(world.ada.get(PATH)) == {"workspaceId": "required"}
    assert ids(world.ada.get(PATH, workspaceId=world.acme)) == [job.id]
    assert world.ada.get(f"{PATH}/{job.id}").status_code == 200
    assert world.ada.get(f"{PATH}/{job.id}/problems").json() == []
    assert world.ada.post(f"{PATH}/{job.id}/cancel").status_code == 200


@pytest.mark.parametrize("rest", ["", "/problems", "/problems?format=csv", "/cancel"])
def test_what_is_not_there_is_not_found(work: Work, world: World, rest: str) -> None:
    job = work.enqueue()
    method = "POST" if rest == "/cancel" else "GET"
    for caller in (world.carol, world.tom, world.caller(world.acme_two)):
        assert caller.request(method, f"{PATH}/{job.id}{rest}").status_code == 404
    for job_id in (new_id(), "x", world.acme):
        assert world.alice.request(method, f"{PATH}/{job_id}{rest}").status_code == 404
    assert world.bob.get(f"{PATH}/{job.id}").json()["status"] == "queued"


# Waiting.


def test_waiting_ends_with_a_change(work: Work, world: World) -> None:
    job = work.enqueue(items=2)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.bob.get, f"{PATH}/{job.id}", wait=30)
        time.sleep(0.7)
        assert not waiting.done()
        work.run(1)
        assert waiting.result(timeout=15).json()["progress"]["done"] == 1
        waiting = pool.submit(world.bob.get, f"{PATH}/{job.id}", wait=30)
        time.sleep(0.2)
        assert world.alice.post(f"{PATH}/{job.id}/cancel").status_code == 200
        assert waiting.result(timeout=15).json()["status"] == "cancelled"


def test_waiting_for_what_has_ended_or_with_no_time_is_answered_at_once(work: Work, world: World) -> None:
    job, ended = work.enqueue(job_type="otherTest"), work.enqueue(items=1)
    work.run()
    plain = min(timed(lambda: world.bob.get(f"{PATH}/{job.id}")) for _ in range(3))
    assert timed(lambda: world.bob.get(f"{PATH}/{ended.id}", wait=30)) < plain + 15
    assert timed(lambda: world.bob.get(f"{PATH}/{job.id}", wait=0)) < plain + 15
    assert world.bob.get(f"{PATH}/{ended.id}", wait=30).json()["status"] == "done"


def timed(call: Callable[[], Any]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def test_waiting_ends_with_its_time(work: Work, world: World) -> None:
    job = work.enqueue(job_type="otherTest")
    begun = time.monotonic()
    answer = world.bob.get(f"{PATH}/{job.id}", wait=1)
    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize("wait", ["31", "-1", "1.5", "soon"])
def test_a_time_to_wait_that_cannot_be_is_refused(work: Work, world: World, wait: str) -> None:
    answer = world.bob.get(f"{PATH}/{work.enqueue().id}", wait=wait)
    assert (answer.status_code, pointers(answer)) == (400, {"wait": "out_of_range"})


def test_those_who_wait_hold_no_connection_of_the_database(
    work: Work, world: World, private_server: Callable[..., httpx.Client]
) -> None:
    http = private_server(pool_size=2)
    job = work.enqueue(job_type="otherTest")
    bob, alice = world.bob.at(http), world.alice.at(http)
    with ThreadPoolExecutor(30) as pool:
        waiting = [pool.submit(bob.get, f"{PATH}/{job.id}", wait=30) for _ in range(30)]
        time.sleep(1)
        for _ in range(10):
            assert alice.get("/v1/tags").status_code == 200
        assert not any(each.done() for each in waiting)
        assert alice.post(f"{PATH}/{job.id}/cancel").status_code == 200
        assert {each.result(timeout=20).json()["status"] for each in waiting} == {"cancelled"}


def test_waiting_ends_when_the_key_is_revoked(work: Work, world: World) -> None:
    job = work.enqueue(job_type="otherTest")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.bob.get, f"{PATH}/{job.id}", wait=30)
        time.sleep(0.5)
        world.sql.execute("update api_keys set revoked_at = now() where id = $1", world.bob.key_id)
        assert waiting.result(timeout=15).status_code == 401


def test_waiting_ends_with_not_found_if_the_workspace_is_deleted(work: Work, world: World) -> None:
    job = work.enqueue(world.acme_two, job_type="otherTest")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.ada.get, f"{PATH}/{job.id}", wait=3)
        time.sleep(0.5)
        assert world.ada.delete(f"/v1/workspaces/{world.acme_two}").status_code == 204
        assert waiting.result(timeout=15).status_code == 404


def test_a_server_that_stops_answers_those_who_wait(work: Work, world: World, tmp_path: Path) -> None:
    job = work.enqueue(job_type="otherTest")
    key = {"authorization": f"Bearer {world.bob.key}"}
    with (
        running(tmp_path / "server.log", database_url=world.sql.url) as server,
        ThreadPoolExecutor(1) as pool,
    ):
        url = f"{server.url}{PATH}/{job.id}?wait=30"
        waiting = pool.submit(httpx.get, url, headers=key, timeout=40)
        time.sleep(1)
        server.stop()
        assert waiting.result().status_code == 200


# Cancelling.


def test_a_job_is_cancelled_once(work: Work, world: World) -> None:
    job = work.enqueue(items=3)
    work.run(1)
    answer = world.wendy.post(f"{PATH}/{job.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json() == world.bob.get(f"{PATH}/{job.id}").json()
    assert answer.json()["finishedAt"]
    again = world.wendy.post(f"{PATH}/{job.id}/cancel")
    assert (again.status_code, again.json()["retryable"]) == (409, False)
    assert "cancelled already" in again.json()["detail"]
    assert work.run() == 0
    assert work.items(job) == [0]


@pytest.mark.parametrize("status", ["done", "failed"])
def test_what_has_ended_cannot_be_cancelled(work: Work, world: World, status: str) -> None:
    job = work.enqueue(items=1, failsAt=0 if status == "failed" else 9, fails=1, how="clash")
    work.run()
    refused = world.alice.post(f"{PATH}/{job.id}/cancel")
    assert refused.status_code == 409
    assert status in refused.json()["detail"]
    assert world.alice.get(f"{PATH}/{job.id}").json()["status"] == status


def test_cancelling_heeds_keys_of_retries_dry_runs_and_permissions(work: Work, world: World) -> None:
    job = work.enqueue()
    path = f"{PATH}/{job.id}/cancel"
    assert world.bob.post(path).status_code == 403
    would_be = world.alice.post(path, dryRun=True)
    assert (would_be.json()["status"], would_be.headers["x-dry-run"]) == ("cancelled", "true")
    assert world.bob.get(f"{PATH}/{job.id}").json()["status"] == "queued"
    sent = {"idempotency-key": new_id()}
    first, second = (world.alice.post(path, headers=sent) for _ in range(2))
    assert first.json() == second.json()
    assert (first.status_code, second.headers["idempotency-replayed"]) == (200, "true")


# Problems.


def test_problems_are_listed_in_their_order_page_by_page(work: Work, world: World) -> None:
    contacts = [new_id() for _ in range(5)]
    job = work.enqueue(items=1, refuse=contacts)
    work.run()
    path = f"{PATH}/{job.id}/problems"
    found = world.bob.get(path).json()
    assert [each["contactId"] for each in found] == contacts
    assert found[0]["problem"] == {
        "type": "/errors/validation-error",
        "title": "Validation Error",
        "status": 400,
        "detail": '"Lead Sorce" is unknown (and 1 more)',
        "instance": f"/v1/contacts/{contacts[0]}",
        "requestId": "tests",
        "retryable": False,
        "errors": [
            {
                "pointer": "/customFields/Lead Sorce",
                "code": "unknown_custom_field",
                "detail": '"Lead Sorce" is unknown',
                "suggestion": "=Lead Source",
            },
            {"pointer": "/firstName", "code": "wrong_length", "detail": "is too long"},
        ],
    }
    walked: list[str] = []
    answer = world.bob.get(path, limit=2)
    while True:
        walked += [each["contactId"] for each in answer.json()]
        if "next" not in answer.links:
            break
        answer = world.bob.get(httpx.URL(answer.links["next"]["url"]).raw_path.decode())
    assert walked == contacts
    assert world.bob.get(f"{PATH}/{job.id}").json()["result"]["failed"] == 5


def test_problems_come_as_a_file_that_a_spreadsheet_may_open(work: Work, world: World) -> None:
    contacts = [new_id() for _ in range(3)]
    job = work.enqueue(items=1, refuse=contacts, failsAt=9)
    work.run()
    answer = world.bob.get(f"{PATH}/{job.id}/problems", format="csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="problems-{job.id}.csv"'
    head, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), strict=True)
    assert head == ["contactId", "status", "code", "pointer", "detail", "suggestion"]
    wrong = ["unknown_custom_field", "/customFields/Lead Sorce", '"Lead Sorce" is unknown', "'=Lead Source"]
    assert lines[0] == [contacts[0], "400", *wrong]
    assert lines[1] == [contacts[0], "400", "wrong_length", "/firstName", "is too long", ""]
    assert len(lines) == 6


def test_a_failed_job_has_its_own_problem_in_both_forms(work: Work, world: World) -> None:
    job = work.enqueue(items=1, failsAt=0, fails=1, how="clash")
    work.run()
    path = f"{PATH}/{job.id}/problems"
    [found] = world.bob.get(path).json()
    assert (found["contactId"], found["problem"]["status"]) == (None, 409)
    lines = world.bob.get(path, format="csv").content.decode("utf-8-sig").splitlines()
    assert lines[1:] == ['"","409","conflict","","No.",""']


@pytest.mark.parametrize("query", [{"format": "xml"}, {"cursor": "0"}, {"limit": "1001"}])
def test_a_wrong_query_of_the_problems_is_refused(work: Work, world: World, query: dict[str, str]) -> None:
    answer = world.bob.get(f"{PATH}/{work.enqueue().id}/problems", **query)
    assert (answer.status_code, list(pointers(answer))) == (400, list(query))


def test_a_change_is_seen_through_whichever_process_is_asked(
    work: Work, world: World, second_http: httpx.Client
) -> None:
    job = work.enqueue(items=1)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(world.bob.at(second_http).get, f"{PATH}/{job.id}", wait=30)
        time.sleep(0.2)
        work.run()
        until(waiting.done)
    assert waiting.result().json()["status"] in ("running", "done")


def test_the_waiting_requests_of_a_workspace_leave_room_for_another() -> None:
    async def run() -> None:
        watch = JobWatch(cast("Database", None))  # It asks the database only half a second later.
        waiting = [asyncio.create_task(watch.change("one", "job", 1, 5)) for _ in range(500)]
        await asyncio.sleep(0)
        assert not watch.admits("one")
        assert watch.admits("another")
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert watch.admits("one")

    asyncio.run(run())
