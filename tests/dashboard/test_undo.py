"""Taking changes back: only what was changed, whatever else happens to the contact meanwhile."""

import threading
from typing import Any

import pytest

from tests.dashboard.test_contact_page import at, take_back
from tests.dashboard.test_many import do, named
from tests.waiting import while_changed
from tests.world import Person, World, a_phone

IDAHO = "+12085550155"
BOISE = ("America/Boise", "phone", ["America/Boise", "America/Los_Angeles"])


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def zone_of(world: World, contact_id: str) -> tuple[Any, Any, Any]:
    shown = world.alice.fetch(contact_id, include="timezones").json()
    return shown["timezone"], shown["timezoneSource"], shown["timezones"]


def test_a_change_of_something_else_that_comes_in_between_does_not_matter(
    world: World, olive: Person
) -> None:
    world.field("Plan")
    made = world.alice.made(firstName="Jane", customFields={"Plan": "Free"}, tags=["a"])
    world.alice.patch(made["id"], {"firstName": "June", "customFields": {"Plan": "Pro"}, "tags": ["b"]})
    answer = while_changed(
        world.sql, made["id"], "last_name = $2", lambda: take_back(olive, world, made["id"], 2), "Roe"
    )
    assert answer.status_code == 303, answer.text
    now = world.alice.read(made["id"])
    assert (now["firstName"], now["lastName"], now["tags"]) == ("Jane", "Roe", ["a"])
    assert now["customFields"] == {"Plan": "Free"}


