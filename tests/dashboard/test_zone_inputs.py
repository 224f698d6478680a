"""Every input of a time zone suggests places from the server's list: by city, country, other name, offset."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect

from contactory.timezones.model import time_zones
from contactory.timezones.search import MOST, places_of, search
from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_axe import violations
from tests.world import Person, World

Windows = Callable[..., Window]
WINTER = places_of(time_zones(datetime(2026, 1, 15, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("new y", ["America/New_York"]),
        ("NEW_YORK", ["America/New_York"]),
        ("america/new", ["America/New_York"]),
        ("germany", ["Europe/Berlin", "Europe/Busingen"]),
        ("calcutta", ["Asia/Kolkata"]),
        ("Asia/Calcutta", ["Asia/Kolkata"]),
        ("mumbai", ["Asia/Kolkata"]),
        ("são p", ["America/Sao_Paulo"]),
        ("united kingdom", ["Europe/London"]),
        ("lond", ["Europe/London"]),
        ("+5:45", ["Asia/Kathmandu"]),
        ("UTC+05:45", ["Asia/Kathmandu"]),
        ("gmt +5:45", ["Asia/Kathmandu"]),
        ("\N{MINUS SIGN}3:30", ["America/St_Johns"]),
        *((nothing, []) for nothing in ("", "  ", "nowhere at all", "%", "+25:99")),
    ],
)
def test_a_place_is_found_by_what_users_call_it(typed: str, expected: list[str]) -> None:
    assert [place.name for place in search(WINTER, typed)] == expected


def test_the_main_place_comes_first_and_the_list_is_short() -> None:
    [new_york, *others] = search(WINTER, "usa")
    assert new_york.name == "America/New_York"
    assert len(others) == MOST - 1
    assert new_york.title == "New York, United States · UTC\N{MINUS SIGN}05:00"
    # The names with an inverted sign come last.
    assert search(WINTER, "gmt+1")[0].name.startswith("Europe/")


def test_the_suggestions_have_every_name(world: World, olive: Person) -> None:
    [place] = olive.get(f"/w/{world.acme}/time-zones", script=True, q="kolk").json()
    assert place["names"] == ["Asia/Kolkata", "Asia/Calcutta"]
    assert place["title"] == "Kolkata, India · UTC+05:30"
    assert olive.get(f"/w/{world.acme}/time-zones", script=True).json() == []


def pick(page: Page, box: Locator) -> None:
    """Types a part of a city and takes the suggestion by Enter."""
    box.press_sequentially("new y")
    option = page.get_by_role("option", name="New York, United States")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-expanded", "true")
    assert option.bounding_box()
    box.press("Enter")
    expect(box).to_have_value("America/New_York")
    expect(option).to_have_count(0)


def test_every_form_suggests_places(windows: Windows, world: World, olive: Person) -> None:
    jane = world.alice.made(firstName="Jane")
    page = windows(olive).page
    contact, settings = f"/w/{world.acme}/contacts/{jane['id']}", f"/w/{world.acme}/settings/workspace"
    for path in (contact, f"/w/{world.acme}/contacts/new", settings, f"{settings}/new"):
        page.goto(path)
        box = page.locator("[data-zone]")
        box.fill("")
        pick(page, box)
    page.goto(contact)
    pick(page, page.get_by_label("Time zone"))
    page.get_by_label("Time zone").press("Enter")
    expect(page.locator(".there")).to_contain_text("America/New_York")
    assert world.alice.read(jane["id"])["timezone"] == "America/New_York"


def test_a_cell_and_a_filter_suggest_places(contacts: Callable[..., Page], world: World) -> None:
    jane, _ = world.alice.made(firstName="Jane"), world.alice.made(firstName="Max")
    page = contacts()
    zone = cell(page, jane["id"], "timezone")
    zone.click()
    pick(page, zone.get_by_role("combobox"))
    zone.get_by_role("combobox").press("Enter")
    expect(zone).to_have_text("America/New_York")

    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Show contacts whose").select_option("Time zone")
    value = page.locator("[data-filter] [name=value]")
    value.press_sequentially("eastern")
    page.get_by_role("option", name="New York, United States").click()
    expect(value).to_have_value("America/New_York")
    # Another column has no zones.
    page.get_by_label("Show contacts whose").select_option("First name")
    value.fill("new y")
    page.wait_for_timeout(200)
    expect(page.get_by_role("option", name="New York")).to_have_count(0)
    page.get_by_label("Show contacts whose").select_option("Time zone")
    pick(page, value)
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    assert world.alice.read(jane["id"])["timezone"] == "America/New_York"


def test_escape_closes_the_list_and_tab_takes_the_place(contacts: Callable[..., Page], world: World) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    zone = cell(page, jane["id"], "timezone")
    zone.click()
    box = zone.locator("input")
    box.press_sequentially("germ")
    berlin = page.get_by_role("option", name="Berlin, Germany")
    busingen = page.get_by_role("option", name="Busingen, Germany")
    expect(berlin).to_have_attribute("aria-selected", "true")
    box.press("ArrowDown")
    expect(busingen).to_have_attribute("aria-selected", "true")
    box.press("Escape")
    expect(berlin).to_have_count(0)
    expect(box).to_have_value("germ")  # The cell is still open.
    box.press_sequentially("any")
    expect(berlin).to_have_attribute("aria-selected", "true")
    box.press("Tab")
    expect(zone).to_have_text("Europe/Berlin")
    # What was suggested for an earlier text is not taken.
    zone.click()
    box.fill("germ")
    expect(berlin).to_have_attribute("aria-selected", "true")
    page.route("**/time-zones?*", lambda route: None)
    box.fill("nowhere")
    box.press("Enter")
    expect(zone.get_by_role("alert")).to_contain_text('"nowhere" is not an IANA time zone')
    page.unroute_all()
    box.press("Escape")
    expect(zone).to_have_text("Europe/Berlin")
    # A whole name is taken as it is, also another name of a place.
    zone.click()
    box.fill("Asia/Calcutta")
    expect(page.get_by_role("option", name="Kolkata")).to_be_visible()
    box.press("Enter")
    expect(zone).to_have_text("Asia/Calcutta")
    assert world.alice.read(jane["id"])["timezone"] == "Asia/Calcutta"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_the_suggestions(
    windows: Windows, world: World, olive: Person, theme: str
) -> None:
    page = windows(olive, color_scheme=theme, viewport={"width": 320, "height": 600}).page
    page.goto(f"/w/{world.acme}/contacts/new")
    page.get_by_label("Time zone").press_sequentially("united")
    expect(page.get_by_role("option", name="New York")).to_be_visible()
    assert violations(page) == []
