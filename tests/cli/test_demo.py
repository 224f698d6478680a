"""`contactory demo`: invented people who keep every rule of the API."""

import unicodedata
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contactory.demo.people import FIELDS, make_people
from contactory.values.phones import derive_zone
from tests.cli.conftest import CommandLine
from tests.statements import counted
from tests.world import Caller, World

PEOPLE = 300


def everybody(caller: Caller) -> list[dict[str, Any]]:
    return caller.list(limit=1000, include="consent").json()


def reader(world: World, workspace_id: str, mode: str = "test") -> Caller:
    return world.caller(workspace_id, "admin", mode=mode)


def known_by(contact: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(contact[name] for name in ("firstName", "lastName", "email", "phone"))


def test_it_fills_a_workspace_with_people_whom_the_api_would_take(
    contactory: CommandLine, world: World
) -> None:
    made = contactory.gives("demo", "--account", world.account_id, "--contacts", str(PEOPLE))
    assert (made["contacts"], made["alreadyThere"]) == (PEOPLE, 0)
    assert made["url"].endswith(f"/w/{made['workspaceId']}/overview")
    demo = reader(world, made["workspaceId"])
    contacts = everybody(demo)
    assert len(contacts) == PEOPLE

    # Each is made anew elsewhere, by the API, without the zone where a phone tells it.
    for name, kind in FIELDS.items():
        world.field(name, kind, world.acme_test)
    names = ("firstName", "lastName", "email", "phone", "tags", "customFields")
    sent = [{name: contact[name] for name in names} for contact in contacts]
    for data, contact in zip(sent, contacts, strict=True):
        if contact["phone"] is None:
            data["timezone"] = contact["timezone"]
    answer = world.tom.batch(*({"op": "create", "data": data} for data in sent)).json()
    again = [result["contact"] for result in answer["results"] if result["status"] == 201]
    assert [known_by(c) for c in again] == [known_by(c) for c in contacts]
    assert [c["timezone"] for c in again] == [c["timezone"] for c in contacts]
    assert [c["customFields"] for c in again] == [c["customFields"] for c in contacts]


def test_many_are_made_with_about_as_many_statements_as_few(
    database_url: str, tmp_path: Path, world: World
) -> None:
    taken: list[int] = []
    with counted(database_url) as statements:
        contactory = CommandLine(tmp_path, database_url=statements.url)
        for account, count in ((world.account_id, 30), (world.globex_account_id, PEOPLE)):
            before = statements.since()
            contactory.gives("demo", "--account", account, "--contacts", str(count))
            taken.append(statements.since(before).total())
    few, many = taken
    assert many < 2 * few


def test_they_come_from_around_the_world(contactory: CommandLine, world: World) -> None:
    made = contactory.gives("demo", "--account", world.account_id, "--contacts", str(PEOPLE))
    contacts = everybody(reader(world, made["workspaceId"]))
    names = "".join(f"{c['firstName']}{c['lastName']}" for c in contacts)
    scripts = {unicodedata.name(letter).split()[0] for letter in names if letter.isalpha()}
    assert scripts >= {"LATIN", "ARABIC", "HEBREW", "CYRILLIC", "CJK", "HIRAGANA", "HANGUL"}
    assert len({c["timezone"] for c in contacts}) > 25
    assert {c["email"].rpartition("@")[2] for c in contacts if c["email"]} == {
        "example.com",
        "example.org",
        "example.net",
    }
    for contact in contacts:
        if contact["phone"]:
            assert contact["timezone"] in derive_zone(contact["phone"], None).zones, contact
        if contact["phone"] and contact["phone"].startswith("+1"):
            assert contact["phone"][5:].startswith("55501")
    for field in FIELDS:
        assert any(field in c["customFields"] for c in contacts), field
    consents = Counter(c["consent"]["email"]["status"] for c in contacts)
    assert consents.keys() == {"unknown", "granted", "denied"}
    assert any(c["consent"]["doNotContact"] for c in contacts)


def test_their_history_is_spread_over_ninety_days(contactory: CommandLine, world: World) -> None:
    made = contactory.gives("demo", "--account", world.account_id, "--contacts", str(PEOPLE))
    demo = reader(world, made["workspaceId"])
    contacts = everybody(demo)
    now = datetime.now(UTC)
    born = [datetime.fromisoformat(c["createdAt"]) for c in contacts]
    assert born == sorted(born)
    assert now - timedelta(days=91) < born[0] < now - timedelta(days=80)
    assert born[-1] < now
    assert len({moment.date() for moment in born}) > 60
    changed = [c for c in contacts if c["updatedAt"] > c["createdAt"]]
    assert len(changed) > PEOPLE / 4
    actors: Counter[str] = Counter()
    for contact in changed[:20]:
        events = demo.history(contact["id"]).json()
        assert events[0]["at"] == contact["updatedAt"]
        assert events[-1]["type"] == "contact.created"
        assert [e["at"] for e in events] == sorted((e["at"] for e in events), reverse=True)
        actors.update(f"{e['via']}: {e['actor']['name']}" for e in events)
    assert actors["api: Demo phone agent"]
    assert actors["api: Demo newsletter"]
    listed = demo.list(limit=1000, sort="-updatedAt").json()
    assert [c["updatedAt"] for c in listed] == sorted((c["updatedAt"] for c in listed), reverse=True)
    keys = world.sql.fetch("select revoked_at from api_keys where name like 'Demo %' and mode = 'test'")
    assert all(key["revoked_at"] for key in keys)


def test_they_are_found_as_one_types_at_once(contactory: CommandLine, world: World) -> None:
    made = contactory.gives("demo", "--account", world.account_id, "--contacts", "40")
    somebody = next(c for c in everybody(reader(world, made["workspaceId"])) if c["email"])
    found = world.person().get(f"/w/{made['workspaceId']}/contacts", q=somebody["email"])
    assert somebody["id"] in found.text


def test_the_same_seed_gives_the_same_people(contactory: CommandLine, world: World) -> None:
    now = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert make_people(200, 7, now) == make_people(200, 7, now)
    assert make_people(200, 7, now) != make_people(200, 8, now)
    made = [
        contactory.gives("demo", "--account", account, "--contacts", "60", "--seed", "7")
        for account in (world.account_id, world.globex_account_id)
    ]
    here = everybody(reader(world, made[0]["workspaceId"]))
    there = everybody(world.caller(made[1]["workspaceId"], mode="test", account_id=world.globex_account_id))
    assert sorted(map(str, map(known_by, here))) == sorted(map(str, map(known_by, there)))


def test_twice_is_refused_and_more_are_added_where_that_is_asked_for(
    contactory: CommandLine, world: World
) -> None:
    made = contactory.gives("demo", "--account", world.account_id, "--contacts", "30")
    again = contactory.fails("demo", "--account", world.account_id)
    assert f"--workspace {made['workspaceId']}" in again
    into = ("demo", "--workspace", made["workspaceId"], "--contacts", "30")
    same = contactory.gives(*into)
    assert (same["contacts"], same["alreadyThere"]) == (0, 30)
    assert "not created: 30" in contactory.says(*into)
    other = contactory.gives(*into, "--seed", "2")
    assert other["contacts"] > 20
    contacts = everybody(reader(world, made["workspaceId"]))
    assert len(contacts) == 30 + other["contacts"]


def test_it_fills_a_workspace_that_is_in_use(contactory: CommandLine, world: World) -> None:
    world.field("MRR", "number")
    mine = world.alice.made(firstName="Mine", tags=["lead"])
    made = contactory.gives("demo", "--workspace", world.acme, "--contacts", "30")
    assert (made["workspaceId"], made["contacts"]) == (world.acme, 30)
    assert len(everybody(world.alice)) == 31
    assert world.alice.read(mine["id"])["tags"] == ["lead"]
    assert [tag["contactCount"] for tag in world.alice.get("/v1/tags", q="lead").json()] == [31]
    assert world.alice.made(customFields={"Company": "Acme", "MRR": 1})["customFields"]["MRR"] == "1"


def test_a_field_of_another_type_is_refused_and_nothing_stays(contactory: CommandLine, world: World) -> None:
    world.field("MRR", "text")
    said = contactory.fails("demo", "--workspace", world.acme, "--contacts", "30")
    assert "MRR of the type text" in said
    assert everybody(world.alice) == []
    assert world.alice.get("/v1/tags").json() == []
    assert [field["name"] for field in world.alice.get("/v1/custom-fields").json()] == ["MRR"]


def test_it_says_which_account_is_missing(contactory: CommandLine, world: World) -> None:
    assert "--account ID" in contactory.fails("demo")
    both = ("--account", world.account_id, "--workspace", world.acme)
    assert "not both" in contactory.fails("demo", *both, code=2)


def test_it_says_how_to_get_in_where_nobody_can(contactory: CommandLine, world: World) -> None:
    alone = world.account("Alone")
    assert "There are no users yet" in contactory.says("demo", "--account", alone, "--contacts", "1")
    olive = world.person()
    world.sql.execute("update users set password_hash = 'x' where id = $1", olive.user_id)
    said = contactory.says("demo", "--account", world.account_id, "--contacts", "1")
    assert "Nobody" not in said
    assert said.splitlines()[-1].startswith("open: http://")
