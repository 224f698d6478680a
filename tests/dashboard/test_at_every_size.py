"""Wide, narrow, with long names: nothing moves under the pointer, hides the rest, or goes past the edge."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_pages_in_browser import OUTSIDE
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.world import Person, World

Windows = Callable[..., Window]
LONG = "Wirtschaftsprüfungsgesellschaftsberichterstattungspflichtdatum" * 2


@pytest.mark.parametrize("width", [1440, 1024, 390, 320])
def test_the_first_selection_moves_no_row(windows: Windows, world: World, olive: Person, width: int) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(30)))
    page = windows(olive, viewport={"width": width, "height": 700}).page
    page.goto(f"/w/{world.acme}/contacts")
    places = page.evaluate(
        """[...document.querySelectorAll("tbody [name=contact]")].slice(0, 3)
           .map((input) => input.getBoundingClientRect())
           .map(({ x, y, width, height }) => [x + width / 2, y + height / 2])"""
    )
    for number, (x, y) in enumerate(places, 1):
        page.mouse.click(x, y)
        expect(page.get_by_role("status").filter(has_text=f"{number} selected")).to_be_in_viewport()
    expect(page.locator("tr.chosen")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Every button is reached; a message does not cover them.
    page.get_by_role("button", name="Clear selection").press("Enter")
    expect(page.get_by_label("Selected contacts")).to_be_hidden()


def test_the_bar_of_the_selection_does_not_hide_the_focus_and_no_message_hides_the_bar(
    windows: Windows, world: World, olive: Person
) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(30)))
    page = windows(olive, viewport={"width": 1024, "height": 700}).page
    page.goto(f"/w/{world.acme}/contacts")
    bottom = page.locator(".grid-frame").evaluate("(frame) => frame.getBoundingClientRect().bottom")
    page.locator("td[tabindex='0']").focus()
    while page.evaluate("document.activeElement.getBoundingClientRect().bottom + 43") < bottom:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    bar = page.get_by_label("Selected contacts").bounding_box()
    focus = page.locator("td:focus").bounding_box()
    assert bar
    assert focus
    assert focus["y"] + focus["height"] <= bar["y"]
    page.locator("td:focus").press("Enter")
    page.keyboard.type("June")
    page.keyboard.press("Enter")
    message = page.locator(".toast").bounding_box()
    assert message
    assert message["y"] + message["height"] <= bar["y"]


PINNED = """() => {
  const frame = document.querySelector(".grid-frame");
  frame.scrollTo(frame.scrollWidth / 2, 0);
  const edge = frame.getBoundingClientRect().left;
  const pinned = [...document.querySelectorAll("tbody tr:first-child .pinned")];
  const cells = pinned.map((cell) => cell.getBoundingClientRect());
  return Math.max(...cells.filter((cell) => cell.left >= edge).map((cell) => cell.right - edge));
}"""


def test_what_is_pinned_takes_at_most_half_of_the_window(
    windows: Windows, world: World, olive: Person, contacts: Callable[..., Page]
) -> None:
    world.alice.made(firstName="Jane", lastName="Doe")
    page = contacts()
    page.locator("summary", has_text="Columns").click()
    for name in ("Last name", "E-mail"):
        with page.expect_response("**/layout"):
            page.get_by_label(f"Pin {name}").check()
    pinned = {}
    for width in (1440, 768, 390, 320):
        page.set_viewport_size({"width": width, "height": 700})
        page.wait_for_timeout(100)
        pinned[width] = page.evaluate(PINNED)
        assert pinned[width] <= width / 2 + 1, pinned
    assert pinned[320] >= 120  # The first name stays beside the box.
    assert pinned[1440] == 84 + 150 + 150 + 230


LARGEST = """() => [...document.querySelectorAll("input, select, textarea")]
  .filter((input) => input.checkVisibility() && !["checkbox", "radio"].includes(input.type))
  .filter((input) => parseFloat(getComputedStyle(input).fontSize) < 16)
  .map((input) => input.outerHTML.slice(0, 200))"""
OPEN = "document.querySelectorAll('details:not(.menu)').forEach((each) => (each.open = true))"


@pytest.fixture
def long_names(world: World, paths: dict[str, str]) -> dict[str, str]:
    """The pages of a workspace where everything has a long name without a space."""
    alice = world.alice
    for kind in ("text", "number", "date", "boolean"):
        answer = alice.post("/v1/custom-fields", {"name": f"{kind}{LONG}"[:100], "type": kind})
        assert answer.status_code == 201, answer.text
    alice.post("/v1/send-windows", {"preset": "fr", "name": LONG[:100]})
    alice.made(firstName=LONG, lastName=LONG, email=f"{LONG[:60]}@example.com", tags=[LONG])
    alice.made(firstName=LONG, timezone="America/Argentina/ComodRivadavia")
    return paths


def test_at_320_pixels_nothing_goes_past_the_edge_and_inputs_are_large(
    windows: Windows, olive: Person, long_names: dict[str, str]
) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    inside, outside = windows(olive, **phone), windows(**phone)
    inside.expected = ("status of 404",)
    for name, path in long_names.items():
        page = (outside if name in OUTSIDE else inside).page
        page.goto(path)
        page.evaluate(OPEN)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert page.evaluate(LARGEST) == [], name


BROKEN = """(box) => [...box.querySelectorAll("*")].filter((part) => {
  if (!part.checkVisibility() || part.closest("option, optgroup, datalist, .unseen")) return false;
  const [outer, inner] = [box.getBoundingClientRect(), part.getBoundingClientRect()];
  const { overflowX, textOverflow } = getComputedStyle(part);
  const cut = overflowX === "visible" && part.scrollWidth > part.clientWidth + 1 && part.clientWidth;
  return inner.left < outer.left - 1 || inner.right > outer.right + 1 || (cut && textOverflow !== "ellipsis");
}).map((part) => part.outerHTML.slice(0, 200))"""


def menus(page: Page) -> Iterator[tuple[str, Any]]:
    """What opens on the page of contacts, one after the other."""
    for name in ("Views", "Filter", "Export", "Columns"):
        page.locator(".tools summary", has_text=name).click()
        yield name, page.locator("details[open] .menu-box")
        page.keyboard.press("Escape")
    page.locator("tbody input").first.check()
    for name in ("Set a field", "Add tags", "Delete", "Export"):
        page.get_by_label("Selected contacts").get_by_role("button", name=name).click()
        yield name, page.get_by_role("dialog")
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.keyboard.press("?")
    yield "Shortcuts", page.get_by_role("dialog")


@pytest.mark.parametrize("width", [1280, 320])
def test_long_names_break_no_menu_and_no_dialog(
    windows: Windows, olive: Person, world: World, long_names: dict[str, str], width: int
) -> None:
    form = {"name": LONG[:100], "back": "", "shared": "1"}
    assert olive.post(f"/w/{world.acme}/contacts/views", form).status_code == 303
    page = windows(olive, viewport={"width": width, "height": 700}).page
    page.goto(long_names["contacts"])
    expect(page.locator("th", has_text="textWirtschaft")).to_have_count(1)
    for name, box in menus(page):
        assert box.evaluate(BROKEN) == [], name
        edges = box.bounding_box()
        assert edges, name
        assert 0 <= edges["x"] <= width - edges["width"], name
    # What is cut off is shown in full by the pointer.
    assert page.locator("th [title^=text]").get_attribute("title") == f"text{LONG}"[:100]


def test_on_a_phone_the_number_of_each_row_of_who_can_be_reached_is_whole(
    windows: Windows, world: World, olive: Person
) -> None:
    made = ({"op": "create", "data": {"phone": f"+1212555{n:04}"}} for n in range(100, 200))
    world.alice.batch(*made)
    page = windows(olive, viewport={"width": 390, "height": 800}).page
    page.goto(f"/w/{world.acme}/overview")
    row = page.locator(".band tbody th a", has_text="New York")
    row.wait_for()
    assert "100" in row.inner_text()
    # Also if there are as many as in a large workspace.
    row.locator(".note").evaluate("(note) => (note.textContent += ',000')")
    inner, outer = row.evaluate("(link) => [link.scrollWidth, link.clientWidth]")
    assert inner <= outer
    swatches = page.locator(".legend .swatch").evaluate_all("(all) => all.map((each) => each.offsetWidth)")
    assert min(swatches) == 16


def test_on_a_narrow_phone_the_button_of_a_message_is_one_word_on_one_line(
    windows: Windows, world: World, olive: Person
) -> None:
    world.alice.made(firstName="Jane")
    page = windows(olive, viewport={"width": 320, "height": 640}).page
    page.goto(f"/w/{world.acme}/contacts")
    page.locator("tr[data-id] [data-key=firstName]").click()
    page.keyboard.type("Joan")
    page.keyboard.press("Enter")
    undo = page.locator(".toast").get_by_role("button", name="Undo")
    lines = undo.evaluate(
        """(button) => {
          const range = document.createRange();
          range.selectNodeContents(button);
          return range.getClientRects().length;
        }"""
    )
    assert lines == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
