"""Daily work in the settings, in a real browser: by pointer, by keyboard, and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_axe import violations
from tests.dashboard.test_payloads import PAYLOADS
from tests.world import Person, World

Windows = Callable[..., Window]


def open_settings(window: Window, world: World, page: str) -> Page:
    window.page.goto(f"/w/{world.acme}/settings/{page}")
    return window.page


def fields(world: World) -> list[str]:
    return [field["name"] for field in world.alice.get("/v1/custom-fields").json()]


def tags(world: World) -> dict[str, int]:
    return {tag["name"]: tag["contactCount"] for tag in world.alice.get("/v1/tags").json()}


def soon(read: Callable[[], Any], wanted: Any, page: Page) -> None:
    """What the page shows at once is kept a moment later."""
    for _ in range(100):
        if read() == wanted:
            return
        page.wait_for_timeout(30)
    assert read() == wanted


def shown(page: Page) -> list[str]:
    return page.locator("#list .item-name").all_inner_texts()


def toast(page: Page, text: str) -> Locator:
    found = page.locator(".toast", has_text=text)
    found.first.wait_for()
    return found


def dialog(page: Page) -> Locator:
    found = page.locator("dialog.sheet[open]")
    found.locator("form:not(.closing)").first.wait_for()
    return found


@pytest.fixture
def lenient(windows: Windows, olive: Person) -> Window:
    """A window in which the server may refuse something."""
    window = windows(olive)
    window.expected = ("status of 4",)
    return window


def test_fields_are_put_in_order_by_keyboard(windows: Windows, world: World, olive: Person) -> None:
    for name in ("One", "Two", "Three", "Four"):
        world.field(name)
    page = open_settings(windows(olive), world, "custom-fields")
    said, handle = page.locator("#order-status"), page.get_by_role("button", name="Move One", exact=True)
    expect(handle).to_have_accessible_description("The up and down arrow keys move the field.")
    handle.focus()
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("One: place 2 of 4")
    page.keyboard.press("ArrowDown")
    expect(said).to_have_text("One: place 3 of 4")
    expect(handle).to_be_focused()
    assert shown(page) == ["Two", "Three", "One", "Four"]
    assert page.locator(".toast").count() == 1  # not one for each key
    soon(lambda: fields(world), ["Two", "Three", "One", "Four"], page)
    page.keyboard.press("End")
    page.keyboard.press("End")
    expect(said).to_have_text("One: place 4 of 4")
    soon(lambda: fields(world), ["Two", "Three", "Four", "One"], page)
    # All of it was one move, and is taken back as one.
    page.keyboard.press("Control+z")
    soon(lambda: fields(world), ["One", "Two", "Three", "Four"], page)
    assert shown(page) == ["One", "Two", "Three", "Four"]
    page.get_by_role("button", name="Move Four up").press("Enter")
    soon(lambda: fields(world), ["One", "Two", "Four", "Three"], page)
    expect(page.get_by_role("button", name="Move Four up")).to_be_focused()
    page.goto(f"/w/{world.acme}/contacts/new")
    labels = page.locator(".contact-form label").all_inner_texts()
    assert [label for label in labels if label in fields(world)] == ["One", "Two", "Four", "Three"]


def test_fields_are_put_in_order_by_dragging(lenient: Window, world: World) -> None:
    for name in ("One", "Two", "Three"):
        world.field(name)
    page = open_settings(lenient, world, "custom-fields")

    def drag(name: str, onto: str) -> None:
        page.get_by_role("button", name=f"Move {name}", exact=True).hover()
        page.mouse.down()
        target = page.locator(".item", has_text=onto).bounding_box()
        assert target
        page.mouse.move(target["x"] + 20, target["y"] + target["height"] / 2 + 2, steps=5)

    drag("One", "Three")
    page.mouse.up()
    assert shown(page) == ["Two", "Three", "One"]
    soon(lambda: fields(world), ["Two", "Three", "One"], page)
    drag("Two", "One")
    assert shown(page)[0] != "Two"
    page.keyboard.press("Escape")
    assert shown(page) == ["Two", "Three", "One"]
    page.mouse.up()
    toast(page, "One was moved.").get_by_role("button", name="Undo").click()
    soon(lambda: fields(world), ["One", "Two", "Three"], page)
    # A field that somebody else has deleted meanwhile goes back to its place, and one is told.
    [gone] = [f["id"] for f in world.alice.get("/v1/custom-fields").json() if f["name"] == "Three"]
    world.alice.delete(f"/v1/custom-fields/{gone}")
    page.get_by_role("button", name="Move Three up").click()
    page.locator(".toast-bad").wait_for()
    assert shown(page) == ["One", "Two", "Three"]


def test_a_field_is_made_and_renamed(lenient: Window, world: World) -> None:
    world.field("Other")
    page = open_settings(lenient, world, "custom-fields")
    page.get_by_label("Name").fill("Sorce")
    page.get_by_role("button", name="Add field").click()
    toast(page, "Field created.")
    assert "done" not in page.url
    for value in ("Fair", "12"):
        world.alice.made(customFields={"Sorce": value})
    page.reload()
    row = page.locator(".item", has_text="Sorce")
    expect(row.locator(".item-count")).to_have_text("2 contacts")
    edit = row.get_by_role("link", name="Edit Sorce")
    edit.press("Enter")
    expect(dialog(page).get_by_label("Name")).to_be_focused()
    page.keyboard.type("Other")
    page.keyboard.press("Enter")
    expect(dialog(page).locator("#field-name-note")).to_contain_text("has this name")
    expect(dialog(page).get_by_label("Name")).to_be_focused()
    page.keyboard.type("Source")
    page.keyboard.press("Enter")
    said = toast(page, "Field saved.")
    edit = page.get_by_role("link", name="Edit Source")
    expect(edit).to_be_focused()
    expect(page.locator(".item", has_text="Source").locator(".item-count")).to_have_text("2 contacts")
    said.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Edit Sorce").wait_for()
    assert fields(world) == ["Other", "Sorce"]


def test_a_field_whose_values_do_not_fit_another_type_is_deleted(lenient: Window, world: World) -> None:
    for name in ("Other", "Sorce"):
        world.field(name)
    misfit = world.alice.made(customFields={"Sorce": "Fair"})
    world.alice.made(customFields={"Sorce": "12"})
    page = open_settings(lenient, world, "custom-fields")
    page.get_by_role("link", name="Edit Sorce").click()
    dialog(page).get_by_label("Type").select_option("Number")
    dialog(page).get_by_role("button", name="Save").click()
    link = dialog(page).get_by_role("link", name="Show the contact 1")
    expect(dialog(page).get_by_label("Type")).to_be_focused()
    assert str(link.get_attribute("href")).endswith(misfit["id"])
    expect(dialog(page).locator(".misfits")).to_contain_text('"Fair" does not fit')
    dialog(page).get_by_role("link", name="Delete…").click()
    name = page.get_by_label("Type Sorce to confirm")
    expect(dialog(page)).to_contain_text("2 contacts have a value")
    name.fill("Other")
    name.press("Enter")
    expect(dialog(page).locator(".error")).to_contain_text("Nothing was deleted")
    name.fill("Sorce")
    name.press("Enter")
    toast(page, "Field deleted.")
    assert shown(page) == ["Other"]
    assert fields(world) == ["Other"]
    expect(page.get_by_role("link", name="Edit Other")).to_be_focused()


def test_tags_are_found_renamed_merged_and_deleted(lenient: Window, world: World) -> None:
    for names in (["vip", "gold"], ["VIP", "gold"], ["lead"]):
        world.alice.made(tags=names)
    page = open_settings(lenient, world, "tags")
    counts = page.locator("[data-count]")
    expect(counts).to_have_text(["2 contacts", "1 contact", "1 contact", "1 contact"])
    page.keyboard.press("/")
    page.keyboard.type("vi")
    expect(page.locator(".item")).to_have_count(2)
    assert page.url.endswith("?q=vi")
    page.get_by_role("link", name="Edit vip", exact=True).click()
    expect(dialog(page).get_by_label("Name")).to_be_focused()
    page.keyboard.type("vips")
    page.keyboard.press("Enter")
    said = toast(page, "Tag renamed.")
    expect(page.locator("[data-count]")).to_have_text(["1 contact", "1 contact"])
    said.get_by_role("button", name="Undo").click()
    soon(lambda: tags(world), {"VIP": 1, "gold": 2, "lead": 1, "vip": 1}, page)

    # A name that is taken leads to the merge of the two.
    page.get_by_role("link", name="Edit VIP", exact=True).click()
    dialog(page).get_by_label("Name").fill("vip")
    page.keyboard.press("Enter")
    expect(dialog(page).locator("#tag-name-note")).to_contain_text("merge the two tags")
    into = dialog(page).get_by_label("The tag to keep")
    into.fill("go")
    expect(dialog(page).locator("datalist option")).to_have_text(["gold"])
    into.fill("vip")
    dialog(page).get_by_role("button", name="Merge").click()
    toast(page, "Tags merged.")
    expect(page.locator("[data-count]")).to_have_text(["2 contacts"])
    assert tags(world) == {"gold": 2, "lead": 1, "vip": 2}
    page.get_by_role("link", name="Edit vip").click()
    dialog(page).get_by_text("Delete this tag…").click()
    dialog(page).get_by_role("button", name="Delete tag").click()
    page.get_by_text("No matching tags").wait_for()
    assert tags(world) == {"gold": 2, "lead": 1}
    page.get_by_role("link", name="Show all tags").click()
    world.alice.delete("/v1/tags/lead")
    page.get_by_role("link", name="Edit lead").click()
    toast(page, "another user has deleted it")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator(".item", has_text="gold").locator(".item-count").click()
    page.wait_for_url("**/contacts?where=*")
    expect(page.locator("tr[data-id]")).to_have_count(2)


def test_the_list_of_tags_is_there_before_their_counts(windows: Windows, world: World, olive: Person) -> None:
    world.alice.made(tags=[f"t{i:02}" for i in range(60)])
    window, held = windows(olive), list[Route]()
    window.expected = ("ERR_FAILED",)
    page = window.page

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/tags/counts?*", hold, times=1)
    page.goto(f"/w/{world.acme}/settings/tags")
    first = page.locator("[data-count]").first
    expect(first).to_have_text("counting…")
    expect(first).to_have_attribute("aria-busy", "true")
    page.get_by_role("link", name="Edit t00").click()
    expect(dialog(page)).to_contain_text("1 contact has this tag")
    page.get_by_role("button", name="Close").click()
    # One piece fails, the others come.
    held[0].abort()
    expect(first).to_have_text("not counted")
    expect(page.locator("[data-count]").nth(10)).to_have_text("1 contact")
    page.get_by_role("link", name="Show more").scroll_into_view_if_needed()
    expect(page.locator("[data-count]:not([aria-busy])")).to_have_count(60)
    expect(page.get_by_text("1 contact", exact=False).last).to_be_visible()


def test_a_page_that_comes_back_with_something_wrong_begins_there(lenient: Window, world: World) -> None:
    for number in range(8):
        world.field(f"Field {number}")
    lenient.page.set_viewport_size({"width": 390, "height": 500})
    page = open_settings(lenient, world, "custom-fields")
    page.locator("#new-name").fill("Field 1")
    page.get_by_role("button", name="Add field").click()
    expect(page.get_by_text("Another custom field of the workspace has this name")).to_be_in_viewport()
    expect(page.locator("#new-name")).to_be_focused()
    page = open_settings(lenient, world, "account")
    for name, password in {"current": "wrong", "password": "short", "again": "short"}.items():
        page.locator(f"#{name}").fill(password)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator('[aria-invalid="true"]').first).to_be_focused()


def test_a_workspace_is_set_up_and_another_one_made(lenient: Window, world: World) -> None:
    page = open_settings(lenient, world, "workspace")
    zone = page.get_by_label("Time zone")
    zone.fill("Europe/Berlim")
    page.get_by_label("Country").select_option("Germany")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Time zone")).to_have_accessible_description(
        '"Europe/Berlim" is not an IANA time zone. Did you mean Europe/Berlin?'
    )
    expect(page.get_by_label("Country")).to_have_value("DE")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    toast(page, "Workspace saved.")
    page.get_by_role("link", name="New workspace").click()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("Name").fill("Playground")
    page.get_by_label("Test").check()
    page.get_by_role("button", name="Create workspace").click()
    toast(page, "Workspace created. You are in it now.")
    assert page.locator(".menu-title").inner_text() == "Playground"
    page.get_by_role("link", name="Switch to Acme", exact=True).click()
    page.locator(".menu-title", has_text="Acme").wait_for()
    assert world.acme in page.url


def test_without_scripts_fields_and_tags_are_changed_by_forms(
    windows: Windows, world: World, olive: Person
) -> None:
    world.field("One")
    world.alice.made(tags=["vip", "gold"], customFields={"One": "x"})
    window = windows(olive, java_script_enabled=False)
    window.expected = ("status of 4",)
    page = open_settings(window, world, "custom-fields")
    page.get_by_label("Name").fill("Two")
    page.get_by_role("button", name="Add field").click()
    page.get_by_role("status").get_by_text("Field created.").wait_for()
    page.get_by_role("button", name="Move Two up").click()
    assert fields(world) == ["Two", "One"]
    assert not page.get_by_role("button", name="Move Two", exact=True).is_visible()
    page.get_by_role("link", name="Edit One").click()
    page.get_by_label("Type").select_option("Number")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", level=1, name="Edit One").wait_for()
    assert page.get_by_role("link", name="Show the contact").count() == 1
    page.get_by_role("link", name="Delete…").click()
    page.get_by_label("Type One to confirm").fill("One")
    page.get_by_role("button", name="Delete field").click()
    assert fields(world) == ["Two"]

    page.get_by_role("link", name="Tags").click()
    page.get_by_role("link", name="Edit gold").click()
    page.get_by_label("Name").fill("vip")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("button", name="Merge").click()
    page.get_by_role("status").get_by_text("Tags merged.").wait_for()
    assert tags(world) == {"vip": 1}


def test_payloads_in_names_do_nothing(windows: Windows, world: World, olive: Person) -> None:
    for payload in PAYLOADS[::10]:
        world.field(payload)
    world.alice.made(tags=PAYLOADS[::10])
    window = windows(olive)
    window.context.add_init_script("window.booms = 0; window.boom = () => { window.booms += 1; }")
    page = open_settings(window, world, "custom-fields")
    assert sorted(page.locator("#list .item-name").all_text_contents()) == sorted(PAYLOADS[::10])
    page.locator("[data-grab]").first.press("ArrowDown")
    page.locator("[data-dialog]").first.click()
    dialog(page).get_by_label("Name").press("End")
    page.keyboard.type(" more")
    page.keyboard.press("Enter")
    toast(page, "Field saved.").get_by_role("button", name="Undo").click()
    toast(page, "The change was undone.")
    page = open_settings(window, world, "tags")
    assert sorted(page.locator("#list .tag").all_text_contents()) == sorted(PAYLOADS[::10])
    page.locator("[data-dialog]").first.click()
    dialog(page).get_by_text("Merge into another tag…").click()
    dialog(page).get_by_label("The tag to keep").fill("s")
    dialog(page).locator("datalist option").first.wait_for(state="attached")
    page.keyboard.press("Escape")
    assert page.evaluate("window.booms") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_the_dialogs(lenient: Window, world: World, theme: str) -> None:
    world.field("Source")
    world.alice.made(tags=["vip"], customFields={"Source": "x"})
    page, found = lenient.page, dict[str, Any]()
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")

    def look(state: str) -> None:
        found.update({state: wrong} if (wrong := violations(page)) else {})

    open_settings(lenient, world, "custom-fields")
    page.get_by_role("link", name="Edit Source").click()
    dialog(page).get_by_label("Type").select_option("Number")
    dialog(page).get_by_role("button", name="Save").click()
    dialog(page).locator(".misfits").wait_for()
    look("misfits")
    dialog(page).get_by_role("link", name="Delete…").click()
    page.get_by_label("Type Source to confirm").press("Enter")
    page.get_by_label("Type Source to confirm").fill("x")
    page.keyboard.press("Enter")
    dialog(page).locator(".error").wait_for()
    look("delete a field")
    open_settings(lenient, world, "tags")
    page.get_by_role("link", name="Edit vip").click()
    for summary in dialog(page).locator("summary").all():
        summary.click()
    look("a tag")
    assert found == {}
