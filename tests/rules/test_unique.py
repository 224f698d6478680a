"""The database decides what is unique, and each of its refusals reaches the caller as a problem."""

from collections.abc import Callable

import httpx
import pytest

from tests.servers import Sql
from tests.world import World


def taken_email(world: World) -> httpx.Response:
    world.alice.made(email="Jane@example.com")
    return world.alice.create({"email": "jane@EXAMPLE.com"})


def taken_phone(world: World) -> httpx.Response:
    world.alice.made(phone="+14155551234")
    return world.alice.patch(world.alice.made()["id"], {"phone": "+1 (415) 555-1234"})


def taken_tag(world: World) -> httpx.Response:
    world.alice.made(tags=["gold", "vip"])
    return world.alice.request("PATCH", "/v1/tags/gold", {"name": "vip"})


def taken_field(world: World) -> httpx.Response:
    world.field("MRR")
    return world.alice.post("/v1/custom-fields", {"name": "MRR", "type": "text"})


def taken_window(world: World) -> httpx.Response:
    world.alice.post("/v1/send-windows", {"preset": "us-tcpa"})
    return world.alice.post("/v1/send-windows", {"preset": "us-tcpa"})


CLASHES: dict[str, Callable[[World], httpx.Response]] = {
    "contacts_email": taken_email,
    "contacts_phone": taken_phone,
    "tags_name": taken_tag,
    "custom_fields_name": taken_field,
    "send_windows_name": taken_window,
}
NEVER = {
    "api_keys_hash": "the SHA-256 of 190 random bits: two keys never have the same",
    "users_email": "tests/users/test_links.py and tests/cli/test_user.py: the API makes no users",
    "send_windows_default": "the default is moved by whoever has locked the workspace's row",
}


@pytest.mark.parametrize("index", CLASHES)
def test_a_clash_is_a_conflict(world: World, index: str) -> None:
    answer = CLASHES[index](world)
    assert answer.status_code == 409
    assert answer.json()["type"] == "/errors/conflict"
    assert [error["code"] for error in answer.json()["errors"]] == ["taken"]


def test_every_unique_index_is_accounted_for(sql: Sql) -> None:
    found = sql.fetch(
        """select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
            where i.indisunique and not i.indisprimary and c.relnamespace = 'public'::regnamespace"""
    )
    assert {row[0] for row in found} == CLASHES.keys() | NEVER.keys()
