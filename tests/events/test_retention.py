"""What remains when the history of a month has been dropped."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contactory.base.settings import Settings, SettingsError, load_settings, to_environment
from contactory.contacts.read.search import catch_up
from contactory.database.db import Database
from contactory.database.months import MONTHS
from contactory.events.months import keep_months
from tests.events.past import age, make_past, month, months_of
from tests.world import World, a_phone

DAY = 86_400


def keep(world: World, days: int) -> None:
    """One round of the job, with that retention, once the search has seen all."""

    async def job() -> None:
        db = Database(world.sql.url, 2, 10)
        while (await catch_up(db)).more:
            pass
        await keep_months(db, days * DAY)
        await db.close()

    world.sql.run(job())


def drop(world: World, *backs: int) -> None:
    """Drops months of the past by hand, as an operator might."""
    for back in backs:
        world.sql.execute(f"drop table contact_events_{month(back):%Y_%m}")


def days_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment) / timedelta(days=1)


def in_month(world: World, contact_id: str, back: int) -> None:
    """Puts all that has happened to a contact into the middle of a month of the past."""
    age(world, contact_id, days_since(month(back)) - 14)


def test_whole_months_are_dropped_and_none_that_is_younger(apart: World) -> None:
    make_past(apart.sql, 5)
    contacts = [apart.alice.made(firstName="Jane")["id"] for _ in range(6)]
    for back, contact_id in enumerate(contacts):
        in_month(apart, contact_id, back)
    keep(apart, 62)
    kept = [bool(months_of(apart, contact_id)) for contact_id in contacts]
    limit = datetime.now(UTC) - timedelta(days=62)
    assert kept == [month(back - 1) > limit if back else True for back in range(6)]
    assert kept[:3] == [True, True, True]
    assert kept[4:] == [False, False]
    found = apart.sql.run(MONTHS.parts(apart.sql.conn))
    assert found[0].name == "contact_events_dropped"
    assert found[0].high == apart.sql.run(MONTHS.kept_since(apart.sql.conn))
    assert not apart.sql.fetch("select from pg_class where relname like 'contact_events_gone%'")


def test_nothing_is_dropped_unless_a_setting_says_so(apart: World) -> None:
    make_past(apart.sql, 3)
    contact_id = apart.alice.made(firstName="Jane")["id"]
    in_month(apart, contact_id, 3)
    keep(apart, 0)
    assert months_of(apart, contact_id) == [f"contact_events_{month(3):%Y_%m}"]
    assert Settings().history_retention == 0


def test_it_goes_on_month_after_month(apart: World) -> None:
    make_past(apart.sql, 6)
    for days in (170, 140, 110, 80):
        keep(apart, days)
        found = apart.sql.run(MONTHS.parts(apart.sql.conn))
        assert found[0].name == "contact_events_dropped"
        assert days_since(found[1].high or datetime.now(UTC)) < days
        assert apart.alice.create({"firstName": "Jane"}).status_code == 201


def test_the_history_tells_what_remains_and_an_undo_says_what_is_missing(apart: World) -> None:
    make_past(apart.sql, 4)
    contact_id = apart.alice.made(firstName="Jane")["id"]
    apart.alice.patch(contact_id, {"firstName": "June"})
    in_month(apart, contact_id, 4)
    apart.alice.patch(contact_id, {"firstName": "Jean"})
    keep(apart, 70)
    [event] = apart.alice.history(contact_id).json()
    assert event["changes"] == [{"field": "firstName", "from": "June", "to": "Jean"}]
    olive = apart.person()
    page, hint = f"/w/{apart.acme}/contacts/{contact_id}", "Earlier changes are no longer kept"
    assert hint in olive.get(page).text
    assert hint not in olive.get(f"/w/{apart.acme}/contacts/{apart.alice.made()['id']}").text
    undo = f"/w/{apart.acme}/contacts/{contact_id}/undo"
    gone = olive.post(undo, {"version": "2"}, hx_request="true", accept="application/json")
    assert gone.status_code == 409
    assert "has been dropped" in gone.text
    assert olive.post(undo, {"version": "7"}).status_code == 404
    assert olive.post(undo, {"version": "3"}).status_code == 303
    assert apart.alice.read(contact_id)["firstName"] == "June"


def ids(page: Any) -> list[str]:
    assert page.status_code == 200, page.text
    return [contact["id"] for contact in page.json()]


def walks(
    world: World, lists: list[dict[str, str]], between: Callable[[int], None], limit: int
) -> list[list[str]]:
    """The contacts that each of the lists gives, read side by side, page by page.

    `between` is called after each page of all of them, with its number.
    """
    pages = [world.alice.list(limit=limit, **params) for params in lists]
    found = [ids(page) for page in pages]
    number = 0
    while any("next" in page.links for page in pages):
        between(number)
        number += 1
        for place, page in enumerate(pages):
            if "next" in page.links:
                pages[place] = world.alice.get(page.links["next"]["url"])
                found[place] += ids(pages[place])
    return found


LISTS: list[dict[str, str]] = [
    {"sort": "-updatedAt"},
    {"sort": "updatedAt"},
    {"sort": "-updatedAt", "updatedAfter": "2001-01-01T00:00:00Z"},
    {"sort": "updatedAt", "updatedAfter": "2001-01-01T00:00:00Z"},
    {"sort": "createdAt", "updatedAfter": "2001-01-01T00:00:00Z"},
    {"sort": "-createdAt", "updatedAfter": "2001-01-01T00:00:00Z"},
]


@pytest.fixture
def spread(apart: World) -> list[str]:
    """Twelve contacts, two changed last in each of the last six months; the ids, the latest change first."""
    make_past(apart.sql, 6)
    contacts = [apart.alice.made(firstName=f"Jane {number}")["id"] for number in range(12)]
    for number, contact_id in enumerate(contacts):
        apart.alice.patch(contact_id, {"lastName": "Doe"})
        in_month(apart, contact_id, number // 2)
    return in_order(apart, "-updatedAt")


def in_order(world: World, sort: str) -> list[str]:
    column, way = sort.removeprefix("-").replace("A", "_a"), "desc" if sort[0] == "-" else "asc"
    query = f"select id::text from contacts where workspace_id = $1 order by {column} {way}, id {way}"
    return [row[0] for row in world.sql.fetch(query, world.acme)]


@pytest.mark.parametrize(("after_page", "by_hand"), [(0, False), (2, True), (4, False), (1, True)])
def test_a_walk_in_which_months_are_dropped_meets_each_contact_once(
    apart: World, spread: list[str], after_page: int, by_hand: bool
) -> None:
    def between(page: int) -> None:
        if page == after_page:
            drop(apart, 4, 5, 3) if by_hand else keep(apart, 70)

    expected = [in_order(apart, params["sort"]) for params in LISTS]
    assert expected[0] == spread
    assert walks(apart, LISTS, between, 2) == expected
    assert walks(apart, LISTS, lambda page: None, 3) == expected


def test_a_contact_that_is_changed_in_the_walk_keeps_its_place_though_its_events_are_gone(
    apart: World, spread: list[str]
) -> None:
    """Those that a walk has met already, and those that it has still to meet."""

    def between(page: int) -> None:
        if page == 0:
            keep(apart, 70)
        for place in {page * 2, page, -1 - page, -1 - page * 2}:
            changed = apart.alice.patch(spread[place], {"firstName": f"changed after page {page}"})
            assert changed.status_code == 200
        apart.alice.made(firstName="New")

    assert walks(apart, LISTS[:4], between, 2) == [spread, spread[::-1]] * 2


def test_an_offset_counts_contacts_with_and_without_events_alike(apart: World, spread: list[str]) -> None:
    keep(apart, 70)
    for offset in range(13):
        assert ids(apart.alice.list(sort="-updatedAt", limit=3, offset=offset)) == spread[offset : offset + 3]


def test_a_list_of_what_was_updated_before_and_after_goes_beyond_what_is_kept(
    apart: World, spread: list[str]
) -> None:
    keep(apart, 70)
    moments = {
        contact_id: datetime.fromisoformat(apart.alice.read(contact_id)["updatedAt"]) for contact_id in spread
    }
    for low in (0, 1, 3, 5):
        for high in (1, 4, 6):
            after, before = month(high), month(low)
            wanted = [contact_id for contact_id in spread if after < moments[contact_id] < before]
            for sort in ("-updatedAt", "updatedAt", "createdAt"):
                bounds = {"updatedAfter": after.isoformat(), "updatedBefore": before.isoformat()}
                found = ids(apart.alice.list(sort=sort, limit=100, **bounds))
                assert sorted(found) == sorted(wanted)


def test_an_objection_outlives_the_history_of_the_contact_that_made_it(apart: World) -> None:
    make_past(apart.sql, 4)
    phone = a_phone()
    objector = apart.alice.made(phone=phone, consent={"doNotContact": True})["id"]
    apart.alice.remove(objector)
    in_month(apart, objector, 4)
    keep(apart, 70)
    assert months_of(apart, objector) == []
    look_up = apart.alice.get("/v1/availability", phone=phone, channel="call").json()
    assert look_up["allowed"] is False
    again = apart.alice.made(phone=phone, consent={"call": {"status": "granted"}})["id"]
    consent = apart.alice.get(f"/v1/contacts/{again}/consent").json()
    assert consent["doNotContact"] is True
    [event] = apart.alice.history(again).json()
    assert {change["field"] for change in event["changes"]} >= {"consent.doNotContact"}
    assert apart.alice.restore(objector).status_code == 409


def test_a_contact_without_history_can_be_changed_restored_and_purged(apart: World) -> None:
    make_past(apart.sql, 4)
    contacts = [apart.alice.made(phone=a_phone())["id"] for _ in range(3)]
    apart.alice.remove(contacts[1])
    for contact_id in contacts:
        in_month(apart, contact_id, 4)
    keep(apart, 70)
    assert apart.alice.patch(contacts[0], {"firstName": "June"}).status_code == 200
    assert apart.alice.restore(contacts[1]).status_code == 200
    assert apart.alice.remove(contacts[2], purge=True).status_code == 204
    assert apart.alice.fetch(contacts[2]).status_code == 404


def test_no_month_is_dropped_that_the_search_has_not_seen(apart: World) -> None:
    make_past(apart.sql, 4)
    contact_id = apart.alice.made(firstName="Janet")["id"]
    in_month(apart, contact_id, 4)
    apart.sql.execute("delete from contact_search")
    apart.sql.execute("delete from search_progress")

    async def job(search: bool) -> None:
        db = Database(apart.sql.url, 2, 10)
        while search and (await catch_up(db)).more:
            pass
        await keep_months(db, 70 * DAY)
        await db.close()

    apart.sql.run(job(False))
    assert months_of(apart, contact_id)
    apart.sql.run(job(True))
    assert not months_of(apart, contact_id)
    assert apart.sql.value("select count(*) from contact_search where contact_id = $1", contact_id) == 1


def test_what_a_crash_has_left_half_dropped_is_removed(apart: World) -> None:
    make_past(apart.sql, 2)
    name = f"contact_events_{month(2):%Y_%m}"
    apart.sql.execute(f"alter table contact_events detach partition {name}")
    apart.sql.execute(f"alter table {name} rename to contact_events_gone_2020_01")
    keep(apart, 40)
    assert not apart.sql.fetch("select from pg_class where relname like 'contact_events_gone%'")


@pytest.mark.parametrize(
    ("text", "days"),
    [
        *[("off", 0), ("", 0), ("0", 0), ("90 days", 90), ("90d", 90), ("P90D", 90), ("13 weeks", 91)],
        *[("7776000", 90), ("30 days", 30)],
    ],
)
def test_the_setting_takes_days_and_weeks(text: str, days: int) -> None:
    settings = load_settings({"CONTACTORY_HISTORY_RETENTION": text})
    assert settings.history_retention == days * DAY
    assert load_settings(to_environment(settings)) == settings


@pytest.mark.parametrize("text", ["29 days", "90", "1d"])
def test_what_those_who_follow_the_changes_need_is_not_dropped(text: str) -> None:
    with pytest.raises(SettingsError, match="HISTORY_RETENTION: expected at least 30 days"):
        load_settings({"CONTACTORY_HISTORY_RETENTION": text})


def test_what_the_setting_cannot_mean_is_told_with_what_it_takes() -> None:
    with pytest.raises(SettingsError, match="expected a time such as 365 days or 52 weeks, or off"):
        load_settings({"CONTACTORY_HISTORY_RETENTION": "for ever"})
