"""The grid in the order of each column, walked from end to end, and who is available now."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from contactory.base.ids import new_id
from contactory.contacts.read.sorted import SortedCursor
from contactory.local_time.windows import WEEKDAYS
from tests.dashboard.test_search import names, number_of, settle
from tests.waiting import until
from tests.world import Person, World, a_phone


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def ids_of(page: str) -> list[str]:
    return re.findall(r'<tr data-id="([^"]+)"', page)


def pages(person: Person, world: World, **query: Any) -> Iterator[str]:
    """The grid's table and then each of its further pieces."""
    page = person.get(f"/w/{world.acme}/contacts", script=True, **query)
    while True:
        assert page.status_code == 200, page.text
        yield page.text
        following = re.search(r'hx-get="([^"]+)"', page.text)
        if not following:
            return
        page = person.get(following[1].replace("&amp;", "&"), script=True)


def walked(person: Person, world: World, **query: Any) -> list[str]:
    """The ids of all pages, one after the other."""
    return [contact_id for page in pages(person, world, **query) for contact_id in ids_of(page)]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("firstName", ["adam", "Élodie", "Zoe", "Nil"]),
        ("lastName", ["Zoe", "Élodie", "adam", "Nil"]),
        ("email", ["Zoe", "adam", "Élodie", "Nil"]),
        ("phone", ["Élodie", "Zoe", "adam", "Nil"]),
        ("timezone", ["adam", "Zoe", "Élodie", "Nil"]),
        ("Text", ["Zoe", "adam", "Élodie", "Nil"]),
        ("Number", ["Zoe", "adam", "Élodie", "Nil"]),
        ("Date", ["adam", "Zoe", "Élodie", "Nil"]),
        ("Flag", ["Zoe", "adam", "Élodie", "Nil"]),
    ],
)
def test_who_has_nothing_in_the_column_comes_last_either_way(
    world: World, olive: Person, sort: str, expected: list[str]
) -> None:
    for name, kind in {"Text": "text", "Number": "number", "Date": "date", "Flag": "boolean"}.items():
        world.field(name, kind)
    rows: dict[str, tuple[str, str, str, str, dict[str, Any]]] = {
        "Zoe": ("Abel", "a@x.example", "+493012345600", "Asia/Tokyo", {"Text": "a", "Number": 9}),
        "Élodie": ("Éa", "c@x.example", "+33142764041", "Europe/Paris", {"Text": "C", "Number": 10}),
        "adam": ("ebel", "B@x.example", "+81332245000", "America/Lima", {"Text": "b", "Number": "9.5"}),
    }
    dates = {"Zoe": "2000-01-01", "Élodie": "2001-01-01", "adam": "1999-12-31"}
    flags = {"Zoe": False, "Élodie": True, "adam": False}
    for first, (last, email, phone, zone, fields) in rows.items():
        fields |= {"Date": dates[first], "Flag": flags[first]}
        world.alice.made(
            firstName=first, lastName=last, email=email, phone=phone, timezone=zone, customFields=fields
        )
    world.alice.made(tags=["nothing"])
    settle(world, 4)
    key = number_of(world, sort) if sort[0].isupper() else sort
    shown = [names(olive, world, sort=way + key) for way in ("", "-")]
    known = expected[:-1]
    assert shown[0] == known
    if sort == "Flag":  # Two are alike.
        assert shown[1][0] == "Élodie"
    else:
        assert shown[1] == known[::-1]
    for way in ("", "-"):
        assert len(walked(olive, world, sort=way + key)) == 4


SORTS = ["firstName", "lastName", "email", "phone", "timezone", "Score", "createdAt", "updatedAt"]


@pytest.mark.parametrize(("sort", "way"), list(itertools.product(SORTS, ("", "-"))))
def test_a_walk_meets_everybody_once_though_many_are_alike(
    world: World, olive: Person, sort: str, way: str
) -> None:
    world.field("Score", "number")
    operations: list[dict[str, Any]] = []
    for i in range(130):
        data: dict[str, Any] = {"tags": ["all"]}
        if i % 3:
            data |= {"firstName": f"Ann{i % 2}", "lastName": "Lee", "customFields": {"Score": i % 5}}
            data |= {"email": f"e{i}-{world.acme[-9:]}@example.com", "phone": a_phone()}
            data["timezone"] = ["Asia/Tokyo", "Europe/Berlin"][i % 2]
        operations.append({"op": "create", "data": data})
    made = [r["contact"]["id"] for r in world.alice.batch(*operations).json()["results"]]
    settle(world, 130)
    key = number_of(world, sort) if sort == "Score" else sort
    found = walked(olive, world, sort=way + key)
    assert len(found) == 130
    assert set(found) == set(made)
    narrowed = walked(olive, world, sort=way + key, where="firstName:is:ann1")
    assert len(narrowed) == len([i for i in range(130) if i % 3 and i % 2])