def test_a_tag_that_comes_in_between_stays(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane", tags=["old"])
    world.alice.set_tags(made["id"], ["new"])
    world.alice.made(tags=["late"])
    late = world.sql.value("select id from tags where workspace_id = $1 and name = 'late'", world.acme)
    answer = while_changed(
        world.sql,
        made["id"],
        "tag_ids = tag_ids || $2::bigint",
        lambda: take_back(olive, world, made["id"], 2),
        late,
    )
    assert answer.status_code == 303, answer.text
    assert world.alice.read(made["id"])["tags"] == ["late", "old"]


RACES: list[tuple[dict[str, Any], str, Any]] = [
    ({"lastName": "Roe"}, "last_name = $2", "Poe"),
    ({"phone": "+14155559999"}, "phone = $2", "+14155558888"),
    ({"email": "new@example.com"}, "email = $2, email_key = $2", "other@example.com"),
    ({"timezone": "Asia/Tokyo"}, "timezone = $2", "Asia/Seoul"),
    ({"timezone": "America/Boise"}, "timezone_source = $2", "phone"),
    (
        {"customFields": {"Plan": "Pro"}},
        "fields = (select jsonb_object_agg(k, $2::text) from jsonb_object_keys(fields) k)",
        "Max",
    ),
]


@pytest.mark.parametrize(("patch", "change", "value"), RACES, ids=lambda value: str(value)[:24])
def test_what_is_changed_in_between_is_not_overwritten(
    world: World, olive: Person, patch: dict[str, Any], change: str, value: str
) -> None:
    world.field("Plan")
    made = world.alice.made(
        lastName="Doe", phone=IDAHO, email="old@example.com", customFields={"Plan": "Free"}
    )
    assert world.alice.patch(made["id"], patch).headers["etag"] == '"2"'
    answer = while_changed(
        world.sql, made["id"], change, lambda: take_back(olive, world, made["id"], 2), value
    )
    assert answer.status_code == 409, answer.text
    assert "has been changed again since" in answer.text
    assert len(world.alice.history(made["id"]).json()) == 2


def test_a_contact_that_others_change_all_the_time_can_be_undone(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    versions: list[int] = []
    for number in range(6):
        world.alice.patch(made["id"], {"firstName": f"June {number}"})
        versions.append(int(world.alice.fetch(made["id"]).headers["etag"].strip('"')))
    done = threading.Event()

    def change(writer: int) -> None:
        number = 0
        while not done.is_set():
            number += 1
            world.alice.patch(made["id"], {"lastName": f"Roe {writer} {number}"})

    writers = [threading.Thread(target=change, args=(writer,)) for writer in range(6)]
    for writer in writers:
        writer.start()
    try:
        answers = [take_back(olive, world, made["id"], version) for version in reversed(versions)]
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert [answer.status_code for answer in answers] == [303] * 6
    assert world.alice.read(made["id"])["firstName"] == "Jane"


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Boise", None])
def test_a_zone_comes_back_with_who_gave_it_and_all_that_was_possible(
    world: World, olive: Person, zone: str | None
) -> None:
    made = world.alice.made(phone=IDAHO)
    assert zone_of(world, made["id"]) == BOISE
    world.alice.patch(made["id"], {"timezone": zone})
    changed = zone_of(world, made["id"])
    assert changed == (zone, "caller" if zone else None, [zone] if zone else [])
    assert take_back(olive, world, made["id"], 2).status_code == 303
    assert zone_of(world, made["id"]) == BOISE
    assert take_back(olive, world, made["id"], 3).status_code == 303
    assert zone_of(world, made["id"]) == changed


def test_a_zone_of_a_caller_comes_back_as_a_caller_s(world: World, olive: Person) -> None:
    made = world.alice.made(phone=IDAHO, timezone="America/Boise")
    world.alice.patch(made["id"], {"timezone": "Asia/Tokyo"})
    assert take_back(olive, world, made["id"], 2).status_code == 303
    assert zone_of(world, made["id"]) == ("America/Boise", "caller", ["America/Boise"])


def test_a_zone_that_was_given_again_since_is_not_taken_back(world: World, olive: Person) -> None:
    made = world.alice.made(phone=IDAHO)
    world.alice.patch(made["id"], {"timezone": "America/Boise"})
    assert take_back(olive, world, made["id"], 2).status_code == 303
    answer = take_back(olive, world, made["id"], 2)
    assert answer.status_code == 409
    assert "timezone has been changed again since" in answer.text
    assert zone_of(world, made["id"]) == BOISE


@pytest.mark.parametrize(
    ("phone", "first", "back"),
    [
        (IDAHO, None, BOISE),
        (IDAHO, "Europe/Paris", ("Europe/Paris", "caller", ["Europe/Paris"])),
        (None, None, (None, None, [])),
    ],
)
def test_the_event_of_an_older_release_is_taken_back_as_far_as_it_tells(
    world: World, olive: Person, phone: str | None, first: str | None, back: Any
) -> None:
    made = world.alice.made(firstName="Jane", phone=phone, timezone=first)
    world.alice.patch(made["id"], {"timezone": "Asia/Tokyo"})
    world.sql.execute(
        "update contact_events set changes = changes - 'zone' where contact_id = $1 and version = 2",
        made["id"],
    )
    assert take_back(olive, world, made["id"], 2).status_code == 303
    assert zone_of(world, made["id"]) == back


def test_the_zones_of_many_contacts_come_back_as_they_were(world: World, olive: Person) -> None:
    contacts = [
        world.alice.made(phone=IDAHO)["id"],
        world.alice.made(phone=a_phone())["id"],
        world.alice.made(firstName="Jane", timezone="Europe/Paris")["id"],
        world.alice.made(firstName="June")["id"],
    ]
    before = [zone_of(world, contact) for contact in contacts]
    done = do(olive, world, "set", contact=named(contacts), timezone="Asia/Tokyo")
    assert len(done["changed"]) == 4
    for contact in contacts:
        world.alice.patch(contact, {"lastName": "Roe"})
    undone = do(olive, world, "undo", contact=done["changed"])
    assert (len(undone["changed"]), undone["refused"]) == (4, {})
    assert [zone_of(world, contact) for contact in contacts] == before
    assert {world.alice.read(contact)["lastName"] for contact in contacts} == {"Roe"}


@pytest.mark.parametrize("way", ["restore", "undo"])
def test_a_deleted_contact_comes_back_with_all_zones_that_were_possible(
    world: World, olive: Person, way: str
) -> None:
    made = world.alice.made(phone=IDAHO)
    if way == "restore":
        olive.post(at(world, made["id"], "delete"))
        olive.post(at(world, made["id"], "restore"))
    else:
        done = do(olive, world, "delete", contact=named([made["id"]]))
        do(olive, world, "undo", contact=done["changed"])
    assert zone_of(world, made["id"]) == BOISE


def test_a_phone_comes_back_as_it_was_stored_whatever_is_read_today(world: World, olive: Person) -> None:
    made = world.alice.made(phone=a_phone())
    stored = "+480225120000"
    world.sql.execute("update contacts set phone = $2 where id = $1", made["id"], stored)
    world.alice.patch(made["id"], {"phone": "+48225120000"})
    assert take_back(olive, world, made["id"], 2).status_code == 303
    assert world.alice.read(made["id"])["phone"] == stored
