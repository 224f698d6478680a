"""GET /v1/contacts: filters, orders, pages and cursors."""

import random
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.world import Caller, World, a_phone, an_email, pointers

CHANCE = random.Random(27)
SORTS = ["createdAt", "-createdAt", "updatedAt", "-updatedAt"]


def made(caller: Caller, count: int, **fields: Any) -> list[dict[str, Any]]:
    """Contacts, oldest first."""
    return [caller.made(firstName=f"Contact {number}", **fields) for number in range(count)]


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [contact["id"] for contact in answer.json()]


def walk(caller: Caller, then: Any = lambda: None, **params: Any) -> list[str]:
    """Every id that a walk from page to page gives; `then` happens between two pages."""
    page = caller.list(**params)
    found = ids(page)
    while "next" in page.links:
        then()
        page = caller.get(page.links["next"]["url"])
        found += ids(page)
    return found


def test_the_list_is_a_bare_array_of_contacts_oldest_first(world: World) -> None:
    contacts = made(world.alice, 3, tags=["vip"])
    assert world.bob.list().json() == contacts


def test_an_empty_list_is_an_empty_array(world: World) -> None:
    answer = world.alice.list()
    assert (answer.json(), "link" in answer.headers) == ([], False)


def test_a_page_has_20_contacts_unless_told_otherwise(world: World) -> None:
    contacts = [contact["id"] for contact in made(world.alice, 21)]
    assert ids(world.alice.list()) == contacts[:20]
    assert ids(world.alice.list(limit=1000)) == contacts
    assert ids(world.alice.list(limit=1)) == contacts[:1]
    assert ids(world.alice.list(limit=3, offset=19)) == contacts[19:]
    assert ids(world.alice.list(offset=21)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "x"},
        {"limit": "1.5"},
        {"limit": "١"},
        {"offset": -1},
        {"offset": 10**30},
        {"sort": "name"},
        {"count": "yes"},
        {"createdAfter": "yesterday"},
        {"createdAfter": "2024-01-15"},
        {"createdBefore": "2024-01-15"},
        {"updatedBefore": "2024-01-15T10:00:00"},
        {"updatedAfter": "2024-01-15T10:00:00"},
        {"updatedAfter": "9999-99-99T00:00:00Z"},
        {"email": "x"},
        {"phone": "12"},
        {"tag": ""},
        {"anyTag": ""},
        {"notTag": "x" * 256},
        {"cursor": "x"},
        {"workspaceId": "x"},
        {"include": "deleted"},
        {"limt": 5},
    ],
)
def test_a_wrong_parameter_is_named(world: World, wrong: dict[str, Any]) -> None:
    refused = world.alice.list(**wrong)
    assert refused.status_code == 400
    assert [error["parameter"] for error in refused.json()["errors"]] == list(wrong)


def test_all_wrong_parameters_are_named_at_once(world: World) -> None:
    refused = world.alice.list(limit=0, sort="x", createdAfter="x", page=2)
    assert set(pointers(refused)) == {"limit", "sort", "createdAfter", "page"}


@pytest.mark.parametrize("sort", SORTS)
def test_a_walk_gives_every_contact_once_in_order(world: World, sort: str) -> None:
    contacts = made(world.alice, 7)
    for contact in CHANCE.sample(contacts, 4):
        world.alice.patch(contact["id"], {"lastName": "Doe"})
    everything = world.alice.list(limit=100).json()
    field = sort.removeprefix("-")
    order = sorted(everything, key=lambda c: datetime.fromisoformat(c[field]), reverse=sort.startswith("-"))
    assert walk(world.alice, sort=sort, limit=3) == [contact["id"] for contact in order]


def test_a_walk_by_creation_meets_all_of_one_moment(world: World) -> None:
    contacts = [contact["id"] for contact in made(world.alice, 5)]
    world.sql.execute("update contacts set created_at = now() where workspace_id = $1", world.acme)
    assert walk(world.alice, sort="createdAt", limit=2) == sorted(contacts)
    assert walk(world.alice, sort="-createdAt", limit=2) == sorted(contacts, reverse=True)


@pytest.mark.parametrize("after", [{}, {"updatedAfter": "2020-01-01T00:00:00Z"}])
def test_a_walk_by_change_meets_all_of_one_moment(world: World, after: dict[str, str]) -> None:
    contacts = [contact["id"] for contact in made(world.alice, 5)]
    moment = datetime(2026, 1, 15, tzinfo=UTC)
    for contact_id in contacts[::-1]:  # So that they do not lie in the order of their ids.
        world.sql.execute("update contacts set updated_at = $2 where id = $1", contact_id, moment)
    world.sql.execute("update contact_events set at = $2 where workspace_id = $1", world.acme, moment)
    assert walk(world.alice, sort="updatedAt", limit=2, **after) == sorted(contacts)
    assert walk(world.alice, sort="-updatedAt", limit=2, **after) == sorted(contacts, reverse=True)


