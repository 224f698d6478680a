"""Numbers that are links lead to exactly the contacts that they count, and zones are equal by place."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from contactory.local_time.clocks import offsets_at
from contactory.local_time.zones import ZONES, canonical_zone, names_of_place
from tests.world import Person, World, a_phone, an_email

INDIA = ("Asia/Kolkata", "Asia/Calcutta")
ANYWHERE = "+1555123{:04}"
"""Phones whose area code does not exist yet: they could be in every zone of the countries with +1."""


@pytest.fixture
def cast(world: World) -> None:
    """Contacts in zones with the same clock and with different ones, some of which cannot be reached."""
    zones = [*INDIA, "Asia/Colombo", "Europe/Berlin", "Europe/Paris", "Africa/Lagos", "America/Los_Angeles"]
    data: list[dict[str, Any]] = [
        {"phone": a_phone(), "email": an_email(), "timezone": zone, "tags": ["all", zone[:4]]}
        for n, zone in enumerate(zones)
        for _ in range(n + 1)
    ]
    data += [{"phone": ANYWHERE.format(n), "tags": ["all"]} for n in range(3)]
    data += [{"email": an_email(), "timezone": zone} for zone in zones]  # They cannot be called.
    data += [{"phone": a_phone(), "timezone": zone, "consent": {"doNotContact": True}} for zone in zones]
    denied = {"call": {"status": "denied"}}
    data += [{"phone": a_phone(), "timezone": zone, "consent": denied} for zone in zones]
    results = world.alice.batch(*({"op": "create", "data": each} for each in data)).json()["results"]
    assert {result["status"] for result in results} == {201}
    gone = world.alice.made(phone=a_phone(), timezone="Europe/Berlin", tags=["all"])
    world.alice.remove(gone["id"])


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def counted(person: Person, link: str) -> int:
    """How many contacts the grid counts behind a link; the page itself must show as many."""
    address = html.unescape(link)
    page = person.get(address)
    assert page.status_code == 200
    path, _, query = address.partition("?")
    count = number(person.get(f"{path}/count?{query}", script=True).text)
    assert page.text.count("<tr data-id=") == min(count, 50)
    return count


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("channel", ["call", "sms", "email"])
def test_each_row_of_local_times_leads_to_the_contacts_that_it_counts(
    world: World, olive: Person, channel: str
) -> None:
    text = olive.get(f"/w/{world.acme}/overview/reach", script=True, channel=channel).text
    rows = re.findall(r'<th scope="row"><a href="([^"]+)">.*?([\d,]+)</span></a></th>', text)
    assert len(rows) == (4 if channel != "email" else 3)
    assert {link: counted(olive, link) for link, _ in rows} == {link: number(shown) for link, shown in rows}
    assert ("Several zones" in text) == (channel != "email")
    # Kolkata, Calcutta and Colombo have one clock, and two of the names are one place.
    assert re.search(r">(Kolkata|Colombo) \+1</span>", text)


@pytest.mark.usefixtures("cast")
def test_each_day_and_each_tag_leads_to_the_contacts_that_it_counts(world: World, olive: Person) -> None:
    path = f"/w/{world.acme}"
    days = re.findall(
        r'<td><a href="([^"]+)">([\d,]+)</a></td>', olive.get(f"{path}/overview/growth", script=True).text
    )
    tags = re.findall(
        r'<a href="([^"]+)" dir="auto">[^<]*</a></th>\s*<td class="number">([\d,]+)<',
        olive.get(f"{path}/overview/tags", script=True).text,
    )
    assert (len(days), len(tags)) == (1, 5)
    settings = olive.get(f"{path}/settings/tags").text
    listed = re.findall(r'class="item-count" href="([^"]+)"><span data-count="(\d+)"', settings)
    counts = olive.get(f"{path}/settings/tags/counts", script=True, of=[tag for _, tag in listed]).json()
    tags += [(link, str(counts[tag])) for link, tag in listed]
    for _, tag in listed:
        dialog = olive.get(f"{path}/settings/tags/{tag}", script=True).text
        tags += re.findall(r'<a href="([^"]+\?where[^"]+)">([\d,]+) contacts?</a>', dialog)
    assert len(tags) == 15
    for link, shown in [*days, *tags]:
        assert counted(olive, link) == number(shown), link


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize("typed", [*INDIA, "asia/calcutta", "Mumbai", "kolkata"])
def test_a_zone_is_found_under_each_of_its_names(world: World, olive: Person, typed: str) -> None:
    answer = olive.get(f"/w/{world.acme}/contacts/count", script=True, where=f"timezone:is:{typed}")
    assert number(answer.text) == 1 + 2 + 3 * len(INDIA)


def test_the_names_of_a_place_are_equal_and_have_one_clock() -> None:
    assert set(names_of_place("US/Pacific")) == {"America/Los_Angeles", "US/Pacific"}
    assert names_of_place("Nowhere/Atlantis") == ("Nowhere/Atlantis",)
    offsets = offsets_at(datetime.now(UTC))
    assert offsets.keys() == ZONES
    for name in ZONES:
        assert name in names_of_place(name)
        assert {canonical_zone(other) for other in names_of_place(name)} == {canonical_zone(name)}
        assert len({offsets[other] for other in names_of_place(name)}) == 1
