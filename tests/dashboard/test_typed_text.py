"""Typed text is never lost: without a connection, when the session is over, and when a page is left."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, Route, expect

from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_contact_page import at
from tests.dashboard.test_search import settle
from tests.world import PASSWORD, Person, World

Windows = Callable[..., Window]
EXPECTED = (
    "Response Status Error",
    "status of 400",
    "status of 401",
    "status of 403",
    "status of 409",
    "ERR_",
    "net::",
)


@pytest.fixture
def window(windows: Windows, olive: Person) -> Window:
    opened = windows(olive)
    opened.expected = EXPECTED
    return opened


def change(page: Page, contact_id: str, key: str, value: str, end: str = "Enter") -> None:
    cell(page, contact_id, key).click()
    page.keyboard.press("Control+a")
    page.keyboard.type(value)
    page.keyboard.press(end)


def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("Password").fill("not the password")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("The e-mail address or the password is not correct.")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)


def end_sessions(world: World, person: Person) -> None:
    world.sql.execute("delete from sessions where user_id = $1", person.user_id)


def test_a_cell_keeps_its_text_while_the_server_is_away(window: Window, world: World) -> None:
    jane = world.alice.made(firstName="Jane", lastName="Doe")
    page = window.page
    page.goto(at(world))
    page.route("**/row", lambda route: route.abort())
    change(page, jane["id"], "firstName", "June")
    editor = cell(page, jane["id"], "firstName")
    expect(editor.get_by_role("textbox")).to_have_value("June")
    expect(editor.get_by_role("alert")).to_contain_text(
        "The server cannot be reached, so this was not saved."
    )
    # Leaving the cell loses nothing either, also if another one is open.
    page.keyboard.press("Tab")  # To the button.
    page.keyboard.press("Tab")
    page.keyboard.type("Roe")
    lost = page.locator(".toast", has_text="“June” in First name is not saved.")
    expect(lost).to_be_visible()
    page.keyboard.press("Enter")
    expect(cell(page, jane["id"], "lastName").get_by_role("textbox")).to_have_value("Roe")
    assert "June" in editor.evaluate("e => getComputedStyle(e, '::after').content")
    page.unroute_all()
    cell(page, jane["id"], "lastName").get_by_role("button", name="Try again").click()
    lost.get_by_role("button", name="Try again").click()
    expect(editor).to_have_text("June")
    page.wait_for_function("!document.querySelector('.saving, .editing, .unsaved')")
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["lastName"]) == ("June", "Roe")


def test_a_cell_is_saved_when_the_connection_is_back(window: Window, world: World) -> None:
    jane, zoe = world.alice.made(firstName="Jane"), world.alice.made(firstName="Zoe")
    page = window.page
    page.goto(at(world))
    window.context.set_offline(True)
    for made in (jane, zoe):
        change(page, made["id"], "lastName", "Doe", "Tab")
    expect(page.locator(".toast", has_text="is not saved")).to_have_count(2)
    window.context.set_offline(False)
    for made in (jane, zoe):
        expect(cell(page, made["id"], "lastName")).to_have_text("Doe")
    page.wait_for_function("!document.querySelector('.saving, .unsaved')")
    assert {world.alice.read(made["id"])["lastName"] for made in (jane, zoe)} == {"Doe"}


def test_a_refused_text_is_kept_while_another_cell_is_open(window: Window, world: World) -> None:
    jane = world.alice.made(firstName="Jane")
    page = window.page
    page.goto(at(world))
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/row", hold, times=1)
    change(page, jane["id"], "email", "nonsense", "Tab")
    page.keyboard.type("+4930901820")
    page.wait_for_function("document.querySelector('.saving')")
    held[0].continue_()
    lost = page.locator(".toast", has_text="“nonsense” in E-mail is not saved.")
    lost.get_by_role("button", name="Change it").click()
    editor = cell(page, jane["id"], "email")
    expect(editor.get_by_role("textbox")).to_have_value("nonsense")
    page.keyboard.press("Control+a")
    page.keyboard.type("jane@example.com")
    page.keyboard.press("Enter")
    expect(editor).to_have_text("jane@example.com")
    expect(cell(page, jane["id"], "phone")).to_have_text("+4930901820")


def test_a_count_that_is_refused_does_not_take_the_text_of_a_cell(
    window: Window, world: World, olive: Person
) -> None:
    jane = world.alice.made(firstName="Jane")
    page = window.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/contacts/count*", hold, times=1)
    page.goto(at(world))
    page.wait_for_function("document.querySelector('tr[data-id]')")
    end_sessions(world, olive)
    cell(page, jane["id"], "firstName").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("Ju")
    with page.expect_response("**/contacts/count*"):
        held[0].continue_()
    page.wait_for_timeout(300)
    page.keyboard.type("ne")
    page.keyboard.press("Enter")
    sign_in_again(page)
    expect(cell(page, jane["id"], "firstName")).to_have_text("June")
    assert world.alice.read(jane["id"])["firstName"] == "June"


def test_a_cell_is_saved_after_signing_in_again(window: Window, world: World, olive: Person) -> None:
    jane = world.alice.made(firstName="Jane")
    page = window.page
    page.goto(at(world))
    end_sessions(world, olive)
    change(page, jane["id"], "firstName", "June")
    sign_in_again(page)
    expect(cell(page, jane["id"], "firstName")).to_have_text("June")
    expect(page.get_by_role("status").get_by_text("First name changed.")).to_be_visible()
    assert world.alice.read(jane["id"])["firstName"] == "June"
    # Without signing in, the text stays too.
    end_sessions(world, olive)
    change(page, jane["id"], "lastName", "Roe")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    editor = cell(page, jane["id"], "lastName")
    expect(editor.get_by_role("alert")).to_contain_text("You are signed out")
    expect(editor.get_by_role("textbox")).to_have_value("Roe")
    # A sign-in in another tab is found when the page is looked at again.
    editor.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    sign_in_elsewhere(window, olive)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(editor).to_have_text("Roe")
    page.wait_for_function("!document.querySelector('.saving, .editing')")
    assert world.alice.read(jane["id"])["lastName"] == "Roe"


def sign_in_elsewhere(window: Window, person: Person) -> None:
    """Signs in in another tab, where there is no session."""
    other = window.context.new_page()
    other.goto("/sign-in")
    other.get_by_label("E-mail").fill(person.email)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/overview")
    other.close()


@pytest.mark.parametrize("way", ["signed out", "signed in again"])
def test_each_page_goes_on_after_a_sign_out_elsewhere(
    window: Window, world: World, olive: Person, way: str
) -> None:
    jane = world.alice.made(firstName="Jane")
    world.field("Source")
    page, other = window.page, window.context.new_page()
    other.goto("/")

    def leave() -> None:
        other.goto(f"/w/{world.acme}/overview")
        other.locator("summary", has_text="O").last.click()
        other.get_by_role("button", name="Sign out").click()
        other.wait_for_url("**/sign-in")
        if way == "signed in again":
            sign_in_elsewhere(window, olive)

    def go_on() -> None:
        if way == "signed out":
            sign_in_again(page)

    # A form of a page, a form in a dialog, and a cell.
    page.goto(at(world, jane["id"]))
    page.get_by_label("Last name").fill("Doe")
    leave()
    page.get_by_role("button", name="Save", exact=True).click()
    go_on()
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    page.goto(f"/w/{world.acme}/settings/custom-fields")
    page.get_by_role("link", name="Edit Source").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Origin")
    leave()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    go_on()
    expect(page.get_by_text("Field saved.")).to_be_visible()
    assert [field["name"] for field in world.alice.get("/v1/custom-fields").json()] == ["Origin"]
    page.goto(at(world))
    leave()
    change(page, jane["id"], "firstName", "June")
    go_on()
    expect(page.get_by_role("status").get_by_text("First name changed.")).to_be_visible()
    now = world.alice.read(jane["id"])
    assert (now["firstName"], now["lastName"]) == ("June", "Doe")


def test_a_form_stays_while_the_server_is_away(window: Window, world: World) -> None:
    jane = world.alice.made(firstName="Jane")
    world.field("Source")
    page = window.page
    page.goto(at(world, jane["id"]))
    page.get_by_label("Last name").fill("Doe")
    window.context.set_offline(True)
    page.get_by_role("button", name="Save", exact=True).click()
    lost = page.locator(".toast", has_text="The server cannot be reached, so nothing was saved.")
    expect(lost).to_be_visible()
    expect(page.get_by_label("Last name")).to_have_value("Doe")
    window.context.set_offline(False)
    lost.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Jane Doe", level=1)).to_be_visible()
    page.goto(f"/w/{world.acme}/settings/custom-fields")
    page.get_by_role("link", name="Edit Source").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Origin")
    window.context.set_offline(True)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(dialog.get_by_label("Name")).to_have_value("Origin")
    window.context.set_offline(False)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Field saved.")).to_be_visible()


def asks(page: Page) -> list[str]:
    """What the browser asks the user from now on; the answer is to leave the page."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    return asked


