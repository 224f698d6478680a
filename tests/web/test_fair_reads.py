"""Slow requests of one workspace do not hold up other workspaces."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from tests.servers import sql_at
from tests.waiting import until
from tests.world import World

MANY = 8
WAITING = """
select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
"""


def test_others_are_answered_while_one_workspace_waits_for_its_slow_requests(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    http = private_server(pool_size=4, statement_timeout=60, workers=1)
    alice, carol, ada = world.alice.at(http), world.carol.at(http), world.ada.at(http)
    held, own = alice.made(), carol.made(tags=["own"])
    with sql_at(world.sql.url) as sql, ThreadPoolExecutor(MANY) as pool:
        sql.execute("begin")
        sql.fetch("select from contacts where id = $1 for update", held["id"])
        change = {"firstName": "Jill"}
        # A dry run waits for the row on a connection of the pool.
        slow: list[Future[httpx.Response]] = [
            pool.submit(alice.patch, held["id"], change, dryRun=True) for _ in range(MANY)
        ]
        until(lambda: world.sql.value(WAITING) >= 2)
        for _ in range(3):
            assert [each["id"] for each in carol.list(tag="own").json()] == [own["id"]]
            assert carol.get("/v1/tags").status_code == 200
            assert carol.history(own["id"]).status_code == 200
            assert ada.get("/v1/workspaces").status_code == 200
        fresh = world.caller(world.globex, account_id=world.globex_account_id).at(http)
        assert fresh.list().status_code == 200, "an unknown key is looked up"
        assert not any(each.done() and each.result().status_code == 200 for each in slow)
        sql.execute("commit")
    answers = [each.result() for each in slow]
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert answers[0].json()["firstName"] == "Jill"


def test_an_offset_beyond_ten_thousand_names_the_cursor(world: World) -> None:
    assert world.alice.list(offset=10_000).json() == []
    answer = world.alice.list(offset=10_001)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["parameter"], error["code"]) == (400, "offset", "out_of_range")
    assert "10000" in error["detail"]
    assert "cursor" in error["detail"]


CONTACTS = """
insert into contacts (workspace_id, id, first_name, tag_ids, fields, version, created_at, updated_at)
select $1, gen_random_uuid(), case when n % 1000 = 0 then 'Few' else 'Many' end, '{}', '{}', 1, now(), now()
  from generate_series(1, $2::int) n
"""


def test_a_total_is_exact_up_to_a_hundred_thousand_and_then_an_estimate_that_is_called_one(
    world: World,
) -> None:
    world.sql.execute(CONTACTS, world.acme, 100_000)
    answer = world.alice.list(count=True, limit=1)
    assert answer.headers["x-total-count"] == "100000"
    assert "x-total-count-exact" not in answer.headers
    world.sql.execute(CONTACTS, world.acme, 1)
    world.sql.execute("analyze contacts")
    answer = world.alice.list(count=True, limit=1)
    assert answer.headers["x-total-count-exact"] == "false"
    assert int(answer.headers["x-total-count"]) >= 100_000
