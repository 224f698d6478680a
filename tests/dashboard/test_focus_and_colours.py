"""What has the focus is seen, the contacts are a few keys away, and nothing is said by a colour alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.dashboard.test_search import settle
from tests.world import Person, World

FIELDS = 60
Windows = Callable[..., Window]


@pytest.fixture
def wide(windows: Windows, world: World, olive: Person) -> Callable[..., Page]:
    """Opens a grid of 66 columns, of which two are pinned."""
    for number in range(FIELDS):
        world.alice.post("/v1/custom-fields", {"name": f"Field {number}", "type": "text"})
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(40)))

    def opened(**settings: Any) -> Page:
        page = windows(olive, viewport={"width": 1280, "height": 700}, **settings).page
        page.goto(f"/w/{world.acme}/contacts")
        page.bring_to_front()
        return page

    return opened


# What of the element with the focus is behind the pinned columns, the heads or the edges of the frame.
HIDDEN = """() => {
  const element = document.activeElement;
  const frame = document.querySelector(".grid-frame").getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const row = element.closest("tr");
  const pinned = element.closest(".pinned") ? [] : [...row.querySelectorAll(".pinned")];
  const left = Math.max(frame.left, ...pinned.map((cell) => cell.getBoundingClientRect().right));
  const heads = document.querySelector("thead").getBoundingClientRect();
  const top = row.closest("tbody") ? heads.bottom : frame.top;
  return Math.max(left - box.left, top - box.top, box.right - frame.right, box.bottom - frame.bottom, 0);
}"""


def test_the_focus_is_never_behind_the_pinned_columns_or_the_heads(wide: Callable[..., Page]) -> None:
    page = wide()
    page.locator("td[tabindex='0']").focus()

    def walk(key: str, times: int) -> None:
        for _ in range(times):
            page.keyboard.press(key)
            assert page.evaluate(HIDDEN) <= 1, (key, page.evaluate("document.activeElement.outerHTML"))

    walk("End", 1)
    walk("ArrowLeft", 66)
    walk("ArrowRight", 30)
    walk("ArrowDown", 39)
    walk("ArrowUp", 41)  # To the heads, too.
    walk("ArrowLeft", 28)
    walk("End", 1)
    walk("ArrowLeft", 20)
    walk("Tab", 1)
    # By Tab, wherever the pointer has scrolled the table to meanwhile.
    for left in (0, 100, 300, 2000):
        page.locator("tr[data-id]").nth(2).locator("[data-key=lastName]").focus()
        page.keyboard.press("Shift+Tab")
        page.locator(".grid-frame").evaluate("(frame, left) => frame.scrollTo(left, 200)", left)
        walk("Tab", 1)
    # Within the pinned column, nothing moves aside.
    page.locator(".grid-frame").evaluate("(frame) => frame.scrollTo(3000, 0)")
    page.locator("tr[data-id]").nth(3).locator("[data-key=firstName]").focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".grid-frame").evaluate("(frame) => frame.scrollLeft") == 3000


def test_without_scripts_the_focus_is_not_wholly_behind_the_pinned_column(wide: Callable[..., Page]) -> None:
    page = wide(java_script_enabled=False)
    page.locator("thead a").last.focus()
    for _ in range(60):
        page.keyboard.press("Shift+Tab")
        width = page.evaluate("document.activeElement.getBoundingClientRect().width")
        assert page.evaluate(HIDDEN) <= width - 16


def tabs_to(page: Page, selector: str) -> int:
    for count in range(1, 300):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return count
    raise AssertionError(f"Tab does not come to {selector}")


def test_the_first_cell_is_a_few_tabs_away_with_60_fields(wide: Callable[..., Page]) -> None:
    page = wide()
    assert tabs_to(page, "tr[data-id] td") <= 20
    page.reload()
    assert tabs_to(page, ".skip[href='#rows']") == 2
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-id]").first.locator("[data-key=firstName]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr[data-id]").nth(1).locator("[data-key=firstName]")).to_be_focused()


def test_without_scripts_a_link_leads_past_the_heads(wide: Callable[..., Page]) -> None:
    page = wide(java_script_enabled=False)
    assert tabs_to(page, ".skip[href='#rows']") == 2
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Open Jane 39")).to_be_focused()


def test_one_head_is_in_the_tab_order_and_the_arrow_keys_reach_the_others_and_their_grips(
    world: World, contacts: Callable[..., Page]
) -> None:
    world.alice.made(firstName="Jane")
    settle(world, 1)
    page = contacts("?sort=firstName")
    page.locator("td[tabindex='0']").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="First name")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("th[data-key=tags]")).to_be_focused()  # Without a link: it cannot be sorted.
    page.keyboard.press("Tab")
    grip = page.get_by_role("separator", name="Width of Tags")
    expect(grip).to_be_focused()
    before = int(grip.get_attribute("aria-valuenow") or 0)
    with page.expect_response("**/layout"):
        page.keyboard.press("ArrowRight")
    expect(grip).to_have_attribute("aria-valuenow", str(before + 16))
    page.keyboard.press("Tab")
    expect(page.locator("td[data-key=firstName]")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(grip).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="Updated")).to_be_focused()
    page.keyboard.press("Home")
    expect(page.get_by_role("link", name="First name")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("td[data-key=firstName]")).to_be_focused()
    assert page.locator("thead [tabindex='0'], thead a:not([tabindex])").count() == 2


# How elements look: in drawings the filling, elsewhere the background and what else could tell them apart.
LOOKS = """(selector) => [...document.querySelectorAll(selector)].map((element) => {
  const { backgroundColor, borderBlockEndWidth, color, fill, stroke } = getComputedStyle(element);
  const drawn = element instanceof SVGElement;
  return JSON.stringify(drawn ? [fill, stroke] : [backgroundColor, borderBlockEndWidth, color]);
})"""


def looks(page: Page, selector: str) -> set[str]:
    found = set(page.evaluate(LOOKS, selector))
    assert found, selector
    return found


# Texts on a background of their own: the browser puts the colour of the page behind them, if they lose it.
HIDDEN_TEXTS = """(ground) => [...document.querySelectorAll("body *")].filter((element) => {
  const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!text || !element.checkVisibility() || element.closest("select, textarea")) return false;
  let behind = element;
  while (behind && getComputedStyle(behind).backgroundColor.endsWith(", 0)")) behind = behind.parentElement;
  const { color, forcedColorAdjust } = getComputedStyle(element);
  const background = behind ? getComputedStyle(behind).backgroundColor : ground;
  const kept = forcedColorAdjust === "none";
  return color === (kept ? background : ground) || (!kept && background !== ground);
}).map((element) => element.outerHTML.slice(0, 200))"""


def shown_on(page: Page, selector: str, ground: str) -> bool:
    """Whether each has another background, or filling, than the page."""
    return all(ground not in json.loads(look)[0] for look in looks(page, selector))


def differ(page: Page, *selectors: str) -> None:
    every = [looks(page, selector) for selector in selectors]
    assert all(one.isdisjoint(other) for at, one in enumerate(every) for other in every[at + 1 :]), every


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_of_the_system_leave_everything_to_be_seen(
    windows: Windows, olive: Person, world: World, paths: dict[str, str], theme: str
) -> None:
    # In some zones all of them can be reached at once, in some a part, in some none.
    for zone in ("Europe/Berlin", "Asia/Tokyo", "America/New_York"):
        world.alice.made(phone=None, timezone=zone)
    window = windows(olive, forced_colors="active", color_scheme=theme)
    window.expected = ("status of 400",)
    page = window.page
    page.goto(paths["overview"])
    page.locator(".band tbody td").first.wait_for()
    page.locator(".periods a").first.wait_for()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    differ(page, ".band .level-0", ".band .level-4, .swatch.level-4", ".swatch.level-1")
    for drawn in (".band .sum rect", ".meter rect"):
        assert shown_on(page, drawn, ground), drawn
    differ(page, ".places a[aria-current]", ".places a:not([aria-current])")
    differ(page, ".periods a[aria-current]", ".periods a:not([aria-current])")
    page.goto(paths["contact"])
    differ(page, ".band-day", ".band-open")
    page.goto(paths["send window"])
    differ(page, ".range .body", ".range text")
    assert shown_on(page, ".range .body", ground)
    differ(page, ".settings-places a[aria-current]", ".settings-places a:not([aria-current])")
    page.goto(paths["contacts"])
    page.locator("tr[data-id] [data-key=tags]").first.click()
    page.keyboard.type("n")
    page.locator(".suggestion").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert shown_on(page, ".suggestion[aria-selected]", ground)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Select all shown contacts").check()
    page.locator("tr[data-id] [data-key=lastName]").first.click()
    page.keyboard.type("Doe")
    page.keyboard.press("Enter")
    page.locator(".toast").wait_for()
    assert page.evaluate(HIDDEN_TEXTS, ground) == []
    page.get_by_role("button", name="Delete").click()
    assert page.evaluate(HIDDEN_TEXTS, ground) == []
    for name in ("whole overview", "contact", "send window", "people", "jobs", "first minute", "filtered"):
        page.goto(paths[name])
        assert page.evaluate(HIDDEN_TEXTS, ground) == [], name
