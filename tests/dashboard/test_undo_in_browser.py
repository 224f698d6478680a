"""Ctrl-Z goes back one step each time and Ctrl-Y forward, whatever is in sight, as a user meets it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_search import settle
from tests.world import Person, World

Windows = Callable[..., Window]


def soon(page: Page, read: Callable[[], Any], wanted: Any) -> None:
    for _ in range(200):
        if read() == wanted:
            return
        page.wait_for_timeout(30)
    assert read() == wanted


def press(page: Page, key: str) -> None:
    page.wait_for_load_state()  # The scripts are there only then.
    page.keyboard.press(key)


def edit(page: Page, contact_id: str, key: str, value: str) -> None:
    cell(page, contact_id, key).click()
    page.keyboard.press("Control+a")
    page.keyboard.type(value)
    page.keyboard.press("Enter")
    expect(cell(page, contact_id, key)).to_have_text(value)
    page.wait_for_function("!document.querySelector('.saving, .editing')")


def test_an_edit_that_is_out_of_sight_is_undone_and_redone(
    world: World, contacts: Callable[..., Page]
) -> None:
    jane, zoe = world.alice.made(firstName="Jane"), world.alice.made(firstName="Zoe")
    settle(world, 2)
    page = contacts()
    edit(page, jane["id"], "lastName", "Secretname")
    edit(page, jane["id"], "firstName", "June")
    page.get_by_role("searchbox").fill("jane")
    page.get_by_role("searchbox").press("Control+z")  # In a text it is the browser's.
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.get_by_role("searchbox").fill("zoe")
    expect(page.locator("tr[data-id]")).to_have_count(1)
    cell(page, zoe["id"], "firstName").focus()
    press(page, "Control+z")
    done = page.locator(".toast", has_text="Undone: First name changed.")
    expect(done.get_by_role("button", name="Show contact")).to_be_visible()
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["lastName"]) == ("Jane", "Secretname")
    # After a reload, and on another page of the workspace.
    assert "Secretname" not in page.evaluate("JSON.stringify({...sessionStorage})")
    page.reload()
    press(page, "Control+z")
    expect(page.locator(".toast", has_text="Undone: Last name changed.")).to_be_visible()
    assert world.alice.read(jane["id"])["lastName"] is None
    page.goto(f"/w/{world.acme}/overview")
    press(page, "Control+Shift+Z")
    expect(page.locator(".toast", has_text="Redone: Last name changed.")).to_be_visible()
    press(page, "Control+y")
    page.locator(".toast", has_text="Redone: First name changed.").get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="June Secretname", level=1)).to_be_visible()
    # Another user was there: the words say so, and the next step is the one before.
    world.alice.patch(jane["id"], {"firstName": "Joan"})
    press(page, "Control+z")
    expect(page.locator(".toast-bad", has_text="changed again since")).to_be_visible()
    press(page, "Control+z")
    expect(page.get_by_role("heading", name="Joan", exact=True, level=1)).to_be_visible()


def test_each_step_goes_back_through_bulk_changes_and_deletions(
    world: World, contacts: Callable[..., Page]
) -> None:
    jane, june = world.alice.made(firstName="Jane"), world.alice.made(firstName="June")
    ids = [jane["id"], june["id"]]
    page = contacts()
    edit(page, jane["id"], "lastName", "Doe")
    page.get_by_label("Select all shown contacts").check()
    page.get_by_role("button", name="Add tags").click()
    page.keyboard.type("vip")
    page.get_by_role("dialog").get_by_role("button", name="Add tags").click()
    expect(page.locator("tr[data-id] .tag")).to_have_count(2)
    edit(page, june["id"], "lastName", "Roe")
    page.get_by_label("Select all shown contacts").check()
    page.get_by_label("Selected contacts").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No contacts yet")).to_be_visible()

    def state() -> list[tuple[str | None, list[str]]]:
        shown = [world.alice.fetch(i) for i in ids]
        return [(c.json().get("lastName"), c.json()["tags"]) for c in shown if c.status_code == 200]

    states = [
        [],
        [("Doe", ["vip"]), ("Roe", ["vip"])],
        [("Doe", ["vip"]), (None, ["vip"])],
        [("Doe", []), (None, [])],
        [(None, []), (None, [])],
    ]
    assert state() == states[0]
    for expected in states[1:]:
        press(page, "Control+z")
        soon(page, state, expected)
    press(page, "Control+z")  # Nothing is left.
    for expected in reversed(states[:-1]):
        press(page, "Control+y")
        soon(page, state, expected)
    # Two at once are two steps.
    press(page, "Control+z")
    press(page, "Control+z")
    soon(page, state, states[2])
    # A new change ends what could be done again.
    edit(page, june["id"], "lastName", "Poe")
    press(page, "Control+y")
    press(page, "Control+z")
    soon(page, state, states[2])


def test_what_a_contact_s_page_has_done_is_a_step_too(windows: Windows, world: World, olive: Person) -> None:
    window = windows(olive)
    page = window.page

    def click(name: str | re.Pattern[str]) -> None:
        page.wait_for_load_state()
        page.get_by_role("button", name=name, exact=isinstance(name, str)).click()

    page.goto(f"/w/{world.acme}/contacts/new")
    page.get_by_label("First name").fill("Jane")
    click("Create contact")
    expect(page.get_by_role("heading", name="Jane", level=1)).to_be_visible()
    page.get_by_label("Last name").fill("Doe")
    click("Save")
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    [made] = world.alice.list().json()
    click(re.compile("Undo: Last name"))
    expect(page.get_by_role("heading", name="Jane", exact=True, level=1)).to_be_visible()
    press(page, "Control+y")
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    click("Delete")
    expect(page.get_by_text("Contact deleted.")).to_be_visible()
    click("Undo")
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    page.goto(f"/w/{world.acme}/contacts")
    press(page, "Control+y")
    expect(page.get_by_role("heading", name="No contacts yet")).to_be_visible()
    for name in ("Jane Doe", "Jane"):
        press(page, "Control+z")
        expect(page.get_by_role("link", name=f"Open {name}", exact=True)).to_be_visible()
    press(page, "Control+z")
    expect(page.get_by_role("heading", name="No contacts yet")).to_be_visible()
    assert world.alice.fetch(made["id"]).status_code == 404


@pytest.mark.parametrize("key", ["Control+y", "Control+Shift+Z"])
def test_a_move_in_the_settings_is_made_again(
    windows: Windows, world: World, olive: Person, key: str
) -> None:
    for name in ("One", "Two"):
        world.field(name)
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/settings/custom-fields")
    names = page.locator("#list .item-name")
    page.get_by_role("button", name="Move One", exact=True).press("ArrowDown")
    press(page, "Control+z")
    expect(names).to_have_text(["One", "Two"])
    with page.expect_response("**/position"):
        press(page, key)
    expect(names).to_have_text(["Two", "One"])