def test_a_search_goes_on_after_signing_in_again(window: Window, world: World, olive: Person) -> None:
    world.alice.made(firstName="Jane")
    world.alice.made(firstName="Zoe")
    settle(world, 2)
    page = window.page
    page.goto(at(world))
    expect(page.locator("#count")).to_have_text("2")
    end_sessions(world, olive)
    page.get_by_role("searchbox").fill("zoe")
    sign_in_again(page)
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.get_by_role("searchbox")).to_have_value("zoe")


def test_a_change_is_not_saved_under_the_name_of_another_user(
    window: Window, world: World, olive: Person
) -> None:
    jane, vi = world.alice.made(firstName="Jane"), world.person(name="Vi")
    page = window.page
    page.goto(at(world))
    window.sign_in(vi)
    change(page, jane["id"], "firstName", "June")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_contain_text("Vi is signed in now in this browser.")
    assert world.alice.read(jane["id"])["firstName"] == "Jane"
    sign_in_again(page)
    expect(page.get_by_role("status").get_by_text("First name changed.")).to_be_visible()
    assert world.alice.history(jane["id"]).json()[0]["actor"]["id"] == olive.user_id


def test_a_choice_between_two_values_outlives_a_search(window: Window, world: World) -> None:
    jane = world.alice.made(firstName="Jane")
    world.alice.made(firstName="Zoe")
    settle(world, 2)
    window.expected += ("status of 412",)
    page = window.page
    page.goto(at(world))
    cell(page, jane["id"], "firstName").click()
    page.keyboard.type("Joan")
    world.alice.patch(jane["id"], {"firstName": "June"})
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.get_by_role("searchbox").fill("zoe")
    lost = page.locator(".toast", has_text="“Joan” in First name is not saved.")
    expect(lost).to_contain_text("Another user has changed this value to “June”.")
    with page.expect_response("**/row"):
        lost.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("status").get_by_text("First name changed.")).to_be_visible()
    assert world.alice.read(jane["id"])["firstName"] == "Joan"


