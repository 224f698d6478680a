"""GET /v1/contacts?availableNow=: who may be contacted, as a filter among the others."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from contactory.base.ids import new_id
from contactory.contacts.read import listing
from tests.availability.test_get import NOON, verdict, window
from tests.world import Caller, World, a_phone, an_email, pointers

ZONES = ["America/Los_Angeles", "America/New_York", "Europe/Paris", "Asia/Kolkata", "Asia/Tokyo", None]
AT = {"availableAt": NOON, "channel": "call"}


@pytest.fixture
def people(world: World) -> list[dict[str, Any]]:
    """Two of each zone, with a phone and with an e-mail, one who could be in two zones, and who objects."""
    made = [world.alice.made(phone=a_phone(), timezone=zone, tags=["vip"]) for zone in ZONES]
    made += [world.alice.made(email=an_email(), timezone=zone) for zone in ZONES]
    made.append(world.alice.made(phone="+12085550155"))
    for consent in (
        {"doNotContact": True},
        {"call": {"status": "denied"}, "sms": {"status": "granted"}},
        {"email": {"status": "denied"}},
    ):
        made.append(
            world.alice.made(
                phone=a_phone(), email=an_email(), timezone="America/Los_Angeles", consent=consent
            )
        )
    without = ZONES.index(None)  # Made without a zone, it has taken that of its phone.
    made[without] = world.alice.patch(made[without]["id"], {"timezone": None}).json()
    return made


def listed(caller: Caller, **params: Any) -> list[Any]:
    answer = caller.list(**{"limit": 1000, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(caller: Caller, **params: Any) -> Iterator[httpx.Response]:
    answer = caller.list(**params)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer
        if "next" not in answer.links:
            return
        answer = caller.get(answer.links["next"]["url"])


@pytest.mark.parametrize("channel", ["call", "sms", "email"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_the_filter_and_the_verdict_agree(world: World, people: Any, channel: str, hour: int) -> None:
    for at in (f"2026-03-02T{hour:02}:00:00Z", f"2026-03-08T{hour:02}:29:59Z"):
        allowed = [each for each in people if verdict(world.bob, each, at, channel)["allowed"]]
        for sort in ("createdAt", "-updatedAt"):
            found = listed(world.bob, availableAt=at, channel=channel, sort=sort)
            assert sorted(each["id"] for each in found) == sorted(each["id"] for each in allowed)


def test_who_could_be_in_two_zones_is_listed_while_both_are_open(world: World) -> None:
    boise = world.alice.made(phone="+12085550155")
    for at, expected in (("16:30", []), ("17:00", [boise["id"]]), ("02:59", [boise["id"]]), ("03:30", [])):
        day = "2026-03-03" if at < "12" else "2026-03-02"
        found = listed(world.bob, availableAt=f"{day}T{at}:00Z", channel="call")
        assert [each["id"] for each in found] == expected, at


def test_now_is_now(world: World, people: Any) -> None:
    always = [(day, "00:00", "24:00") for day in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]
    window(world, "Always", *always)
    shut = datetime.now(UTC).toordinal()
    days = [datetime.fromordinal(shut + n).date().isoformat() for n in (-1, 0, 1)]
    window(world, "Never", *always, holidays=days)

    def reached(name: str) -> list[str]:
        return [
            each["id"]
            for each in people
            if verdict(world.bob, each, channel=name, window="Always")["allowed"]
        ]

    assert [each["id"] for each in listed(world.bob, availableNow="call", window="Always")] == reached("call")
    assert listed(world.bob, availableNow="call", window="Never") == []
    mailed = listed(world.bob, availableNow="email", window="Always", availableAt=NOON)
    assert [each["id"] for each in mailed] == reached("email")


def test_it_combines_with_every_other_filter(world: World, people: Any) -> None:
    all_of_them = listed(world.bob, **AT)
    assert len(all_of_them) == 4
    some = all_of_them[0]
    for more in (
        {"phone": some["phone"]},
        {"createdAfter": people[0]["createdAt"], "phone": some["phone"]} if some != people[0] else {},
        {"updatedAfter": "2020-01-01T00:00:00Z", "phone": some["phone"]},
        {"tag": "vip", "phone": some["phone"]},
    ):
        if more:
            assert [each["id"] for each in listed(world.bob, **AT, **more)] == [some["id"]]
    assert [each["id"] for each in listed(world.bob, **AT, tag="vip")] == [people[0]["id"], people[1]["id"]]
    assert listed(world.bob, **AT, tag="nobody") == []
    after = listed(world.bob, **AT, createdAfter=people[0]["createdAt"])
    assert [each["id"] for each in after] == [each["id"] for each in all_of_them[1:]]


def test_it_counts_and_shows_zones_and_passes_over(world: World, people: Any) -> None:
    answer = world.bob.list(**AT, count=True, include="timezones", limit=1, offset=2)
    assert answer.headers["x-total-count"] == "4"
    [last] = answer.json()
    assert last["timezones"] == ["America/Boise", "America/Los_Angeles"]
    assert world.bob.list(**AT, offset=10_000).json() == []


@pytest.mark.parametrize("sort", ["createdAt", "-createdAt", "updatedAt", "-updatedAt"])
def test_a_walk_by_cursor_finds_each_once(world: World, people: Any, sort: str) -> None:
    walked = [each["id"] for page in pages(world.bob, **AT, sort=sort, limit=1) for each in page.json()]
    assert sorted(walked) == sorted(each["id"] for each in listed(world.bob, **AT))
    assert walked == [each["id"] for each in listed(world.bob, **AT, sort=sort)]


def test_all_pages_of_a_walk_are_of_the_same_moment(world: World, people: Any) -> None:
    window(
        world,
        "Always",
        *[(day, "00:00", "24:00") for day in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]],
    )
    before = datetime.now(UTC)
    moments = set()
    for page in pages(world.bob, availableNow="call", window="Always", limit=2):
        if "next" in page.links:
            following = httpx.URL(page.links["next"]["url"]).params
            assert "availableNow" not in following
            assert (following["channel"], following["window"]) == ("call", "Always")
            moments.add(following["availableAt"])
    [moment] = moments
    assert before <= datetime.fromisoformat(moment) <= datetime.now(UTC)


def fill(world: World, zones: list[str], count: int, start: int = 0) -> list[str]:
    """Many contacts by SQL, each a second younger, in turn in the zones; gives their ids, oldest first."""
    ids = [new_id() for _ in range(count)]
    world.sql.execute(
        """insert into contacts (workspace_id, id, phone, timezone, timezone_source, tag_ids, fields, version,
                                 created_at, updated_at)
           select $1, id::uuid, '+1212' || (5000000 + n), zone, 'caller', '{}', '{}', 1, born, born
             from unnest($2::text[], $3::text[], $4::bigint[]) as i (id, zone, n),
                  lateral (select timestamptz '2020-01-01' + n * interval '1 second') as t (born)""",
        world.acme,
        ids,
        [zones[n % len(zones)] for n in range(count)],
        list(range(start, start + count)),
    )
    return ids


def test_few_among_many_are_found_wherever_they_are(world: World) -> None:
    many = 2 * listing.HEAD
    fill(world, ["Asia/Tokyo", "Asia/Kolkata"], many)
    few = fill(world, ["America/Los_Angeles", "America/New_York"], 7, start=many)
    fill(world, ["Asia/Tokyo"], many, start=many + 7)
    assert [each["id"] for each in listed(world.bob, **AT, limit=20)] == few
    assert [each["id"] for each in listed(world.bob, **AT, limit=20, sort="-createdAt")] == few[::-1]
    assert [each["id"] for each in listed(world.bob, **AT, limit=3, offset=2)] == few[2:5]
    walked = [each["id"] for page in pages(world.bob, **AT, limit=2) for each in page.json()]
    assert walked == few
    back = [each["id"] for page in pages(world.bob, **AT, limit=2, sort="-createdAt") for each in page.json()]
    assert back == few[::-1]


@pytest.mark.parametrize("limit", [2, 3, 4, 5, 9])
def test_those_at_the_beginning_do_not_hide_those_at_the_end(world: World, limit: int) -> None:
    many = 3 * listing.HEAD
    some = fill(world, ["America/Los_Angeles"], 3)
    fill(world, ["Asia/Tokyo"], many, start=3)
    some += fill(world, ["America/Los_Angeles", "America/New_York"], 6, start=3 + many)
    for sort in ("createdAt", "-createdAt"):
        expected = some if sort == "createdAt" else some[::-1]
        walked = [
            each["id"] for page in pages(world.bob, **AT, limit=limit, sort=sort) for each in page.json()
        ]
        assert walked == expected


def test_few_among_many_are_found_by_tag_too(world: World) -> None:
    tagged = world.alice.made(phone=a_phone(), timezone="Asia/Tokyo", tags=["vip"])
    many = 3 * listing.HEAD
    fill(world, ["Asia/Tokyo"], many)
    few = fill(world, ["America/Los_Angeles"], 5, start=many)
    world.sql.execute(
        """update contacts set tag_ids = (select tag_ids from contacts where workspace_id = $1 and id = $2)
            where workspace_id = $1""",
        world.acme,
        tagged["id"],
    )
    assert [each["id"] for each in listed(world.bob, **AT, tag="vip", limit=20)] == few
    walked = [each["id"] for page in pages(world.bob, **AT, tag="vip", limit=2) for each in page.json()]
    assert walked == few


def test_many_among_many_keep_their_order(world: World) -> None:
    ids = fill(world, ["America/Los_Angeles", "Asia/Tokyo", "America/New_York"], 3 * listing.HEAD)
    expected = [each for n, each in enumerate(ids) if n % 3 != 1]
    walked = [each["id"] for page in pages(world.bob, **AT, limit=100) for each in page.json()]
    assert walked == expected


def test_all_that_is_wrong_is_said_at_once(world: World) -> None:
    answer = world.bob.list(availableNow="cal", availableAt="9999-01-01T00:00:00Z", window="x" * 256)
    assert pointers(answer) == {
        "availableNow": "unknown_value",
        "availableAt": "out_of_range",
        "window": "wrong_length",
    }
    answer = world.bob.list(availableAt=NOON, window="Nope", phone="x")
    assert pointers(answer) == {
        "channel": "required",
        "window": "unknown_send_window",
        "phone": "invalid_phone",
    }
    lonely = world.bob.list(channel="call", window="Default")
    assert pointers(lonely) == {"channel": "needs_another", "window": "needs_another"}
    assert pointers(world.bob.list(availableNow="call", channel="sms")) == {"channel": "given_twice"}
    window(world, "Mail", ("mon", "09:00", "17:00"), channels=["email"])
    assert pointers(world.bob.list(availableNow="call", window="Mail")) == {"window": "wrong_channel"}
