"""Text that an input method composes: until it is finished, Enter, Escape and Tab belong to it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import cell
from tests.servers import PROJECT
from tests.world import World

SCRIPTS = PROJECT / "contactory" / "dashboard" / "static" / "app"
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "Backspace": 8, ",": 188}


class InputMethod:
    """Composes text in the input that has the focus, as the system's input method does."""

    def __init__(self, page: Page) -> None:
        self.cdp = page.context.new_cdp_session(page)
        self.page = page

    def compose(self, text: str) -> None:
        """Shows `text` underlined: it is not the input's own yet."""
        end = len(text)
        place = {"text": text, "selectionStart": end, "selectionEnd": end}
        self.cdp.send("Input.imeSetComposition", place)

    def press(self, *keys: str) -> None:
        """Keys for the input method, as both kinds of browsers report them."""
        for key in keys:
            self.page.evaluate(
                """([key, code]) => {
                     for (const way of [{ isComposing: true, keyCode: code }, { keyCode: 229 }])
                       document.activeElement.dispatchEvent(
                         new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...way }));
                   }""",
                [key, KEYS[key]],
            )

    def finish(self, text: str) -> None:
        """The composed text becomes the input's own."""
        self.cdp.send("Input.insertText", {"text": text})


def test_every_key_that_a_page_handles_goes_through_the_one_check() -> None:
    found = {
        f"{path.name}: {word}"
        for path in SCRIPTS.glob("*.js")
        for word in ("keydown", "keyup", "keypress", "onkey")
        if word in path.read_text("utf-8") and path.name != "keys.js"
    }
    assert found == set()


def test_a_cell_and_its_tags_leave_the_keys_to_the_input_method(
    contacts: Callable[..., Page], world: World
) -> None:
    world.alice.made(tags=["東京"])
    jane = world.alice.made(firstName="Jane", tags=["old"])["id"]
    page = contacts()
    method = InputMethod(page)
    cell(page, jane, "firstName").click()
    page.keyboard.press("Control+a")
    method.compose("とうきょう")
    method.press("Enter", "Tab", "Escape", "ArrowDown")
    editor = cell(page, jane, "firstName").locator("input")
    expect(editor).to_be_focused()
    method.finish("東京")
    page.keyboard.press("Enter")
    expect(cell(page, jane, "firstName")).to_have_text("東京")

    cell(page, jane, "tags").click()
    method.compose("東")
    page.locator(".suggestion").first.wait_for()
    method.press("Enter", ",", "ArrowDown", "Backspace", "Escape", "Tab")
    box = cell(page, jane, "tags").locator("input")
    expect(box).to_be_focused()
    expect(box).to_have_value("東")
    expect(cell(page, jane, "tags").locator(".tag-name")).to_have_text(["old"])
    method.finish("東北")
    page.keyboard.press("Enter")
    expect(cell(page, jane, "tags").locator(".tag-name")).to_have_text(["old", "東北"])
    page.keyboard.press("Enter")
    expect(cell(page, jane, "tags").locator(".tag")).to_have_text(["old", "東北"])
    assert world.alice.read(jane)["firstName"] == "東京"


def test_menus_dialogs_and_the_search_leave_the_keys_to_the_input_method(
    contacts: Callable[..., Page], world: World
) -> None:
    world.alice.made(firstName="Jane")
    page = contacts()
    method = InputMethod(page)
    page.locator(".tools summary", has_text="Filter").click()
    page.locator("[data-filter] [name=value]").focus()
    method.compose("と")
    method.press("Escape", "Enter")
    expect(page.locator("[data-filter] [name=value]")).to_be_focused()
    method.finish("東京")
    page.keyboard.press("Escape")
    expect(page.locator("[data-filter] [name=value]")).to_be_hidden()

    page.locator("tr[data-id]").first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Add tags").click()
    box = page.locator("#many-work input[role=combobox]")
    expect(box).to_be_focused()
    method.compose("と")
    method.press("Enter", "Escape", ",")
    expect(page.locator("#many-work")).to_be_visible()
    expect(page.locator("#many-work .tag-name")).to_have_count(0)
    method.finish("東京")
    page.get_by_role("button", name="Cancel").click()

    page.get_by_role("searchbox").focus()
    method.compose("じ")
    method.press("Enter", "Escape", "Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.get_by_role("searchbox")).to_have_value("じ")
