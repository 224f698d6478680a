"""Every page for those who enlarge it, who want nothing to move, and who have no pointer."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.dashboard.conftest import Window
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.world import Person, World

DOORS = ("sign-in", "set-up")
Windows = Callable[..., Window]


def each_page(
    windows: Windows, olive: Person, paths: dict[str, str], **settings: Any
) -> Iterator[tuple[str, Page]]:
    """Every page in turn, open."""
    inside, outside = windows(olive, **settings), windows(None, **settings)
    for window in (inside, outside):
        window.expected = ("status of 404",)
    for name, path in paths.items():
        page = (outside if name in DOORS else inside).context.new_page()
        page.goto(path)
        yield name, page
        page.close()


CUT_OFF = """() => [...document.querySelectorAll("h1, h2, p, a, button, label, summary, legend, dt, dd")]
  .filter((element) => {
    if (!element.checkVisibility() || element.closest(".grid-frame, .skip, .unseen")) return false;
    const { overflowX, textOverflow } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const tooWide = element.scrollWidth > element.clientWidth + 1;
    const hidden = overflowX !== "visible" && textOverflow !== "ellipsis" && tooWide;
    return hidden || box.left < -1 || box.right > innerWidth + 1;
  })
  .map((element) => element.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("text_only", [False, True], ids=["the whole page", "the text alone"])
def test_at_twice_the_size_nothing_is_cut_off(
    windows: Windows, olive: Person, paths: dict[str, str], text_only: bool
) -> None:
    # A laptop's window shows half as much of the page at 200 %, each CSS pixel being two.
    size = {"width": 640, "height": 400} if not text_only else {"width": 1280, "height": 800}
    settings = {"viewport": size, "device_scale_factor": 1 if text_only else 2}
    for name, page in each_page(windows, olive, paths, **settings):
        if text_only:
            page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], name
        assert page.evaluate(CUT_OFF) == [], name
        assert page.get_by_role("heading", level=1).is_visible(), name
        if page.locator("tr[data-id]").count():
            assert page.locator(".grid-frame").evaluate("e => e.clientHeight") > 100, name


MOVING = """() => [...document.querySelectorAll("*")].flatMap((element) => {
  const found = [];
  for (const pseudo of [null, "::before", "::after", "::backdrop"]) {
    const style = getComputedStyle(element, pseudo);
    const long = (text) => text.split(",").some((part) => parseFloat(part) > 0);
    const moves = style.animationName !== "none" && long(style.animationDuration);
    const slides = style.transitionProperty !== "none" && long(style.transitionDuration);
    const scrolls = style.scrollBehavior === "smooth";
    if (moves || slides || scrolls) found.push(`${element.outerHTML.slice(0, 100)} ${pseudo}`);
  }
  return found;
})"""


def test_nothing_moves_for_those_who_want_that(
    windows: Windows, olive: Person, paths: dict[str, str]
) -> None:
    for name, page in each_page(windows, olive, paths, reduced_motion="reduce"):
        # As while something is loading, and with a message.
        page.evaluate(
            """document.querySelectorAll("main *").forEach((e) => e.classList.add("htmx-request"));
               document.getElementById("toasts")?.append(
                 Object.assign(document.createElement("div"), {className: "toast", textContent: "x"}))"""
        )
        assert page.evaluate(MOVING) == [], name
        assert page.evaluate("document.getAnimations().length") == 0, name


FOCUS = """() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const ring = parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none";
  const edge = element.matches("input, select, textarea") && style.borderColor;
  const drawn = element.matches("g") ? [...element.children] : []; // In SVG a stroke is what shows it.
  const stroke = drawn.some((part) => parseFloat(getComputedStyle(part).strokeWidth) >= 2);
  element.dataset.walked ??= String((window.walked = (window.walked ?? 0) + 1));
  return {
    key: element.dataset.walked,
    html: element.outerHTML.slice(0, 160),
    visible: Boolean(ring || edge || stroke),
    inside:
      box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""
REACHABLE = """() =>
  [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")]
  .filter((e) => e.checkVisibility() && !e.disabled && e.tabIndex >= 0 && !e.dataset.walked)
  .filter((e) => e.type !== "radio" || e.checked)
  .map((e) => e.outerHTML.slice(0, 160))"""


def test_every_control_of_every_page_is_reached_and_seen_by_tab(
    windows: Windows, olive: Person, paths: dict[str, str]
) -> None:
    for name, page in each_page(windows, olive, paths, viewport={"width": 1280, "height": 800}):
        page.bring_to_front()
        # A page may begin in its first input, which the browser sees to a moment after the page is there.
        page.wait_for_function("document.activeElement.autofocus || !document.querySelector('[autofocus]')")
        # Or at what is wrong, in the middle.
        page.evaluate("document.activeElement.ariaInvalid && document.querySelector('.skip').focus()")
        focus, seen = page.evaluate(FOCUS), set[str]()
        for _ in range(400):
            if focus:
                seen.add(focus["key"])
                assert focus["visible"], (name, focus)
                assert focus["inside"], (name, focus)
            page.keyboard.press("Tab")
            before, focus = focus, page.evaluate(FOCUS)
            within = focus and before and focus["key"] == before["key"]  # Of a date: day, month, year.
            if focus is None or (focus["key"] in seen and not within):
                break
        else:
            raise AssertionError(f"{name}: Tab does not come to an end")
        assert page.evaluate(REACHABLE) == [], name


def test_a_contact_is_seen_to_by_keyboard_alone(windows: Windows, olive: Person, world: World) -> None:
    jane = world.alice.made(firstName="Jane", phone="+14155550123")
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/contacts")
    page.bring_to_front()
    page.keyboard.press("Tab")  # The link that leads past the bar.
    page.keyboard.press("Enter")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('tr[data-id] td')"):
            break
    page.keyboard.press("Home")
    page.keyboard.press("Enter")  # The first cell opens the contact's page.
    page.wait_for_url(f"**/contacts/{jane['id']}")

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab does not come to {selector}")

    tab_to("[name=lastName]")
    page.keyboard.type("Doe")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Jane Doe").wait_for()
    tab_to("#consent summary")
    page.keyboard.press("Enter")
    tab_to("#consent [name=status]")
    page.keyboard.type("Granted")
    tab_to("#consent [name=source]")
    page.keyboard.type("fair")
    page.keyboard.press("Enter")
    page.locator("#consent", has_text="fair").wait_for()
    tab_to("#consent [name=doNotContact]")
    page.keyboard.press("Space")
    page.get_by_text("must not be contacted on any channel").wait_for()
    assert world.alice.read(jane["id"])["lastName"] == "Doe"
    assert world.alice.get(f"/v1/contacts/{jane['id']}/consent").json()["doNotContact"] is True