@pytest.mark.parametrize("way", ["", "-"])
@pytest.mark.parametrize("sort", ["lastName", "timezone", "Score"])
def test_who_has_nothing_begins_on_a_page_of_its_own_where_one_is_just_full(
    world: World, olive: Person, sort: str, way: str
) -> None:
    world.field("Score", "number")
    known: dict[str, Any] = {"lastName": "Lee", "timezone": "Asia/Tokyo", "customFields": {"Score": 1}}
    data = [known if i < 50 else {"firstName": "Nil"} for i in range(53)]
    answer = world.alice.batch(*({"op": "create", "data": each} for each in data)).json()
    made = [result["contact"]["id"] for result in answer["results"]]
    settle(world, 53)
    found = [ids_of(page) for page in pages(olive, world, sort=way + _key(world, sort))]
    assert [len(page) for page in found] == [50, 3]
    assert (set(found[0]), set(found[1])) == (set(made[:50]), set(made[50:]))


@pytest.mark.parametrize("known", [True, False])
def test_a_walk_by_zone_goes_by_creation_where_zones_are_alike(
    world: World, olive: Person, known: bool
) -> None:
    data = {"timezone": "Asia/Tokyo"} if known else {"tags": ["nothing"]}
    answer = world.alice.batch(*({"op": "create", "data": data} for _ in range(120))).json()
    made = [result["contact"]["id"] for result in answer["results"]]
    # In pairs of one moment, the latest first.
    world.sql.execute(
        """update contacts c set created_at = timestamptz '2026-01-01' - i.place / 2 * interval '1 second'
             from unnest($2::text[]::uuid[]) with ordinality i (id, place)
            where c.workspace_id = $1 and c.id = i.id""",
        world.acme,
        made,
    )
    order = sorted(made, key=lambda contact_id: (-((made.index(contact_id) + 1) // 2), contact_id))
    assert walked(olive, world, sort="timezone") == order
    assert walked(olive, world, sort="-timezone") == order[::-1]


def test_a_cursor_goes_on_in_its_own_order_alone(world: World, olive: Person) -> None:
    cursor = SortedCursor("phone", ["+14155550100"]).text()
    path = f"/w/{world.acme}/contacts"
    assert olive.get(path, script=True, sort="phone", cursor=cursor).status_code == 200
    for sort in ("-phone", "email"):
        assert olive.get(path, script=True, sort=sort, cursor=cursor).status_code == 400


def _key(world: World, sort: str) -> str:
    return number_of(world, sort) if sort == "Score" else sort


def test_a_walk_goes_on_while_others_make_and_delete(world: World, olive: Person) -> None:
    made = [world.alice.made(firstName=f"N{i:03}")["id"] for i in range(120)]
    settle(world, 120)
    walk = pages(olive, world, sort="firstName")
    found = ids_of(next(walk))
    world.alice.remove(found[-1])  # The one that the cursor stands at.
    world.alice.remove(made[60])
    world.alice.made(firstName="A first one")
    settle(world, 119)
    found += [contact_id for page in walk for contact_id in ids_of(page)]
    assert found == made[:60] + made[61:]


def test_a_change_of_name_changes_the_order_soon(world: World, olive: Person) -> None:
    jane, _ = world.alice.made(firstName="Jane"), world.alice.made(firstName="Kim")
    settle(world, 2)
    assert names(olive, world, sort="firstName") == ["Jane", "Kim"]
    world.alice.patch(jane["id"], {"firstName": "Zoe"})
    until(lambda: names(olive, world, sort="firstName") == ["Kim", "Zoe"])


def test_no_index_of_the_contacts_has_what_a_usual_patch_changes(world: World) -> None:
    """With one on a name, no PATCH of a name would stay on its page (HOT)."""
    indexes = world.sql.fetch("select indexdef from pg_indexes where tablename = 'contacts'")
    columns = re.compile(r"\b(first_name|last_name|fields|consent|updated_at|version)\b")
    assert len(indexes) >= 6
    assert [index[0] for index in indexes if columns.search(index[0])] == []


FORGED = [
    "x",
    "W10",
    "\u00e9",
    SortedCursor("email", ["a", "b"]).text(),
    SortedCursor("timezone", ["Asia/Tokyo", "yesterday", "x"]).text(),
    SortedCursor("firstName", ["a\1b", "no id"]).text(),
    SortedCursor("firstName", ["a"], empty=True).text(),
    SortedCursor("email", ["a\0b"]).text(),
    SortedCursor("-email", ["a"]).text(),
    "a" + "0" * 46,
]


@pytest.mark.parametrize("cursor", FORGED)
@pytest.mark.parametrize("sort", ["email", "timezone", "firstName", "Score", "createdAt"])
def test_a_cursor_that_is_none_of_this_order_is_refused(
    world: World, olive: Person, sort: str, cursor: str
) -> None:
    world.field("Score", "number")
    key = number_of(world, sort) if sort == "Score" else sort
    for forged in (cursor, SortedCursor(key, ["NaN", "x"]).text()):
        answer = olive.get(f"/w/{world.acme}/contacts", sort=key, cursor=forged, script=True)
        fine = (sort, cursor) == ("createdAt", FORGED[-1]) and forged == cursor
        assert answer.status_code == (200 if fine else 400), answer.text


@pytest.mark.parametrize("number", ["1e999999", "9" * 400, "-1e-999999", "Infinity"])
def test_a_cursor_with_a_number_that_no_field_can_have_is_refused(
    world: World, olive: Person, number: str
) -> None:
    world.field("Score", "number")
    key = number_of(world, "Score")
    forged = SortedCursor(key, [number, new_id()]).text()
    answer = olive.get(f"/w/{world.acme}/contacts", sort=key, cursor=forged, script=True)
    assert answer.status_code == 400, answer.text


def test_the_heads_say_the_order_and_lead_to_the_other_way(world: World, olive: Person) -> None:
    world.alice.made()
    settle(world, 1)
    path = f"/w/{world.acme}/contacts"
    page = olive.get(path, where="tags:empty:").text
    assert re.search(r'data-key="createdAt" aria-sort="descending"', page)
    assert page.count("aria-sort=") == 1
    assert f'href="{path}?sort=email&amp;where=tags%3Aempty%3A"' in page
    assert f'href="{path}?sort=createdAt&amp;where=tags%3Aempty%3A"' in page
    assert f'href="{path}?sort=-updatedAt&amp;' in page
    assert 'data-key="tags"' in page
    assert "sort=tags" not in page
    again = olive.get(path, sort="email").text
    assert re.search(r'data-key="email" aria-sort="ascending"', again)
    assert f'href="{path}?sort=-email"' in again


def test_a_view_keeps_its_order_and_who_is_available(world: World, olive: Person) -> None:
    path = f"/w/{world.acme}/contacts"
    back = "sort=-lastName&availableNow=sms&window=Default"
    kept = olive.post(f"{path}/views", {"name": "Mine", "back": back}).headers["location"]
    assert kept.startswith(f"{path}?{back}&view=")
    assert olive.get(kept).status_code == 200


def test_a_filter_that_takes_too_long_says_so(world: World, private_server: Any) -> None:
    client = private_server(statement_timeout=0.3)
    slow = Person(client, "", "", *session(world))
    world.sql.execute("begin; lock table contacts in access exclusive mode")
    try:
        answer = slow.get(f"/w/{world.acme}/contacts", where="lastName:contains:x")
        script = slow.get(f"/w/{world.acme}/contacts", script=True, where="lastName:contains:x")
        count = slow.get(f"/w/{world.acme}/contacts/count", script=True, where="lastName:contains:x")
    finally:
        world.sql.execute("rollback")
    assert (answer.status_code, script.status_code, count.status_code) == (503, 503, 200)
    assert "This takes too long" in answer.text
    assert "Narrow the filter" in answer.text
    assert "Narrow the filter" in script.json()["detail"]
    assert "lastName:contains:x" in answer.text  # The filter stands there to be changed.
    assert count.text.strip() == ""
    assert slow.get(f"/w/{world.acme}/contacts", where="lastName:contains:x").status_code == 200


def session(world: World) -> tuple[str, str]:
    person = world.person()
    return person.secret, person.csrf


# Available now.


@pytest.fixture
def all_day(world: World) -> None:
    """A send window for calls that is always open."""
    days = [{"day": day, "from": "00:00", "to": "24:00"} for day in WEEKDAYS]
    answer = world.alice.post("/v1/send-windows", {"name": "All day", "channels": ["call"], "days": days})
    assert answer.status_code == 201, answer.text


@pytest.mark.usefixtures("all_day")
def test_who_is_available_now_is_shown_in_every_order(world: World, olive: Person) -> None:
    world.alice.made(firstName="Yes", phone=a_phone(), timezone="Asia/Tokyo")
    world.alice.made(firstName="No zone")
    world.alice.made(firstName="No phone", timezone="Asia/Tokyo")
    denied = world.alice.made(firstName="Denied", phone=a_phone(), timezone="Asia/Tokyo")
    world.alice.put(f"/v1/contacts/{denied['id']}/consent", {"call": {"status": "denied"}})
    settle(world, 4)
    for sort in ("-createdAt", "updatedAt", "firstName", "-email", "timezone"):
        query = {"availableNow": "call", "window": "All day", "sort": sort}
        assert names(olive, world, **query) == ["Yes"], sort
        count = olive.get(f"/w/{world.acme}/contacts/count", script=True, **query)
        assert count.text.strip() == "1"
    page = olive.get(f"/w/{world.acme}/contacts", availableNow="call", window="All day", q="").text
    assert "Call: available now by" in page
    assert olive.post(
        f"/w/{world.acme}/contacts/many",
        {"action": "addTags", "tags": "rung", "all": "1", "back": "availableNow=call&window=All+day"},
        hx_request="true",
    ).json()["changed"]
    assert world.alice.list(tag="rung", count=True).headers["x-total-count"] == "1"