def test_the_link_keeps_the_other_parameters(world: World) -> None:
    made(world.alice, 4, tags=["a&b ü", "vip"])
    made(world.alice, 2)
    page = world.alice.list(limit=3, tag=["vip", "a&b ü"], sort="-createdAt", count=True)
    assert page.headers["link"].endswith('; rel="next"')
    following = world.alice.get(page.links["next"]["url"])
    assert len(ids(page) + ids(following)) == 4
    assert "link" not in following.headers


def test_the_last_page_has_no_link_even_where_it_is_full(world: World) -> None:
    made(world.alice, 4)
    page = world.alice.list(limit=2)
    assert "link" not in world.alice.get(page.links["next"]["url"]).headers


def test_a_cursor_keeps_its_order_and_an_offset_counts_from_it(world: World) -> None:
    first, second, third = made(world.alice, 3)
    page = world.alice.list(limit=1)
    assert ids(page) == [first["id"]]
    cursor = httpx.URL(page.links["next"]["url"]).params["cursor"]
    assert ids(world.alice.list(cursor=cursor, sort="-createdAt")) == [second["id"], third["id"]]
    assert ids(world.alice.list(cursor=cursor, offset=1)) == [third["id"]]


def test_a_cursor_shows_nothing_of_another_workspace(world: World) -> None:
    made(world.alice, 3)
    other = made(world.carol, 1)
    for sort in SORTS:
        cursor = httpx.URL(world.alice.list(limit=1, sort=sort).links["next"]["url"]).params["cursor"]
        assert set(ids(world.carol.list(cursor=cursor))) <= {other[0]["id"]}


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt"])
def test_a_walk_by_creation_neither_skips_nor_repeats_while_others_write(world: World, sort: str) -> None:
    contacts = made(world.alice, 12)
    survivors = {contact["id"] for contact in contacts[:9]}
    doomed = [contact["id"] for contact in contacts[9:]]

    def meanwhile() -> None:
        world.alice.made()
        if doomed:
            world.alice.remove(doomed.pop())
        world.alice.patch(CHANCE.choice(contacts[:9])["id"], {"lastName": f"{CHANCE.random()}"})

    found = walk(world.alice, meanwhile, sort=sort, limit=2)
    assert len(found) == len(set(found)), "a contact was repeated"
    assert survivors <= set(found), "a contact was skipped"


@pytest.mark.parametrize("after", [{}, {"updatedAfter": "2020-01-01T00:00:00Z"}])
@pytest.mark.parametrize("sort", ["updatedAt", "-updatedAt"])
def test_a_walk_by_change_neither_skips_nor_repeats_while_others_write(
    world: World, sort: str, after: dict[str, str]
) -> None:
    contacts = [contact["id"] for contact in made(world.alice, 12)]

    def meanwhile() -> None:
        world.alice.made()
        for contact_id in CHANCE.sample(contacts, 4):
            world.alice.patch(contact_id, {"lastName": f"{CHANCE.random()}"})

    found = walk(world.alice, meanwhile, sort=sort, limit=2, **after)
    assert [contact_id for contact_id in found if contact_id in contacts] == sorted(
        contacts, key=contacts.index, reverse=sort == "-updatedAt"
    ), "each contact keeps the place that it had when the walk began"
    assert len(found) == len(set(found))


@pytest.mark.parametrize("sort", SORTS)
def test_walks_are_whole_under_a_storm_of_changes(world: World, sort: str) -> None:
    contacts = [contact["id"] for contact in made(world.alice, 40)]
    stop = threading.Event()

    def storm(number: int) -> None:
        rng = random.Random(number)
        while not stop.is_set():
            answer = world.alice.patch(rng.choice(contacts), {"lastName": f"{rng.random()}"})
            assert answer.status_code == 200

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert sorted(walk(world.alice, sort=sort, limit=7)) == sorted(contacts)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_the_email_filter_disregards_case(world: World) -> None:
    email = an_email()
    [contact, _] = [world.alice.made(email=email), world.alice.made(email=an_email())]
    assert ids(world.alice.list(email=email.upper())) == [contact["id"]]
    assert ids(world.alice.list(email=an_email())) == []


