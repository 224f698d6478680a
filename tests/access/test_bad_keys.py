"""Keys that are none any more, or never were: 401, and always the same answer."""

import time
from typing import Any

import httpx
import pytest

from contactory.access.keys import new_key
from tests.waiting import until
from tests.world import Caller, World


def keys_that_are_none(good: str) -> dict[str, str | None]:
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    return {
        "missing": None,
        "empty": "",
        "no scheme": good,
        "another scheme": f"Basic {good}",
        "no key": "Bearer",
        "malformed": "Bearer ctk_live_xyz",
        "wrong checksum": f"Bearer {flipped}",
        "unknown": f"Bearer {new_key('live')}",
        "another mode's prefix": f"Bearer {good.replace('ctk_live_', 'ctk_test_')}",
        "two keys": f"Bearer {good} {good}",
        "with a NUL escape": f"Bearer {good}%00",
        "huge": "Bearer " + "x" * 6000,
        "not ASCII": "Bearer ctk_live_" + "é" * 38,
    }


@pytest.mark.parametrize("name", keys_that_are_none("x"))
def test_a_bad_key_is_answered_with_401_and_always_the_same_body(world: World, name: str) -> None:
    value = keys_that_are_none(world.alice.key)[name]
    headers: Any = {"authorization": value.encode()} if value is not None else {}
    usual = world.revoked.list()
    for method, path in (("GET", "/v1/contacts"), ("POST", "/v1/contacts"), ("PATCH", "/v1/contacts/x")):
        answer = world.http.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        own = {"requestId", "instance"}
        assert {k: v for k, v in answer.json().items() if k not in own} == {
            k: v for k, v in usual.json().items() if k not in own
        }


def test_an_expired_key_is_as_bad_as_an_unknown_one(world: World) -> None:
    caller = world.caller(world.acme)
    assert caller.list().status_code == 200
    world.sql.execute(
        "update api_keys set expires_at = now() - interval '1 second' where id = $1", caller.key_id
    )
    until(lambda: caller.list().status_code == 401)
    expired = world.caller(world.acme, expires_at=world.sql.value("select now() - interval '1 second'"))
    assert expired.list().status_code == 401


def test_the_scheme_is_read_in_any_case(world: World) -> None:
    answer = world.http.get("/v1/contacts", headers={"authorization": f"bearer {world.alice.key}"})
    assert answer.status_code == 200


def test_a_revoked_key_stops_everywhere_within_a_second(world: World, second_http: httpx.Client) -> None:
    caller = world.caller(world.acme)
    everywhere: list[Caller] = [caller, caller.at(second_http)]
    assert [c.list().status_code for c in everywhere] == [200, 200]
    world.sql.execute("update api_keys set revoked_at = now() where id = $1", caller.key_id)
    time.sleep(1.0)
    assert [c.list().status_code for c in everywhere] == [401, 401]
