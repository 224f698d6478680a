"""The tag picker: what Enter takes, and tags that differ only in case or accents."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window, cell
from tests.world import Person, World


def test_enter_takes_the_tag_that_is_offered(contacts: Callable[..., Page], world: World) -> None:
    world.alice.made(tags=["gold", "golden age", "Élite", "renewal"])
    jane = world.alice.made(firstName="Jane")["id"]
    page = contacts()
    cell(page, jane, "tags").click()
    chosen = cell(page, jane, "tags").locator(".tag-name")
    for typed, offered in (("gol", "gold"), ("AGE", "golden age"), ("elit", "Élite")):
        page.keyboard.type(typed)
        marked = page.locator('.suggestion[aria-selected="true"]')
        expect(marked).to_have_text(offered)
        page.keyboard.press("Enter")
        expect(chosen.last).to_have_text(offered)
    # A tag with the text in the middle of a word is offered, and is not what Enter takes.
    page.keyboard.type("new")
    expect(page.get_by_role("option", name="renewal")).to_be_visible()
    page.keyboard.press("Enter")
    expect(chosen.last).to_have_text("new")
    # The typed text is the last choice, and a part of a tag can be a tag.
    page.keyboard.type("ren")
    expect(page.get_by_role("option", name="New tag “ren”")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(chosen.last).to_have_text("ren")
    # Before the server has answered.
    page.route("**/contacts/tags?q=rene*", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.keyboard.type("rene")
    page.keyboard.press("Enter")
    expect(chosen.last).to_have_text("renewal")
    page.keyboard.press("Enter")
    expect(page.locator(".saving, .editing")).to_have_count(0)
    assert world.alice.read(jane)["tags"] == ["gold", "golden age", "new", "ren", "renewal", "Élite"]


def test_a_tag_beside_one_that_looks_like_it_warns_in_a_cell(
    contacts: Callable[..., Page], world: World
) -> None:
    world.alice.made(tags=["vip"])
    jane = world.alice.made(firstName="Jane")["id"]
    page = contacts()

    def saved(*tags: str) -> None:
        expect(cell(page, jane, "tags").locator(".tag")).to_have_text([*tags])
        expect(page.locator(".saving")).to_have_count(0)
        assert world.alice.read(jane)["tags"] == [*tags]

    # Enter takes the tag that there is, and says so.
    cell(page, jane, "tags").click()
    page.keyboard.type("VIP")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“vip” is used, because this tag exists.")).to_be_visible()
    page.keyboard.press("Enter")
    saved("vip")
    # A new one that is wanted, by the button or the last choice, is offered to give way again.
    cell(page, jane, "tags").click()
    page.get_by_role("button", name="Remove vip").click()
    page.keyboard.type("Vip,")
    page.get_by_role("button", name="Use “vip”").click()
    expect(cell(page, jane, "tags").locator(".tag-name")).to_have_text(["vip"])
    page.get_by_role("button", name="Remove vip").click()
    page.keyboard.type("VIP")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Create “VIP”").click()
    page.keyboard.press("Enter")
    saved("VIP")
    # Text that was not confirmed counts when the cell is left, and the message offers the other tag.
    world.alice.delete(f"/v1/contacts/{jane}/tags/VIP")
    world.alice.delete("/v1/tags/VIP")
    page.reload()
    cell(page, jane, "tags").click()
    page.keyboard.type("ViP")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Use “vip”").click()
    page.keyboard.press("Escape")
    saved("vip")


def test_a_tag_beside_one_that_looks_like_it_warns_in_bulk_and_in_the_form_of_a_contact(
    windows: Callable[..., Window], olive: Person, world: World
) -> None:
    world.alice.made(tags=["vip"])
    jane = world.alice.made(firstName="Jane")["id"]
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/contacts")
    page.get_by_role("checkbox", name="Select Jane").check()
    page.get_by_role("button", name="Add tags").click()
    page.keyboard.type("VIP")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Add tags").click()
    dialog.get_by_role("button", name="Use “vip”").click()
    dialog.get_by_role("button", name="Add tags").click()
    expect(page.get_by_text("Add tags: 1 changed.")).to_be_visible()
    assert world.alice.read(jane)["tags"] == ["vip"]

    page.goto(f"/w/{world.acme}/contacts/{jane}")
    page.get_by_placeholder("Add a tag").fill("Vip")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_role("button", name="Use “vip”").wait_for()
    assert world.alice.read(jane)["tags"] == ["vip"]
    # Whoever has seen it and goes on gets the new tag.
    page.get_by_role("button", name="Save").first.click()
    page.wait_for_load_state()
    expect(page.locator(".tag-name")).to_have_text(["Vip", "vip"])
    assert world.alice.read(jane)["tags"] == ["Vip", "vip"]
