"""What people do every day, in a browser on a real server."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_search import settle
from tests.world import Person, World

Windows = Callable[..., Window]


def test_a_cell_is_changed_by_keyboard_and_undone(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane", lastName="Doe")
    page = contacts()
    cell(page, jane["id"], "firstName").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("June")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").get_by_text("First name changed.")).to_be_visible()
    expect(cell(page, jane["id"], "firstName")).to_be_focused()
    assert world.alice.read(jane["id"])["firstName"] == "June"
    # Its box and its link are there as before, and tell of the new name.
    expect(page.get_by_label("Select June Doe")).to_be_visible()
    expect(page.get_by_role("link", name="Open June Doe")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(cell(page, jane["id"], "firstName")).to_have_text("Jane")
    assert world.alice.read(jane["id"])["firstName"] == "Jane"


def test_escape_leaves_a_cell_as_it_was(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    cell(page, jane["id"], "firstName").click()
    page.keyboard.type("June")
    page.keyboard.press("Escape")
    expect(cell(page, jane["id"], "firstName")).to_have_text("Jane")
    expect(cell(page, jane["id"], "firstName")).to_be_focused()
    assert world.alice.read(jane["id"]) == jane


def test_tab_saves_and_goes_on_to_the_next_cell(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    cell(page, jane["id"], "firstName").click()
    page.keyboard.type("June")
    page.keyboard.press("Tab")
    page.keyboard.type("Roe")
    page.keyboard.press("Tab")
    page.keyboard.type("june@example.com")
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], "email")).to_have_text("june@example.com")
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["lastName"], now["email"]) == ("June", "Roe", "june@example.com")


def test_arrows_go_from_cell_to_cell(world: World, contacts: Callable[..., Page]) -> None:
    older, newer = world.alice.made(firstName="A"), world.alice.made(firstName="B")
    page = contacts()
    cell(page, newer["id"], "firstName").focus()
    for key, expected in {
        "ArrowRight": (newer, "lastName"),
        "ArrowDown": (older, "lastName"),
        "ArrowLeft": (older, "firstName"),
        "End": (older, "updatedAt"),
        "Control+Home": (newer, None),
    }.items():
        page.keyboard.press(key)
        row, name = page.locator(f'tr[data-id="{expected[0]["id"]}"]'), expected[1]
        expect(row.locator(f'[data-key="{name}"]' if name else ".handle")).to_be_focused()
    assert page.locator('td[tabindex="0"]').count() == 1


def test_a_refused_value_is_explained_at_the_cell(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    cell(page, jane["id"], "timezone").click()
    page.keyboard.type("America/New_Yrok")
    page.keyboard.press("Enter")
    alert = cell(page, jane["id"], "timezone").get_by_role("alert")
    words = '"America/New_Yrok" is not an IANA time zone. Did you mean America/New_York?'
    expect(alert).to_have_text(words)
    page.keyboard.press("Control+a")
    page.keyboard.type("America/New_York")
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], "timezone")).to_have_text("America/New_York")


def test_a_cell_that_somebody_else_changed_offers_both_values(
    world: World, contacts: Callable[..., Page]
) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    for button, expected in (("Use “Joan”", "Joan"), ("Keep “June”", "June")):
        world.alice.patch(jane["id"], {"firstName": "Jane"})
        page.reload()
        cell(page, jane["id"], "firstName").click()
        page.keyboard.type("Joan")
        world.alice.patch(jane["id"], {"firstName": "June"})
        page.keyboard.press("Enter")
        page.get_by_role("button", name=button).click()
        expect(cell(page, jane["id"], "firstName")).to_have_text(expected)
        page.wait_for_function("!document.querySelector('.saving')")
        assert world.alice.read(jane["id"])["firstName"] == expected


def test_a_change_at_another_cell_is_in_nobodys_way(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    cell(page, jane["id"], "firstName").click()
    page.keyboard.type("Joan")
    world.alice.patch(jane["id"], {"lastName": "Doe"})
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], "lastName")).to_have_text("Doe")
    expect(cell(page, jane["id"], "firstName")).to_have_text("Joan")
    page.wait_for_function("!document.querySelector('.saving')")
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["lastName"]) == ("Joan", "Doe")


def test_tags_are_picked_made_and_taken_off(world: World, contacts: Callable[..., Page]) -> None:
    world.alice.made(tags=["gold"])
    jane = world.alice.made(firstName="Jane", tags=["old"])
    page = contacts()
    cell(page, jane["id"], "tags").click()
    page.keyboard.type("go")
    expect(page.get_by_role("option", name="gold")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("brand new")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove old").click()
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], "tags").locator(".tag")).to_have_text(["brand new", "gold"])
    expect(page.get_by_text("Tags changed.")).to_be_visible()
    assert world.alice.read(jane["id"])["tags"] == ["brand new", "gold"]


def test_each_type_of_field_has_its_input(world: World, contacts: Callable[..., Page]) -> None:
    for name, kind in {"MRR": "number", "Born": "date", "Vip": "boolean"}.items():
        world.field(name, kind)
    jane = world.alice.made(firstName="Jane")
    page = contacts()
    row = page.locator(f'tr[data-id="{jane["id"]}"]')
    row.locator(".is-number").click()
    page.keyboard.type("12.50")
    page.keyboard.press("Enter")
    row.locator(".is-date").click()
    page.get_by_role("textbox", name="Born").fill("1990-02-28")
    page.keyboard.press("Enter")
    row.locator(".is-boolean").click()
    page.get_by_role("combobox", name="Vip").select_option("Yes")
    page.keyboard.press("Enter")
    expect(row.locator(".is-boolean")).to_have_text("Yes")
    page.wait_for_function("!document.querySelector('.saving')")
    assert world.alice.read(jane["id"])["customFields"] == {
        "MRR": "12.5",
        "Born": "1990-02-28",
        "Vip": "true",
    }


def test_a_viewer_can_look_and_not_change(world: World, contacts: Callable[..., Page]) -> None:
    jane = world.alice.made(firstName="Jane")
    page = contacts(person=world.person("viewer"))
    cell(page, jane["id"], "firstName").click()
    page.keyboard.press("Enter")
    assert page.locator("td input:not([type=checkbox])").count() == 0
    page.get_by_role("checkbox", name="Select Jane").check()
    assert page.get_by_label("Selected contacts").get_by_role("button").all_inner_texts() == [
        "Export",
        "Clear selection",
    ]


def test_contacts_are_found_as_one_types(world: World, contacts: Callable[..., Page]) -> None:
    world.alice.made(firstName="Jane", phone="+14155550123")
    world.alice.made(firstName="Zoe")
    settle(world, 2)
    page = contacts()
    page.keyboard.press("/")
    page.keyboard.type("415 555")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1")
    assert "q=415" in page.url
    page.reload()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.get_by_role("searchbox").fill("nobody")
    expect(page.get_by_role("heading", name="No matching contacts")).to_be_visible()


def test_a_filter_is_added_named_and_removed(world: World, contacts: Callable[..., Page]) -> None:
    world.field("MRR", "number")
    world.alice.made(firstName="Rich", customFields={"MRR": 500})
    world.alice.made(firstName="Poor", customFields={"MRR": 5})
    page = contacts()
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Show contacts whose").select_option(label="MRR")
    page.get_by_label("Comparison").select_option(label="is at least")
    page.get_by_role("combobox", name="Value").fill("100")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save this view as").fill("Rich ones")
    page.get_by_role("button", name="Save view").click()
    page.get_by_role("link", name="Remove the filter").click()
    expect(page.locator("tr[data-id]")).to_have_count(2)
    page.locator("summary", has_text="Views").click()
    page.get_by_role("link", name="Rich ones").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)


def test_columns_are_hidden_moved_and_made_wider(world: World, contacts: Callable[..., Page]) -> None:
    world.alice.made(firstName="Jane")
    page = contacts()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Phone", exact=True).uncheck()
    expect(page.locator('th[data-key="phone"]')).to_have_count(0)
    page.get_by_role("button", name="Move E-mail up").click()
    expect(page.locator("th").nth(2)).to_have_attribute("data-key", "email")
    page.keyboard.press("Escape")
    grip = page.get_by_role("separator", name="Width of E-mail")
    before = int(grip.get_attribute("aria-valuenow") or 0)
    with page.expect_response("**/layout"):
        grip.press("ArrowRight")
    page.reload()
    assert page.locator('col[data-key="email"]').get_attribute("width") == str(before + 16)
    expect(page.locator("th").nth(2)).to_have_attribute("data-key", "email")


def test_the_shortcuts_are_a_key_away(contacts: Callable[..., Page]) -> None:
    page = contacts()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Shortcuts")).to_be_hidden()


def test_names_from_right_to_left_run_so(world: World, contacts: Callable[..., Page]) -> None:
    made = world.alice.made(firstName="محمد", lastName="Doe")
    page = contacts()
    way = "element => getComputedStyle(element).direction"
    assert cell(page, made["id"], "firstName").locator(".value").evaluate(way) == "rtl"
    assert cell(page, made["id"], "lastName").locator(".value").evaluate(way) == "ltr"


def test_many_are_tagged_at_once_and_it_is_undone(world: World, contacts: Callable[..., Page]) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {i}"}} for i in range(5)))
    page = contacts()
    boxes = page.get_by_role("checkbox", name="Select Jane")
    boxes.nth(0).click()
    boxes.nth(3).click(modifiers=["Shift"])
    expect(page.get_by_text("4 selected")).to_be_visible()
    page.get_by_role("button", name="Add tags").click()
    page.keyboard.type("chosen")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Add tags").click()
    expect(page.get_by_text("Add tags: 4 changed.")).to_be_visible()
    expect(page.locator("tr[data-id] .tag")).to_have_count(4)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undo: 4 changed.")).to_be_visible()
    expect(page.locator("tr[data-id] .tag")).to_have_count(0)


def test_all_that_match_are_deleted_though_few_are_shown(world: World, contacts: Callable[..., Page]) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {i}"}} for i in range(60)))
    page = contacts()
    expect(page.locator("#count")).to_have_text("60")
    page.get_by_label("Select all shown contacts").check()
    page.get_by_role("button", name="Select all matching contacts").click()
    expect(page.get_by_text("All 60 selected")).to_be_visible()
    page.get_by_label("Selected contacts").get_by_role("button", name="Delete").click()
    page.get_by_label("Type 60 to confirm").fill("60")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Delete: 60 changed.")).to_be_visible()
    expect(page.get_by_role("heading", name="No contacts yet")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undo: 60 changed.")).to_be_visible()
    assert len(world.alice.list(limit=100).json()) == 60


def test_a_contact_is_made_found_again_and_deleted(world: World, contacts: Callable[..., Page]) -> None:
    page = contacts()
    page.get_by_role("link", name="New contact").first.click()
    page.get_by_label("First name").fill("Jane")
    page.get_by_label("Phone").fill("+1 415 555 0123")
    page.get_by_placeholder("Add a tag").fill("vip")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Create contact").click()
    expect(page.get_by_role("heading", name="Jane", level=1)).to_be_visible()
    [made] = world.alice.list().json()
    assert (made["phone"], made["tags"]) == ("+14155550123", ["vip"])
    page.get_by_label("Last name").fill("Doe")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    page.get_by_role("button", name="Undo: Last name").click()
    expect(page.get_by_role("heading", name="Jane", exact=True, level=1)).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Contact deleted.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Jane", exact=True, level=1)).to_be_visible()


def test_a_contact_is_changed_without_scripts(windows: Windows, world: World, olive: Person) -> None:
    jane = world.alice.made(firstName="Jane", tags=["a"])
    page = windows(olive, java_script_enabled=False).page
    page.goto(f"/w/{world.acme}/contacts")
    page.get_by_role("link", name="Open Jane").click()
    page.get_by_label("First name").fill("June")
    page.get_by_label("Tags").fill("a\nb")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="June", level=1)).to_be_visible()
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["tags"]) == ("June", ["a", "b"])


def test_the_day_of_a_contact_goes_on_and_consent_is_written_down(
    windows: Windows, world: World, olive: Person
) -> None:
    # Where it is between noon and one, so that nothing opens or closes in the next hours.
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
    jane = world.alice.made(firstName="Jane", phone="+14155550123", timezone=zone)
    page = windows(olive).page
    page.clock.install()
    page.goto(f"/w/{world.acme}/contacts/{jane['id']}")
    band = page.get_by_role("img", name="The local time is").first
    name = re.compile(r"^(Open today from 09:00 to 20:00|Closed all day)\. The local time is 12:")
    expect(band).to_have_accessible_name(name)

    def now() -> float:
        return float((page.locator("#reach line").first.get_attribute("x1") or "").rstrip("%"))

    before = now()
    page.clock.fast_forward(30 * 60_000)
    assert now() - before == pytest.approx(100 / 48, abs=0.1)
    with page.expect_response("**/reach"):
        page.clock.fast_forward(31 * 60_000)
    page.get_by_label("Change: Call").press("Enter")
    form = page.locator("#consent form").filter(has=page.get_by_label("Source")).first
    form.get_by_label("Consent").select_option("Granted")
    form.get_by_label("Source").fill("trade fair")
    form.get_by_label("Source").press("Enter")
    expect(page.locator("#consent")).to_contain_text("trade fair")
    assert world.alice.get(f"/v1/contacts/{jane['id']}/consent").json()["call"]["status"] == "granted"
