"""The rate limit of a key: a token bucket on writes."""

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.world import Caller, World, at_once

Private = Callable[..., httpx.Client]


def statuses(answers: list[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


def fill(world: World, caller: Caller, tokens: float, at: str) -> None:
    """Leaves the bucket of a key as if it was drawn on at another time, given from now on."""
    world.sql.execute(
        """insert into rate_buckets (key_id, tokens, granted, at)
           values ($1, $2, false, now() + $3::text::interval)""",
        caller.key_id,
        tokens,
        at,
    )


def test_a_key_without_a_limit_has_no_headers_and_no_end(world: World) -> None:
    answers = [world.alice.create({"firstName": "Jane"}) for _ in range(30)]
    assert statuses(answers) == [201] * 30
    assert not [name for name in answers[0].headers if name.startswith("ratelimit")]


def test_a_burst_is_granted_and_then_429(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=0.5, rate_burst=3)
    answers = [caller.create({"firstName": "Jane"}) for _ in range(5)]
    assert statuses(answers) == [201, 201, 201, 429, 429]
    problem = answers[-1].json()
    assert (problem["type"], problem["retryable"]) == ("/errors/rate-limited", True)
    assert re.fullmatch(r"[1-9]\d*", answers[-1].headers["retry-after"])
    assert len(world.alice.list().json()) == 3


def test_what_retry_after_says_is_true(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=2, rate_burst=1)
    assert caller.create({"firstName": "Jane"}).status_code == 201
    refused = caller.create({"firstName": "Jane"})
    assert refused.status_code == 429
    time.sleep(int(refused.headers["retry-after"]))
    assert caller.create({"firstName": "Jane"}).status_code == 201


def test_a_bucket_fills_at_its_rate(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=0.5, rate_burst=30)
    fill(world, caller, 0, "-4 seconds")
    assert statuses([caller.create({"firstName": "Jane"}) for _ in range(4)]) == [201, 201, 429, 429]


@pytest.mark.parametrize("burst", [1, 2])
def test_a_bucket_holds_no_more_than_the_burst(world: World, burst: int) -> None:
    caller = world.caller(world.acme, rate_limit=0.1, rate_burst=burst)
    fill(world, caller, 1, "-1 hour")
    answers = [caller.create({"firstName": "Jane"}) for _ in range(burst + 2)]
    assert statuses(answers) == [201] * burst + [429, 429]


def test_a_clock_that_was_set_back_delays_no_key_longer_than_its_limit(
    world: World, second_http: httpx.Client
) -> None:
    caller = world.caller(world.acme, rate_limit=2, rate_burst=1)
    fill(world, caller, 0, "1 hour")
    for each in (caller, caller.at(second_http)):
        refused = each.create({"firstName": "Jane"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    time.sleep(1)
    assert caller.at(second_http).create({"firstName": "Jane"}).status_code == 201


def test_reads_are_free(world: World) -> None:
    made = world.alice.made()
    caller = world.caller(world.acme, rate_limit=0.1, rate_burst=1)
    assert caller.patch(made["id"], {"firstName": "June"}).status_code == 200
    assert statuses([caller.fetch(made["id"]) for _ in range(5)]) == [200] * 5
    assert statuses([caller.list() for _ in range(5)]) == [200] * 5
    assert caller.patch(made["id"], {"firstName": "Joan"}).status_code == 429


def test_every_answer_to_a_limited_key_says_what_is_left(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=1, rate_burst=5)
    answers = [caller.list(), *(caller.create({"firstName": "Jane"}) for _ in range(6)), caller.fetch("x")]
    for answer in answers:
        assert re.fullmatch(r'"[^"]+";q=5;w=\d+', answer.headers["ratelimit-policy"])
        assert re.fullmatch(r'"[^"]+";r=[0-5];t=\d+', answer.headers["ratelimit"])
    left = [int(re.search(r"r=(\d)", answer.headers["ratelimit"])[1]) for answer in answers[:7]]  # type: ignore[index]
    assert left[:2] == [5, 4]
    assert left[6] == 0


def test_one_key_does_not_use_up_the_limit_of_another(world: World) -> None:
    one, other = (world.caller(world.acme, rate_limit=0.1, rate_burst=2) for _ in range(2))
    assert statuses([one.create({"firstName": "Jane"}) for _ in range(3)]) == [201, 201, 429]
    assert statuses([other.create({"firstName": "Jane"}) for _ in range(3)]) == [201, 201, 429]


def test_refused_and_dry_writes_count_too(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=0.1, rate_burst=3)
    assert caller.create({}).status_code == 400
    assert caller.create({"firstName": "Jane"}, dryRun=True).status_code == 201
    assert caller.remove("0192f000-0000-7000-8000-000000000000").status_code == 404
    assert caller.create({"firstName": "Jane"}).status_code == 429


def test_the_bucket_is_shared_by_all_processes(world: World, second_http: httpx.Client) -> None:
    caller = world.caller(world.acme, rate_limit=0.1, rate_burst=6)
    everywhere = [caller, caller.at(second_http)]
    answers = [everywhere[n % 2].create({"firstName": "Jane"}) for n in range(10)]
    assert statuses(answers).count(201) == 6


def test_at_the_same_moment_no_more_is_granted_than_the_burst(
    world: World, second_http: httpx.Client
) -> None:
    caller = world.caller(world.acme, rate_limit=0.1, rate_burst=7)
    everywhere = [caller, caller.at(second_http)]

    def write(number: int) -> httpx.Response:
        return everywhere[number % 2].create({"firstName": "Jane"})

    answers = at_once(*(lambda n=n: write(n) for n in range(20)))
    assert sorted(statuses(answers)) == [201] * 7 + [429] * 13


def test_a_limit_is_set_for_all_keys_and_a_key_may_have_its_own(
    world: World, private_server: Private
) -> None:
    http = private_server(rate_limit=0.1, rate_burst=2)
    plain = world.caller(world.acme).at(http)
    generous = world.caller(world.acme, rate_limit=0.1, rate_burst=4).at(http)
    unlimited = world.caller(world.acme, rate_limit=0.0).at(http)
    fields: dict[str, Any] = {"firstName": "Jane"}
    assert statuses([plain.create(fields) for _ in range(4)]) == [201, 201, 429, 429]
    assert statuses([generous.create(fields) for _ in range(5)]) == [201] * 4 + [429]
    assert statuses([unlimited.create(fields) for _ in range(6)]) == [201] * 6


def test_a_rate_limited_request_is_not_kept_for_its_idempotency_key(world: World) -> None:
    caller = world.caller(world.acme, rate_limit=2, rate_burst=1)
    sent = {"idempotency-key": "again"}
    assert caller.create({"firstName": "Jane"}).status_code == 201
    refused = caller.create({"firstName": "June"}, headers=sent)
    assert refused.status_code == 429
    time.sleep(int(refused.headers["retry-after"]))
    assert caller.create({"firstName": "June"}, headers=sent).status_code == 201