LEAVING: dict[str, tuple[str, Callable[[Page], Any]]] = {
    "contact": ("/contacts/{contact}", lambda page: page.get_by_label("Last name").fill("x")),
    "tags": ("/contacts/{contact}", lambda page: page.get_by_role("combobox", name="Tags").fill("x")),
    "consent": ("/contacts/{contact}", lambda page: page.locator("#email-source").fill("x")),
    "new contact": ("/contacts/new", lambda page: page.get_by_label("First name").fill("x")),
    "cell": ("/contacts", lambda page: page.locator("td.editing input").fill("x")),
    "bulk": ("/contacts", lambda page: page.locator("dialog[open] .edit-tags input").fill("x")),
    "view": ("/contacts", lambda page: page.get_by_label("Save this view as").fill("x")),
    "workspace": ("/settings/workspace", lambda page: page.get_by_label("Name", exact=True).fill("x")),
    "new workspace": ("/settings/workspace/new", lambda page: page.locator("#w-name").fill("x")),
    "field": ("/settings/custom-fields", lambda page: page.locator("#new-name").fill("x")),
    "field's type": ("/settings/custom-fields", lambda page: page.locator("#new-type").select_option("date")),
    "dialog": ("/settings/custom-fields", lambda page: page.locator("dialog #field-name").fill("x")),
    "key": ("/settings/api-keys", lambda page: page.get_by_label("read", exact=False).first.check()),
    "person": ("/settings/people", lambda page: page.get_by_label("E-mail").fill("x")),
    "account": ("/settings/account", lambda page: page.get_by_label("Your name").fill("x")),
    "window": ("/settings/send-windows/new", lambda page: page.get_by_role("textbox", name="Name").fill("x")),
    "hours": ("/settings/send-windows/new", lambda page: page.locator("[data-remove]").first.click()),
}
OPENING: dict[str, Callable[[Page], Any]] = {
    "consent": lambda page: page.get_by_label("Change: E-mail").click(),
    "cell": lambda page: page.locator("tr[data-id] [data-key=firstName]").click(),
    "view": lambda page: page.locator("summary", has_text="Views").click(),
    "dialog": lambda page: page.get_by_role("link", name="Edit Source").click(),
    "key": lambda page: page.evaluate("document.querySelector('details.panel').open = true"),
    "person": lambda page: page.evaluate("document.querySelector('main details').open = true"),
}