@pytest.mark.parametrize("written", ["+14155551234", "+1 (415) 555-1234", "+1-415-555-1234"])
def test_the_phone_filter_takes_any_writing(world: World, written: str) -> None:
    contact = world.alice.made(phone="+14155551234")
    world.alice.made(phone=a_phone())
    assert ids(world.alice.list(phone=written)) == [contact["id"]]


def test_the_phone_filter_reads_numbers_in_the_country_of_the_workspace(world: World) -> None:
    paris = world.caller(world.workspace("Paris", country="FR"))
    contact = paris.made(phone="+33142345678")
    assert ids(paris.list(phone="01 42 34 56 78")) == [contact["id"]]


def test_all_filters_must_hold(world: World) -> None:
    both = world.alice.made(tags=["gold", "vip"], phone="+14155551234")
    gold = world.alice.made(tags=["gold"])
    world.alice.made(tags=["vip"])
    assert ids(world.alice.list(tag="gold")) == [both["id"], gold["id"]]
    assert ids(world.alice.list(tag=["gold", "vip"])) == [both["id"]]
    assert ids(world.alice.list(tag=["gold", "vip"], phone="+12125551234")) == []
    assert ids(world.alice.list(tag=["gold", "vip"], phone="+14155551234")) == [both["id"]]


def test_the_tag_filter_is_exact(world: World) -> None:
    contact = world.alice.made(tags=["vip", "a,b"])
    assert ids(world.alice.list(tag=" vip ")) == [contact["id"]]
    assert ids(world.alice.list(tag="a,b")) == [contact["id"]]
    assert ids(world.alice.list(tag="VIP")) == []
    assert ids(world.alice.list(tag="a")) == []


def test_contacts_without_a_tag_and_with_any_of_several_can_be_listed(world: World) -> None:
    both = world.alice.made(tags=["gold", "vip"])
    gold = world.alice.made(tags=["gold"])
    plain = world.alice.made()
    assert ids(world.alice.list(anyTag=["gold", "vip"])) == [both["id"], gold["id"]]
    assert ids(world.alice.list(anyTag="vip")) == [both["id"]]
    assert ids(world.alice.list(notTag="vip")) == [gold["id"], plain["id"]]
    assert ids(world.alice.list(notTag=["vip", "gold"])) == [plain["id"]]
    assert ids(world.alice.list(tag="gold", notTag="vip")) == [gold["id"]]


def test_a_tag_that_does_not_exist_is_on_no_contact(world: World) -> None:
    contact = world.alice.made(tags=["vip"])
    for name in ("tag", "anyTag"):
        assert ids(world.alice.list(**{name: "nobody has it"})) == []
    assert ids(world.alice.list(anyTag=["nobody has it", "vip"])) == [contact["id"]]
    assert ids(world.alice.list(notTag="nobody has it")) == [contact["id"]]
    assert ids(world.carol.list(notTag="vip")) == []
    carols = world.carol.made()
    assert ids(world.carol.list(notTag="vip")) == [carols["id"]]


@pytest.mark.parametrize("sort", SORTS)
def test_created_before_and_updated_before_are_exclusive(world: World, sort: str) -> None:
    first, second, third = made(world.alice, 3)
    before = {"createdBefore": third["createdAt"], "sort": sort}
    assert set(ids(world.alice.list(**before))) == {first["id"], second["id"]}
    changed = world.alice.patch(first["id"], {"lastName": "Doe"}).json()
    before = {"updatedBefore": changed["updatedAt"], "sort": sort}
    assert set(ids(world.alice.list(**before))) == {second["id"], third["id"]}
    assert ids(world.alice.list(updatedBefore=second["updatedAt"], sort=sort)) == []
    between = {"updatedAfter": second["updatedAt"], "updatedBefore": changed["updatedAt"]}
    assert ids(world.alice.list(**between, sort=sort)) == [third["id"]]


def test_the_version_is_shown_on_request_only(world: World) -> None:
    contact, other = made(world.alice, 2)
    world.alice.patch(contact["id"], {"lastName": "Doe"})
    for sort in SORTS:
        listed = {c["id"]: c for c in world.alice.list(include="version", sort=sort).json()}
        assert (listed[contact["id"]]["version"], listed[other["id"]]["version"]) == (2, 1)
        assert list(listed[other["id"]]) == [*other, "version"]
    assert "version" not in world.alice.list().json()[0]
    both = world.alice.list(include=["version", "timezones"], limit=1).json()[0]
    assert {"version", "timezones", "timezoneSource"} <= both.keys()


