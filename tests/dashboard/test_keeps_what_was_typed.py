"""What was typed or searched elsewhere on the page stays when another control is used."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_search import settle
from tests.world import Person, World


def test_a_preset_keeps_a_typed_name_and_replaces_that_of_another_preset(
    windows: Callable[..., Window], olive: Person, world: World
) -> None:
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/settings/send-windows/new")
    name = page.get_by_label("Name", exact=True)

    def choose(number: int) -> None:
        page.locator("summary", has_text="Start from hours").click()
        page.locator("[data-preset]").nth(number).click()
        page.wait_for_url("**preset=*")

    choose(0)
    first = name.input_value()
    assert first == page.locator("[data-preset]").nth(0).text_content()
    choose(1)
    expect(name).to_have_value(page.locator("[data-preset]").nth(1).text_content() or "")
    name.fill("Sales in France")
    page.locator("[data-dates] textarea").evaluate("area => (area.value = '2026-12-25\\n2027-01-01')")
    choose(0)
    expect(name).to_have_value("Sales in France")
    assert page.locator("[data-dates] textarea").input_value() == "2026-12-25\n2027-01-01"
    choose(1)
    expect(name).to_have_value("Sales in France")
    name.fill("")
    choose(0)
    expect(name).to_have_value(first)


def test_show_available_contacts_keeps_the_search_and_the_filters(
    contacts: Callable[..., Page], world: World
) -> None:
    world.alice.made(firstName="Jane", lastName="Doe", phone="+14155550132")
    world.alice.made(firstName="Zoe", lastName="Doe", phone="+14155550133")
    settle(world, 2)
    page = contacts("?where=lastName:is:Doe")
    page.get_by_role("searchbox").fill("jane")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.locator("summary", has_text="Filter").click()
    page.get_by_role("button", name="Show available contacts").click()
    page.wait_for_url("**availableNow=call**")
    assert "q=jane" in page.url
    assert "where=lastName%3Ais%3ADoe" in page.url
    expect(page.get_by_role("searchbox")).to_have_value("jane")
