"""The database decides what is unique, and each of its refusals reaches the caller as a problem."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from contactory.database.constraints import TAKEN, Violation
from tests.rules.statements import PACKAGE
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
    "users_email": "tests/access/test_links.py and tests/cli/test_user.py: the API makes no users",
    "send_windows_default": "a transaction that moves the default has locked the workspace's row",
}


@pytest.mark.parametrize("index", CLASHES)
def test_a_clash_is_a_conflict(world: World, index: str) -> None:
    answer = CLASHES[index](world)
    assert answer.status_code == 409
    assert answer.json()["type"] == "/errors/conflict"
    [error] = answer.json()["errors"]
    assert (error["code"], error["pointer"], error["detail"]) == ("taken", *TAKEN[index])


def test_every_unique_index_is_accounted_for(sql: Sql) -> None:
    found = sql.fetch(
        """select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid
            where i.indisunique and not i.indisprimary and c.relnamespace = 'public'::regnamespace"""
    )
    assert {row[0] for row in found} == CLASHES.keys() | NEVER.keys()


def test_every_unique_constraint_of_the_schema_has_its_row_in_the_table_of_problems() -> None:
    schema = Path(__file__).with_name("schema.sql").read_text("utf-8")
    unique = re.findall(r"CREATE UNIQUE INDEX (\w+)|ADD CONSTRAINT (\w+) UNIQUE", schema)
    assert {index or constraint for index, constraint in unique} == TAKEN.keys()


def test_only_that_table_says_that_a_value_is_taken() -> None:
    named = [path for path in PACKAGE.rglob("*.py") if 'None, "taken"' in path.read_text("utf-8")]
    assert [path.relative_to(PACKAGE).as_posix() for path in named] == ["database/constraints.py"]


def test_the_index_of_a_shard_means_the_same() -> None:
    assert Violation("contacts_email_102008").body("/", "")["errors"] == [TAKEN["contacts_email"].error()]