def test_a_tag_made_a_moment_ago_in_another_process_can_be_filtered_by(
    world: World, second_http: httpx.Client
) -> None:
    world.alice.made(tags=["old"])
    world.alice.list(tag="old")
    contact = world.alice.at(second_http).made(tags=["brand new"])
    assert ids(world.alice.list(tag="brand new")) == [contact["id"]]
    contact = world.alice.at(second_http).made(tags=["newer"])
    assert contact["id"] not in ids(world.alice.list(notTag="newer"))
    contact = world.alice.at(second_http).made(tags=["newest"])
    assert ids(world.alice.list(anyTag="newest")) == [contact["id"]]


@pytest.mark.parametrize("sort", SORTS)
def test_created_after_and_updated_after_are_exclusive(world: World, sort: str) -> None:
    first, second, third = made(world.alice, 3)
    after = {"createdAfter": first["createdAt"], "sort": sort}
    assert set(ids(world.alice.list(**after))) == {second["id"], third["id"]}
    changed = world.alice.patch(first["id"], {"lastName": "Doe"}).json()
    after = {"updatedAfter": third["updatedAt"], "sort": sort}
    assert ids(world.alice.list(**after)) == [first["id"]]
    assert ids(world.alice.list(updatedAfter=changed["updatedAt"], sort=sort)) == []
    offset = datetime.fromisoformat(third["updatedAt"]).astimezone().isoformat()
    assert ids(world.alice.list(updatedAfter=offset, sort=sort)) == [first["id"]]
    assert ids(world.alice.list(updatedAfter=third["updatedAt"], createdAfter=third["createdAt"])) == []


def test_updated_after_lists_a_restored_contact(world: World) -> None:
    first, last = made(world.alice, 2)
    world.alice.remove(first["id"])
    assert ids(world.alice.list(updatedAfter=last["updatedAt"])) == []
    world.alice.restore(first["id"])
    assert ids(world.alice.list(updatedAfter=last["updatedAt"])) == [first["id"]]


def test_the_total_is_counted_when_asked_for(world: World) -> None:
    made(world.alice, 5, tags=["vip"])
    made(world.alice, 2)
    assert "x-total-count" not in world.alice.list().headers
    assert world.alice.list(count=True, limit=1).headers["x-total-count"] == "7"
    assert world.alice.list(count=True, tag="vip", offset=9).headers["x-total-count"] == "5"


def test_deleted_contacts_are_in_no_list(world: World) -> None:
    gone, stays = made(world.alice, 2, tags=["vip"])
    world.alice.remove(gone["id"])
    for params in (
        {},
        {"tag": "vip"},
        {"sort": "-updatedAt"},
        {"sort": "updatedAt"},
        {"updatedAfter": gone["createdAt"]},
    ):
        assert ids(world.alice.list(**params)) == [stays["id"]]
    assert world.alice.list(count=True).headers["x-total-count"] == "1"


def test_a_list_shows_one_workspace_only(world: World) -> None:
    contact = world.alice.made(tags=["vip"])
    world.ada.made(workspaceId=world.acme_two, tags=["vip"])
    world.carol.made(tags=["vip"])
    world.tom.made(tags=["vip"])
    for sort in SORTS:
        assert ids(world.alice.list(sort=sort, tag="vip")) == [contact["id"]]


def test_an_account_key_must_say_which_workspace(world: World) -> None:
    refused = world.ada.list()
    assert refused.json()["detail"] == "workspaceId is required for account-scoped API keys"
    assert list(pointers(refused)) == ["workspaceId"]
    contact = world.ada.made(workspaceId=world.acme_two, firstName="Jane")
    assert ids(world.ada.list(workspaceId=world.acme_two)) == [contact["id"]]
    for hidden in (world.globex, world.acme_test, "0192f000-0000-7000-8000-000000000000"):
        assert world.ada.list(workspaceId=hidden).status_code == 404
    assert world.alice.list(workspaceId=world.acme_two).status_code == 404
    assert ids(world.alice.list(workspaceId=world.acme)) == []


def test_a_walk_survives_the_restart_of_its_transaction_ids(world: World) -> None:
    """A cursor that is older than every transaction of the server, as after a restore from a dump."""
    contacts = made(world.alice, 4)
    old = datetime.fromisoformat(contacts[0]["createdAt"]) - timedelta(hours=1)
    world.sql.execute(
        "update contact_events set at = at - interval '1 hour', tx = '999999999999' where workspace_id = $1",
        world.acme,
    )
    world.sql.execute(
        "update contacts set updated_at = updated_at - interval '1 hour' where workspace_id = $1", world.acme
    )
    for sort in ("updatedAt", "-updatedAt"):
        assert (
            len(walk(world.alice, sort=sort, limit=2, updatedAfter=(old - timedelta(hours=1)).isoformat()))
            == 4
        )
        assert len(walk(world.alice, sort=sort, limit=3)) == 4
