"""The short statement of a usual change does what the long one does, to the letter."""

from typing import Any

import msgspec
import pytest

from contactory.base.ids import new_id
from contactory.contacts.write import statement as s
from contactory.contacts.write.change import Change
from tests.servers import Sql
from tests.world import World, a_phone, an_email

CASES: dict[str, dict[str, Any]] = {
    "a name": {"mask": s.FIRST_NAME, "first_name": "June"},
    "a name that it has": {"mask": s.FIRST_NAME, "first_name": "Jane"},
    "a name cleared": {"mask": s.LAST_NAME},
    "an e-mail": {"mask": s.EMAIL, "email": "New@example.com", "email_key": "new@example.com"},
    "a phone cleared": {"mask": s.PHONE},
    "a time zone": {"mask": s.TIMEZONE, "timezone": "Asia/Tokyo"},
    "the time zone that it has": {"mask": s.TIMEZONE, "timezone": "America/Los_Angeles"},
    "no time zone": {"mask": s.TIMEZONE},
    "a tag": {"mask": s.TAGS_ADD, "tag_ids": ["spare"]},
    "a tag that it has": {"mask": s.TAGS_ADD, "tag_ids": ["vip"]},
    "both": {"mask": s.TAGS_ADD, "tag_ids": ["spare", "vip"]},
    "a value": {"mask": s.FIELDS, "fields": {"Plan": "Pro"}},
    "a value cleared": {"mask": s.FIELDS | s.FIELDS_CLEAR, "fields": {"Plan": None, "City": "Rome"}},
    "nothing": {"mask": 0},
    "another version": {"mask": s.FIRST_NAME, "first_name": "June", "if_match": [7, 9]},
    "an old catalogue": {"mask": s.FIRST_NAME, "first_name": "June", "catalog_version": 0},
    "too much text": {"mask": s.FIELDS, "fields": {"Plan": "x" * 200}},
    "a contact of somebody else": {"mask": s.FIRST_NAME, "first_name": "June", "contact_id": new_id()},
    "all at once": {
        "mask": s.FIRST_NAME | s.TIMEZONE | s.TAGS_ADD | s.FIELDS,
        "first_name": "June",
        "timezone": "Asia/Tokyo",
        "tag_ids": ["spare"],
        "fields": {"Plan": "Pro", "City": "Rome"},
    },
}
LIMITS = (1000, 150)  # Tags of a contact, and characters of its custom values.


def change_of(world: World, contact_id: str, case: dict[str, Any]) -> Change:
    catalog = world.sql.value("select catalog_version from workspaces where id = $1", world.acme)
    rows = world.sql.fetch("select name, id from tags where workspace_id = $1", world.acme)
    tags = {row["name"]: row["id"] for row in rows}
    rows = world.sql.fetch("select name, num::text from custom_fields where workspace_id = $1", world.acme)
    nums = {row["name"]: row["num"] for row in rows}
    usual: dict[str, Any] = {
        "workspace_id": world.acme,
        "contact_id": contact_id,
        "catalog_version": catalog,
        "actor_type": "api_key",
        "actor_id": world.alice.key_id,
        "via": "api",
        "request_id": "a-request",
    }
    given = usual | case
    given["tag_ids"] = [tags[name] for name in case.get("tag_ids", ())]
    given["fields"] = {nums[name]: value for name, value in case.get("fields", {}).items()}
    return Change(**given)


async def effect(conn: Any, statement: str, change: Change) -> list[Any]:
    """What a statement answers, and leaves behind, of which nothing is kept."""
    transaction = conn.transaction()
    await transaction.start()
    try:
        document = msgspec.json.encode([change]).decode()
        answer = await conn.fetch(statement, document, *LIMITS)
        contacts = await conn.fetch("select * from contacts where id = $1", change.contact_id)
        events = await conn.fetch("select * from contact_events where contact_id = $1", change.contact_id)
        # The number of the transaction is another one each time.
        told = [{**event, "tx": None} for event in events if str(event["id"]) == change.event_id]
        return [list(map(dict, answer)), list(map(dict, contacts)), len(events), told]
    finally:
        await transaction.rollback()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_short_statement_does_what_the_long_one_does(
    world: World, sql: Sql, case: dict[str, Any]
) -> None:
    for name in ("Plan", "City"):
        world.field(name)
    world.alice.made(tags=["spare"])
    contact = world.alice.made(
        firstName="Jane",
        lastName="Doe",
        phone=a_phone(),
        email=an_email(),
        tags=["vip"],
        customFields={"Plan": "Free"},
        consent={"call": {"status": "granted"}},
    )
    change = change_of(world, contact["id"], case)
    assert change.mask & ~s.USUAL == 0
    short = sql.run(effect(sql.conn, s.SHORT, change))
    assert short == sql.run(effect(sql.conn, s.LONG, change))
    assert short[0] or "contact_id" in case
