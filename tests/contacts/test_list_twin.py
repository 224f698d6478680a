"""GET /v1/contacts beside a twin in Python: random filters and contacts, in every order, page by page."""

import random
from datetime import datetime
from typing import Any

import pytest

from tests.contacts.test_list import SORTS, ids, walk
from tests.world import World, a_phone, an_email

TAGS = ["called", "gold", "lead", "vip", "spare"]
UNKNOWN_TAG = "nobody has it"
NOON = "2026-03-02T18:00:00Z"
ZONES = ["America/Los_Angeles", "America/New_York", "Asia/Tokyo"]
MOMENTS = {
    "createdAfter": lambda contact, at: moment(contact["createdAt"]) > at,
    "createdBefore": lambda contact, at: moment(contact["createdAt"]) < at,
    "updatedAfter": lambda contact, at: moment(contact["updatedAt"]) > at,
    "updatedBefore": lambda contact, at: moment(contact["updatedAt"]) < at,
}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def some_contacts(world: World, rng: random.Random) -> list[dict[str, Any]]:
    """Contacts as they are in the end, oldest first; some of their tags were merged and deleted."""
    made = [
        world.alice.made(
            phone=a_phone() if rng.random() < 0.8 else None,
            email=an_email(),
            timezone=rng.choice(ZONES),
            tags=rng.sample([*TAGS, "merged", "deleted"], rng.randint(0, 3)),
            consent={"call": {"status": rng.choice(["granted", "denied", "unknown", "unknown"])}},
        )
        for _ in range(40)
    ]
    for contact in rng.sample(made, 25):
        world.alice.patch(contact["id"], {"lastName": f"{rng.random()}", "tags": rng.sample(TAGS, 1)})
    for contact in rng.sample(made, 3):
        world.alice.remove(contact["id"])
    world.alice.request("PATCH", "/v1/tags/merged", {"name": "gold", "merge": True})
    world.alice.delete("/v1/tags/deleted")
    return world.alice.list(limit=1000, include="version").json()


def some_filters(rng: random.Random, contacts: list[dict[str, Any]]) -> dict[str, Any]:
    """A question, some of whose moments are just those of a contact."""
    asked: dict[str, Any] = {}
    for name, chance in (("tag", 0.3), ("anyTag", 0.3), ("notTag", 0.5)):
        if rng.random() < chance:
            asked[name] = rng.sample([*TAGS, UNKNOWN_TAG], rng.randint(1, 2))
    for name in MOMENTS:
        if rng.random() < 0.2:
            asked[name] = rng.choice(contacts)["createdAt" if name.startswith("created") else "updatedAt"]
    if rng.random() < 0.3:
        asked |= {"availableAt": NOON, "channel": "call"}
    return asked


def twin(contacts: list[dict[str, Any]], asked: dict[str, Any], sort: str, allowed: set[str]) -> list[str]:
    """The ids that the list must have, in its order."""
    found = [
        contact
        for contact in contacts
        if all(tag in contact["tags"] for tag in asked.get("tag", ()))
        and ("anyTag" not in asked or any(tag in contact["tags"] for tag in asked["anyTag"]))
        and not any(tag in contact["tags"] for tag in asked.get("notTag", ()))
        and all(holds(contact, moment(asked[name])) for name, holds in MOMENTS.items() if name in asked)
        and ("availableAt" not in asked or contact["id"] in allowed)
    ]
    field = sort.removeprefix("-")
    found.sort(key=lambda contact: moment(contact[field]), reverse=sort.startswith("-"))
    return [contact["id"] for contact in found]


@pytest.mark.parametrize("seed", range(4))
def test_every_filter_lists_what_its_twin_does(world: World, seed: int) -> None:
    rng = random.Random(seed)
    contacts = some_contacts(world, rng)
    verdicts = world.bob.post(
        "/v1/availability", {"ids": [c["id"] for c in contacts], "channel": "call", "at": NOON}
    ).json()["results"]
    allowed = {each["id"] for each in verdicts if each["availability"]["allowed"]}
    assert 0 < len(allowed) < len(contacts)
    sizes = set()
    for _ in range(60):
        asked, sort = some_filters(rng, contacts), rng.choice(SORTS)
        expected = twin(contacts, asked, sort, allowed)
        page = world.bob.list(**asked, sort=sort, limit=1000, count=True)
        assert ids(page) == expected, (asked, sort)
        assert page.headers["x-total-count"] == str(len(expected)), asked
        assert walk(world.bob, **asked, sort=sort, limit=3) == expected, (asked, sort)
        sizes.add(len(expected))
    assert len(sizes) > 10, "the filters hardly differ"
