"""All contacts that match are those whose number the user has seen, as a user meets it."""

from collections.abc import Callable

from playwright.sync_api import Dialog, Page, Route, expect

from contactory.contacts.pages.bulk import PIECE
from tests.dashboard.test_many import some
from tests.dashboard.test_search import settle
from tests.world import World

Contacts = Callable[..., Page]


def select_all(page: Page, number: int) -> None:
    page.get_by_label("Select all shown contacts").check()
    page.get_by_role("button", name="Select all matching contacts").click()
    expect(page.locator("#many [data-status]")).to_have_text(f"All {number} selected")


def act(page: Page, name: str) -> None:
    page.get_by_label("Selected contacts").get_by_role("button", name=name).click()


def tag(page: Page, name: str) -> None:
    act(page, "Add tags")
    page.keyboard.type(name)
    page.get_by_role("dialog").get_by_role("button", name="Add tags").click()


def tagged(world: World, name: str) -> int:
    return int(world.alice.list(tag=name, count=True).headers["x-total-count"])


def test_another_search_ends_the_selection(world: World, contacts: Contacts) -> None:
    some(world, 55, lastName="Doe")
    some(world, 3, lastName="Roe")
    settle(world, 58)
    page = contacts("?q=doe")
    select_all(page, 55)
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#count")).to_have_text("58")
    expect(page.get_by_text("nothing is selected any more")).to_be_visible()
    expect(page.get_by_label("Selected contacts")).to_be_hidden()
    assert page.locator("tr[data-id] :checked").count() == 0
    # The same list again keeps the selection: the columns of the table have changed, and not its rows.
    page.get_by_role("searchbox").fill("doe")
    expect(page.locator("#count")).to_have_text("55")
    select_all(page, 55)
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Phone", exact=True).uncheck()
    expect(page.locator('th[data-key="phone"]')).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#many [data-status]")).to_have_text("All 55 selected")
    tag(page, "doe")
    expect(page.get_by_text("Add tags: 55 changed.")).to_be_visible()
    assert (tagged(world, "doe"), len(world.alice.list(limit=100).json())) == (55, 58)


def test_a_number_that_has_changed_is_asked_about_again(world: World, contacts: Contacts) -> None:
    some(world, 55)
    page = contacts()
    select_all(page, 55)
    some(world, 1)
    tag(page, "seen")
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("alert")).to_contain_text(
        "56 contacts match now, not 55, so nothing was changed"
    )
    expect(asked.get_by_role("heading")).to_have_text("Add tags: all 56 selected")
    assert tagged(world, "seen") == 0
    asked.get_by_role("button", name="Add tags").click()  # The tag is still there.
    expect(page.get_by_text("Add tags: 56 changed.")).to_be_visible()
    assert tagged(world, "seen") == 56


def test_many_are_deleted_only_if_their_number_is_typed(world: World, contacts: Contacts) -> None:
    some(world, 55)
    page = contacts()
    dialog = page.get_by_role("dialog")
    page.get_by_role("checkbox", name="Select 54").check()
    act(page, "Delete")
    expect(dialog.get_by_label("to confirm")).to_be_hidden()
    dialog.get_by_role("button", name="Cancel").click()
    select_all(page, 55)
    some(world, 1)
    act(page, "Delete")
    for typed, words in {"": "type 55", "54": "type 55", "55": "56 contacts match now"}.items():
        dialog.get_by_label("Type 55 to confirm").fill(typed)
        dialog.get_by_role("button", name="Delete").click()
        expect(dialog.get_by_role("alert")).to_contain_text(words)
    assert len(world.alice.list(limit=100).json()) == 56
    expect(dialog.get_by_label("Type 56 to confirm")).to_have_value("")
    dialog.get_by_label("Type 56 to confirm").fill("56")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Delete: 56 changed.")).to_be_visible()
    assert world.alice.list().json() == []


def test_leaving_in_the_middle_asks_and_the_next_page_says_what_was_done(
    world: World, contacts: Contacts
) -> None:
    number = 2 * PIECE + 1
    some(world, number)
    page = contacts()
    select_all(page, number)
    asked: list[str] = []
    held: list[Route] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if len(asked) == 1:
            dialog.dismiss()
        else:
            dialog.accept()

    def slow(route: Route) -> None:
        held.append(route)
        if len(held) == 1:  # The second piece waits until the page is left.
            route.continue_()

    page.on("dialog", answer)
    page.route("**/contacts/many", slow)
    tag(page, "late")
    expect(page.get_by_text(f"Add tags: {PIECE} of {number} done")).to_be_visible()
    overview = page.get_by_role("link", name="Overview")
    overview.click(no_wait_after=True)
    expect(page.get_by_text(f"Add tags: {PIECE} of {number} done")).to_be_visible()
    assert asked == ["beforeunload"]
    overview.click()
    words = f"Add tags was interrupted: {PIECE} of {number} contacts were changed"
    expect(page.get_by_text(words)).to_be_visible()
    assert (len(asked), tagged(world, "late")) == (2, PIECE)
    # What was done is one step back.
    page.unroute_all(behavior="ignoreErrors")
    page.keyboard.press("Control+z")
    expect(page.get_by_text(f"Undo: {PIECE} changed.")).to_be_visible()
    assert tagged(world, "late") == 0


def test_a_bulk_change_goes_on_when_the_server_is_there_again(world: World, contacts: Contacts) -> None:
    number = PIECE + 1
    some(world, number)
    page = contacts()
    select_all(page, number)
    requests: list[str] = []

    def cut(route: Route) -> None:
        requests.append(route.request.url)
        if len(requests) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/contacts/many", cut)
    tag(page, "kept")
    lost = page.locator(".toast-bad", has_text=f"{PIECE} of {number} done. The server cannot be reached.")
    lost.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(f"Add tags: {number} changed.")).to_be_visible()
    assert tagged(world, "kept") == number


def test_a_value_that_is_refused_for_all_stays_in_the_dialog(world: World, contacts: Contacts) -> None:
    some(world, 2)
    page = contacts()
    page.get_by_label("Select all shown contacts").check()
    act(page, "Set a field")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Field").select_option("timezone")
    dialog.get_by_label("Value").fill("Nowhere/Land")
    dialog.get_by_role("button", name="Set a field").click()
    expect(dialog.get_by_role("alert").filter(has_text="not an IANA time zone")).to_be_visible()
    expect(dialog.get_by_label("Value")).to_have_value("Nowhere/Land")


def test_a_box_that_is_checked_before_the_script_runs_stays_checked(world: World, contacts: Contacts) -> None:
    world.alice.made(firstName="Jane")
    page, held = contacts(), list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/many.js*", hold, times=1)
    page.reload(wait_until="commit")
    box = page.get_by_role("checkbox", name="Select Jane")
    box.check()
    held[0].continue_()
    expect(page.get_by_label("Selected contacts")).to_be_visible()
    expect(box).to_be_checked()
