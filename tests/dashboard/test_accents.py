"""Accents and case make no difference where a part of a text is looked for: filters, tags, suggestions."""

import html
import re
import unicodedata

import pytest

from tests.world import Person, World

NAMES = {
    "Élodie": ("elodie", "ÉLODIE", "E\u0301lo", "odie"),
    "E\u0301lise": ("\u00c9lise", "elise"),
    "Łódź Øster": ("lodz", "ŁÓDŹ", "łodz o", "oster"),
    "Đặng Işık İnci": ("dang isik inci", "đang", "İşik", "ISIK"),
    "Ёлка Ψυχή": ("елка", "ёлка", "ψυχη"),
    "Zoë-Anne O'Neil": ("e-a", "o'n"),
    "하나": ("하", "하나"),
    "Straße 100%": ("straße", "0%"),
}
ABSENT = {"Zoë-Anne O'Neil": ("ea", "o n", "oneil"), "하나": ("한", "ㅎ"), "Straße 100%": ("a_e", "0 %")}


@pytest.fixture
def olive(world: World) -> Person:
    return world.person()


def firsts(olive: Person, world: World, where: str) -> list[str]:
    page = olive.get(f"/w/{world.acme}/contacts", script=True, where=where).text
    return [html.unescape(name) for name in re.findall(r'data-key="firstName"><span [^>]*>([^<]*)<', page)]


def test_a_filter_finds_a_part_with_or_without_its_accents(world: World, olive: Person) -> None:
    world.field("Source")
    for name in NAMES:
        world.alice.made(firstName=name, customFields={"Source": name})
    num = world.sql.value("select num::text from custom_fields where workspace_id = $1", world.acme)
    for field in ("firstName", f"field-{num}"):
        for name, parts in NAMES.items():
            for part in parts:
                assert firsts(olive, world, f"{field}:contains:{part}") == [name], (field, part)
        for name, parts in ABSENT.items():
            for part in parts:
                assert name not in firsts(olive, world, f"{field}:contains:{part}"), (field, part)
    # Only where a part is looked for: the whole value is compared with its accents, as by the API.
    assert firsts(olive, world, "firstName:is:elodie") == []


def test_tags_are_found_and_offered_with_or_without_their_accents(world: World, olive: Person) -> None:
    world.alice.made(tags=["Élite", "Złoty", "plain"])
    for typed, name in (("elite", "Élite"), ("ELÍ", "Élite"), ("zlot", "Złoty"), ("e\u0301li", "Élite")):
        page = olive.get(f"/w/{world.acme}/settings/tags", script=True, q=typed).text
        assert re.findall(r'<span class="tag" dir="auto">([^<]*)<', page) == [name], typed
        assert olive.get(f"/w/{world.acme}/contacts/tags", script=True, q=typed).json() == [name]


def test_a_new_tag_is_compared_with_those_that_look_like_it(world: World, olive: Person) -> None:
    world.alice.made(tags=["vip", "Élite", "VIPs"])
    world.ada.made(workspaceId=world.acme_two, tags=["Vip"])

    def like(name: str) -> list[str]:
        return olive.get(f"/w/{world.acme}/contacts/tags", script=True, like=name).json()

    assert like("VIP") == like(" ViP ") == ["vip"]
    assert like("elite") == like("E\u0301LITE") == ["Élite"]
    # A tag that there is, however its letters are composed, and names that differ in more.
    for name in ("vip", unicodedata.normalize("NFD", "Élite"), "v.i.p", "vi", "gold"):
        assert like(name) == [], name


def test_a_rename_to_a_name_that_looks_like_another_tag_asks_first(world: World, olive: Person) -> None:
    world.alice.made(tags=["vip", "gold"])
    query = "select id from tags where workspace_id = $1 and name = $2"
    gold, vip = (world.sql.value(query, world.acme, name) for name in ("gold", "vip"))
    page = f"/w/{world.acme}/settings/tags"
    asked = olive.post(f"{page}/{gold}", {"name": " VIP "})
    assert asked.status_code == 409
    assert 'There is already a tag <strong dir="auto">vip</strong>' in asked.text
    assert re.search(r'<details class="danger" open>.*name="into"[^>]* value="vip"', asked.text, re.DOTALL)
    assert {tag["name"] for tag in world.bob.get("/v1/tags").json()} == {"gold", "vip"}
    # The answer is for this name alone; a change of one's own letters is not asked about.
    assert olive.post(f"{page}/{gold}", {"name": "ViP", "sure": "VIP"}).status_code == 409
    assert olive.post(f"{page}/{gold}", {"name": "VIP", "sure": "VIP"}).status_code == 303
    assert olive.post(f"{page}/{vip}", {"name": "Víp", "sure": "Víp"}).status_code == 303
    world.alice.delete("/v1/tags/VIP")
    assert olive.post(f"{page}/{vip}", {"name": "VÍP"}).status_code == 303
    # Merging takes the other tag with one click.
    world.alice.made(tags=["plain"])
    plain = world.sql.value(query, world.acme, "plain")
    assert olive.post(f"{page}/{plain}", {"name": "vip"}).status_code == 409
    assert olive.post(f"{page}/{plain}/merge", {"into": "VÍP"}).status_code == 303