def test_every_form_asks_before_it_is_left_and_only_with_changes(window: Window, world: World) -> None:
    world.field("Source")
    made = world.alice.made(firstName="Jane", lastName="A\nB", tags=["b", "a\nc"])
    page, asked = window.page, asks(window.page)
    for name, (path, fill) in LEAVING.items():
        page.goto(f"/w/{world.acme}{path.format(contact=made['id'])}")
        page.locator("body").click(position={"x": 1, "y": 1})  # A page that was not touched does not ask.
        if name == "bulk":
            page.locator("[data-all]").check()
            page.get_by_role("button", name="Add tags").click()
        OPENING.get(name, lambda _: None)(page)
        page.reload()
        assert asked == [], name
        page.locator("body").click(position={"x": 1, "y": 1})
        if name == "bulk":
            page.locator("[data-all]").check()
            page.get_by_role("button", name="Add tags").click()
        OPENING.get(name, lambda _: None)(page)
        fill(page)
        page.goto("/errors")
        assert asked == ["beforeunload"], name
        asked.clear()


def test_a_refused_form_still_asks_and_a_sent_one_does_not(window: Window, world: World) -> None:
    page, asked = window.page, asks(window.page)
    page.goto(at(world, "new"))
    page.get_by_label("E-mail").fill("nonsense")
    page.get_by_role("button", name="Create contact").click()
    expect(page.locator("[aria-invalid=true]")).to_be_visible()
    page.wait_for_load_state()
    assert asked == []
    page.locator("h1").click()
    page.goto(at(world))
    assert asked == ["beforeunload"]
    page.goto(at(world, "new"))
    page.get_by_label("E-mail").fill("jane@example.com")
    page.get_by_role("button", name="Create contact").click()
    expect(page.get_by_role("heading", name="jane@example.com", level=1)).to_be_visible()
    # One form of a page is sent, and another one has changes.
    page.get_by_label("Last name").fill("Doe")
    page.get_by_role("button", name="Mark as do not contact").click()
    expect(page.get_by_role("button", name="Remove “do not contact”")).to_be_visible()
    assert asked == ["beforeunload"] * 2
