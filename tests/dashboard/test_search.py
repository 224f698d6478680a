"""Finding contacts: as one types, and by filters that are in the address."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactory.contacts.read.search import PIECE, catch_up, words_of
from contactory.database.db import Database
from tests.servers import PATIENCE
from tests.waiting import until
from tests.world import Person, World


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def names(person: Person, world: World, **query: Any) -> list[str]:
    """First names of the contacts that the grid shows, the newest first."""
    answer = person.get(f"/w/{world.acme}/contacts", script=True, **query)
    assert answer.status_code == 200, answer.text
    return re.findall(r'data-key="firstName"><span class="value" dir="auto">(.*?)</span>', answer.text)


def found(person: Person, world: World, typed: str, expected: list[str]) -> list[str]:
    """What a search gives, once it gives what is expected, or after a long time."""
    deadline = time.monotonic() + PATIENCE
    while (shown := names(person, world, q=typed)) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return shown


def settle(world: World, count: int) -> None:
    """Waits until so many contacts can be found."""
    have = "select count(*) from contact_search where workspace_id = $1"
    until(lambda: world.sql.value(have, world.acme) == count)


JANE = {"firstName": "Jane", "lastName": "O'Neil-Doe", "email": "jane.doe+x@mail.example.com"}


@pytest.mark.parametrize(
    "typed",
    [
        *("j", "JANE", "jane doe", "doe jane", "o'neil", "neil", "jane.doe+x@mail.example.com", "jane.doe"),
        *("@mail.example", "mail.ex", "+1 (415) 555-0123", "415 555 01", "0123", "00 1 415", "1415"),
    ],
)
def test_a_contact_is_found_by_the_beginnings_of_its_words(world: World, olive: Person, typed: str) -> None:
    world.alice.made(firstName="Somebody", lastName="Else", email="se@other.example", phone="+493012345678")
    world.alice.made(**JANE, phone="+14155550123")
    assert found(olive, world, typed, ["Jane"]) == ["Jane"]


@pytest.mark.parametrize(
    "typed", ["xjane", "ane", "jane smith", "999", "doe@", "jane 9999", "'", "\\", "a' | 'b"]
)
def test_a_contact_is_not_found_by_what_it_has_not(world: World, olive: Person, typed: str) -> None:
    world.alice.made(**JANE, phone="+14155550123")
    assert found(olive, world, "jane", ["Jane"]) == ["Jane"]
    assert names(olive, world, q=typed) == []


def test_accents_and_case_do_not_matter(world: World, olive: Person) -> None:
    world.alice.made(firstName="ÉLODIE", lastName="Straße")
    for typed in ("elodie", "Élo", "STRASSE", "e\u0301lodie"):
        assert found(olive, world, typed, ["ÉLODIE"]) == ["ÉLODIE"], typed


def test_a_phone_is_found_however_it_is_written(world: World, olive: Person) -> None:
    world.alice.made(firstName="Max", phone="+493012345678")
    for typed in (
        "+49 30 123",
        "0049 30 1234",
        "030 / 12345678",
        "(030) 1234",
        "3012345678",
        "+49 (0)30 12345678",
        "+49ー30\ufe0f12345678",
    ):
        assert found(olive, world, typed, ["Max"]) == ["Max"], typed


def test_a_change_is_found_by_what_it_made(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    assert found(olive, world, "jane", ["Jane"]) == ["Jane"]
    world.alice.patch(made["id"], {"firstName": "Zoe"})
    assert found(olive, world, "zoe", ["Zoe"]) == ["Zoe"]
    assert names(olive, world, q="jane") == []


def test_whoever_is_deleted_is_not_found_and_is_once_restored(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    assert found(olive, world, "jane", ["Jane"]) == ["Jane"]
    world.alice.remove(made["id"])
    assert names(olive, world, q="jane") == []
    world.alice.restore(made["id"])
    assert found(olive, world, "jane", ["Jane"]) == ["Jane"]


def test_a_purge_leaves_nothing_to_be_found_by(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    assert found(olive, world, "jane", ["Jane"]) == ["Jane"]
    world.alice.remove(made["id"], purge=True)
    left = "select count(*) from contact_search where workspace_id = $1"
    assert world.sql.value(left, world.acme) == 0


def test_nobody_is_found_in_another_workspace(world: World, olive: Person) -> None:
    world.carol.made(firstName="Jane")
    world.ada.made(workspaceId=world.acme_two, firstName="Jane")
    world.alice.made(firstName="Janet")
    assert found(olive, world, "jan", ["Janet"]) == ["Janet"]


def test_what_nobody_has_noted_is_caught_up_with(world: World, olive: Person) -> None:
    """Of a process that died, or a release from before the search; more than one piece, all at one moment."""
    count = PIECE + 10
    operations = ({"op": "create", "data": {"firstName": "Lost"}} for _ in range(count))
    world.alice.batch(*operations)
    settle(world, count)
    world.sql.execute("delete from contact_search where workspace_id = $1", world.acme)
    hour = datetime.now(UTC) - timedelta(hours=1)
    world.sql.execute("update contact_events set at = $2 where workspace_id = $1", world.acme, hour)

    async def work() -> None:
        db = Database(world.sql.url, 2, 10)
        while (await catch_up(db)).more:
            pass
        await db.close()

    world.sql.run(work())
    assert world.sql.value("select count(*) from contact_search where workspace_id = $1", world.acme) == count


def test_words_are_bounded() -> None:
    assert max(map(len, words_of("x" * 255, " ".join("y" * 100 for _ in range(2)), None, None))) <= 80


def test_a_search_walks_on_by_cursor(world: World, olive: Person) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane{i}"}} for i in range(70)))
    assert len(found(olive, world, "jane", [f"Jane{i}" for i in range(69, 19, -1)])) == 50
    settle(world, 70)
    page = olive.get(f"/w/{world.acme}/contacts", script=True, q="jane").text
    following = re.search(r'hx-get="([^"]+)"', page)
    assert following
    rest = olive.get(following[1].replace("&amp;", "&"), script=True).text
    assert (page.count("data-id="), rest.count("data-id=")) == (50, 20)


# Filters.


@pytest.fixture
def three(world: World) -> None:
    for name, kind in {"Source: x": "text", "MRR": "number", "Born": "date", "Vip": "boolean"}.items():
        world.field(name, kind)
    world.alice.made(firstName="None")
    world.alice.made(
        firstName="Low",
        lastName="Doe",
        email="low@example.com",
        tags=["a"],
        customFields={"Source: x": "Trade Fair", "MRR": "9", "Born": "1999-12-31", "Vip": False},
    )
    world.alice.made(
        firstName="High",
        phone="+493012345678",
        timezone="Asia/Tokyo",
        tags=["a", "b"],
        customFields={"Source: x": "Web", "MRR": "10.5", "Born": "2000-01-01", "Vip": True},
    )


def number_of(world: World, name: str) -> str:
    return "field-" + world.sql.value(
        "select num::text from custom_fields where workspace_id = $1 and name = $2", world.acme, name
    )


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("firstName:is:low", ["Low"]),
        ("firstName:contains:I", ["High"]),
        ("lastName:filled:", ["Low"]),
        ("lastName:empty:", ["High", "None"]),
        ("email:is:LOW@Example.com", ["Low"]),
        ("email:contains:example", ["Low"]),
        ("phone:is:+49 30 12345678", ["High"]),
        ("phone:contains:30 123", ["High"]),
        ("timezone:is:Asia/Tokyo", ["High"]),
        ("timezone:empty:", ["Low", "None"]),
        ("tags:has:a", ["High", "Low"]),
        ("tags:lacks:b", ["Low", "None"]),
        ("tags:has:never", []),
        ("tags:empty:", ["None"]),
        ("tags:filled:", ["High", "Low"]),
        ("Source: x:is:trade fair", ["Low"]),
        ("Source: x:contains:e", ["High", "Low"]),
        ("Source: x:empty:", ["None"]),
        ("MRR:least:10", ["High"]),
        ("MRR:most:10", ["Low"]),
        ("MRR:least:10.5", ["High"]),
        ("MRR:most:9", ["Low"]),
        ("MRR:is:9.0", ["Low"]),
        ("Born:before:2000-01-01", ["Low"]),
        ("Born:from:2000-01-01", ["High"]),
        ("Born:is:1999-12-31", ["Low"]),
        ("Vip:is:false", ["Low"]),
        ("createdAt:from:2020-01-01", ["High", "Low", "None"]),
        ("createdAt:before:2020-01-01", []),
        ("updatedAt:from:2020-01-01", ["High", "Low", "None"]),
        ("updatedAt:before:2020-01-01", []),
        ("updatedAt:from:0001-01-01", ["High", "Low", "None"]),
        ("updatedAt:before:0001-01-01", []),
        ("createdAt:from:9999-12-31", []),
    ],
)
def test_a_filter_shows_those_for_whom_it_holds(
    world: World, olive: Person, where: str, expected: list[str]
) -> None:
    for name in ("Source: x", "MRR", "Born", "Vip"):
        if where.startswith(f"{name}:"):
            where = number_of(world, name) + where.removeprefix(name)
    assert names(olive, world, where=where) == expected
    count = olive.get(f"/w/{world.acme}/contacts/count", script=True, where=where)
    assert int(count.text) == len(expected)


@pytest.mark.usefixtures("three")
def test_all_filters_must_hold_with_the_search(world: World, olive: Person) -> None:
    assert found(olive, world, "doe", ["Low"]) == ["Low"]
    path = f"/w/{world.acme}/contacts?where=tags:has:a&where=lastName:filled:&q="
    assert olive.get(path + "low", script=True).text.count("data-id=") == 1
    assert olive.get(path + "high", script=True).text.count("data-id=") == 0


def test_a_filter_is_added_without_scripts(world: World, olive: Person) -> None:
    made: dict[str, Any] = {
        "column": "tags",
        "operator": "has",
        "value": "a b&c",
        "where": "lastName:filled:",
        "q": "x",
    }
    answer = olive.get(f"/w/{world.acme}/contacts", **made)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("?q=x&where=lastName%3Afilled%3A&where=tags%3Ahas%3Aa+b%26c")


def test_the_grid_is_sorted_both_ways(world: World, olive: Person) -> None:
    first = world.alice.made(firstName="A")
    world.alice.made(firstName="B")
    world.alice.patch(first["id"], {"lastName": "x"})
    orders = [
        names(olive, world, sort=sort) for sort in ("createdAt", "-createdAt", "updatedAt", "-updatedAt")
    ]
    assert orders == [["A", "B"], ["B", "A"], ["B", "A"], ["A", "B"]]


# Columns.


def heads(person: Person, world: World) -> list[tuple[str, str]]:
    page = person.get(f"/w/{world.acme}/contacts").text
    return re.findall(r'<col width="(\d+)" data-key="([^"]+)"', page)


def test_columns_are_chosen_ordered_pinned_and_sized_for_each_person(world: World, olive: Person) -> None:
    world.alice.made()
    path = f"/w/{world.acme}/contacts/layout"
    form = {
        "order": ["email", "lastName", "firstName", "nonsense"],
        "shown": ["email", "firstName", "lastName"],
        "pinned": ["lastName"],
        "width": ["email:300", "firstName:9", "lastName:x"],
        "back": "q=x",
    }
    answer = olive.post(path, form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/w/{world.acme}/contacts?q=x")
    shown = heads(olive, world)[:3]
    assert shown == [("150", "lastName"), ("300", "email"), ("64", "firstName")]
    assert heads(world.person(), world)[0] == ("150", "firstName")
    moved = {**form, "down": "email"}
    olive.post(path, moved)
    assert [key for _, key in heads(olive, world)[:3]] == ["lastName", "email", "firstName"]
    assert olive.post(path, {"reset": "1"}).status_code == 303
    assert heads(olive, world)[0] == ("150", "firstName")


def test_a_new_field_shows_up_in_an_older_layout(world: World, olive: Person) -> None:
    world.alice.made()
    olive.post(f"/w/{world.acme}/contacts/layout", {"order": ["email"], "shown": ["email"]})
    world.field("Later")
    world.alice.made(customFields={"Later": "x"})
    assert number_of(world, "Later") in [key for _, key in heads(olive, world)]


@pytest.mark.parametrize("back", ["\r\nx: y", "é", "//evil.example"])
def test_the_way_back_stays_here(world: World, olive: Person, back: str) -> None:
    answer = olive.post(f"/w/{world.acme}/contacts/layout", {"reset": "1", "back": back})
    assert answer.headers["location"].startswith(f"/w/{world.acme}/contacts")


def test_tags_are_suggested_by_any_part_of_their_name(world: World, olive: Person) -> None:
    world.alice.made(tags=["VIP", "very vip", "gold"])
    world.carol.made(tags=["vip of others"])
    answer = olive.get(f"/w/{world.acme}/contacts/tags", script=True, q="vip")
    assert answer.json() == ["VIP", "very vip"]


def test_a_list_without_contacts_says_what_excluded_them(world: World, olive: Person) -> None:
    world.alice.made()
    path, filtered = f"/w/{world.acme}/contacts", "email:is:nobody@example.com"
    assert "No contact matches the search. A search" in olive.get(path, q="zzz").text
    assert "No contact matches the search and all filters." in olive.get(path, q="zzz", where=filtered).text
    assert "No contact matches all filters." in olive.get(path, where=filtered).text
