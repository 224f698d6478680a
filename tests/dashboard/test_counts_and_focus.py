"""What stays right around a change: the number of contacts, the focus in a search, a bulk editor."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_search import settle
from tests.world import Person, World


def test_the_number_of_contacts_follows_an_edit(contacts: Callable[..., Page], world: World) -> None:
    world.alice.made(firstName="Ann", lastName="Doe")
    jane = world.alice.made(firstName="Jane", lastName="Doe")["id"]
    zoe = world.alice.made(firstName="Zoe", lastName="Moe")["id"]
    world.alice.made(firstName="Joe", lastName="Moe")
    settle(world, 4)
    page = contacts("?where=lastName:is:doe")
    count = page.locator("#count")
    expect(count).to_have_text("2")
    cell(page, jane, "lastName").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Roe")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1")
    page.get_by_role("button", name="Undo").click()
    expect(count).to_have_text("2")
    # A search knows a change after about a second.
    page.goto(f"/w/{world.acme}/contacts?q=moe")
    expect(count).to_have_text("2")
    cell(page, zoe, "lastName").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Roe")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1")


def test_enter_in_a_search_keeps_the_focus_and_the_page(
    windows: Callable[..., Window], olive: Person, world: World
) -> None:
    world.alice.made(firstName="Jane", tags=["gold"])
    world.alice.made(firstName="Zoe", tags=["vip"])
    settle(world, 2)
    window = windows(olive)
    window.expected = ("htmx:sendAbort", "htmx:afterRequest")  # A newer search ends an older one.
    page = window.page
    for path, typed, row in (
        ("contacts", "jane", "tr[data-id]"),
        ("settings/tags", "gold", ".item[data-id]"),
    ):
        page.goto(f"/w/{world.acme}/{path}")
        page.evaluate("window.same = true")
        search = page.get_by_role("searchbox")
        search.fill(typed)
        search.press("Enter")
        expect(page.locator(row)).to_have_count(1)
        search.press("Enter")
        expect(search).to_be_focused()
        expect(page.locator(row)).to_have_count(1)
        assert page.evaluate("window.same") is True
        assert f"q={typed}" in page.url
        page.keyboard.type("x")
        expect(page.locator(row)).to_have_count(0)


def test_a_bulk_change_has_the_editor_of_the_cell(contacts: Callable[..., Page], world: World) -> None:
    for name, kind in {"Born": "date", "Paid": "boolean", "MRR": "number"}.items():
        world.field(name, kind)
    made = [world.alice.made(firstName=f"Jane {i}")["id"] for i in range(2)]
    page = contacts()
    dialog = page.get_by_role("dialog")

    def choose(field: str) -> None:
        page.get_by_label("Select all shown contacts").check()
        page.get_by_role("button", name="Set a field").click()
        dialog.get_by_label("Field").select_option(label=field)

    def apply() -> None:
        dialog.get_by_role("button", name="Set a field").click()
        expect(page.get_by_text("Set a field: 2 changed.").first).to_be_visible()
        page.get_by_label("Dismiss").first.click()
        expect(page.locator("#many")).to_be_hidden()

    choose("Paid")
    value = dialog.get_by_label("Value", exact=True)
    assert value.locator("option").all_inner_texts() == ["–", "Yes", "No"]
    value.select_option(label="Yes")
    apply()
    choose("Born")
    expect(value).to_have_attribute("type", "date")
    value.fill("1980-01-31")
    apply()
    choose("Time zone")
    expect(value).to_have_attribute("data-zone", "")
    value.fill("Asia/Tokyo")
    apply()
    choose("MRR")
    expect(value).to_have_attribute("inputmode", "decimal")
    value.fill("5")
    apply()
    for each in made:
        now = world.alice.read(each)
        assert now["customFields"] == {"Born": "1980-01-31", "Paid": "true", "MRR": "5"}
        assert now["timezone"] == "Asia/Tokyo"
