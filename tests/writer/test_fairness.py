"""A neighbour that sends much more than everybody else takes its turn like everybody else."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.waiting import until
from tests.world import Caller, World
from tests.writer.held import PATIENT, slow
from tests.writer.traffic import waiting_writes

QUIET = 8
TIMES = 10


def made(caller: Caller, count: int) -> list[str]:
    return [caller.made()["id"] for _ in range(count)]


def patched(caller: Caller, contact_id: str) -> int:
    return caller.patch(contact_id, {"firstName": "June"}).status_code


def test_a_neighbour_with_ten_times_the_load_costs_a_quiet_workspace_no_more_than_its_turn(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    # One change at a time, so that the writer's queue is what everybody waits in.
    http = private_server(writers=1, write_batch=1, statement_timeout=PATIENT)
    quiet, neighbour, other = world.carol.at(http), world.alice.at(http), world.tom.at(http)
    own, theirs, [first] = made(quiet, QUIET), made(neighbour, QUIET * TIMES), made(other, 1)

    def all_wait(count: int) -> None:
        until(lambda: waiting_writes(str(http.base_url)) == count)

    # The first one occupies the only writer until all the others wait, the neighbour's before.
    with slow(world.sql, [first]) as go_on, ThreadPoolExecutor(len(own) + len(theirs) + 1) as pool:
        answers = [pool.submit(patched, other, first)]
        all_wait(1)
        answers += [pool.submit(patched, neighbour, each) for each in theirs]
        all_wait(1 + len(theirs))
        answers += [pool.submit(patched, quiet, each) for each in own]
        all_wait(1 + len(theirs) + len(own))
        go_on()
        assert {each.result() for each in answers} == {200}
    order = in_order(world, [*own, *theirs])
    assert max(map(order.index, own)) <= 2 * QUIET, "each waited for one of the neighbour's"


def test_a_batch_of_a_neighbour_costs_a_quiet_workspace_no_more_than_its_turn(
    world: World, private_server: Callable[..., httpx.Client]
) -> None:
    http = private_server(writers=1, write_batch=1, statement_timeout=PATIENT)
    quiet, neighbour, other = world.carol.at(http), world.alice.at(http), world.tom.at(http)
    own, theirs, [first] = made(quiet, QUIET), made(neighbour, QUIET * TIMES), made(other, 1)
    operations = [{"op": "update", "id": each, "data": {"firstName": "June"}} for each in theirs]

    def all_wait(count: int) -> None:
        until(lambda: waiting_writes(str(http.base_url)) == count)

    with slow(world.sql, [first]) as go_on, ThreadPoolExecutor(len(own) + 2) as pool:
        answers = [pool.submit(patched, other, first)]
        all_wait(1)
        batch = pool.submit(neighbour.batch, *operations)
        all_wait(1 + len(theirs))
        answers += [pool.submit(patched, quiet, each) for each in own]
        all_wait(1 + len(theirs) + len(own))
        go_on()
        assert {each.result() for each in answers} == {200}
    assert {result["status"] for result in batch.result().json()["results"]} == {200}
    order = in_order(world, [*own, *theirs])
    assert max(map(order.index, own)) <= 2 * QUIET, "each waited for one of the batch's"


def in_order(world: World, contact_ids: list[str]) -> list[str]:
    """The contacts in the order in which they were changed."""
    rows = world.sql.fetch(
        """select contact_id::text from contact_events
            where contact_id = any($1::text[]::uuid[]) and version = 2 order by tx""",
        contact_ids,
    )
    return [row[0] for row in rows]
