"""A piece of a list costs the scripts the same, however many rows are shown already."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.world import Person, World

# Counts what the page's scripts look at: elements that a query gives, and questions that force a layout.
COUNT = """() => {
  window.work = { found: 0, measured: 0 };
  const wrap = (prototype, name, note) => {
    const original = prototype[name];
    prototype[name] = function (...given) {
      const result = original.apply(this, given);
      note(result);
      return result;
    };
  };
  for (const { prototype } of [Document, Element, DocumentFragment]) {
    wrap(prototype, "querySelectorAll", (list) => (window.work.found += list.length));
  }
  for (const name of ["getBoundingClientRect", "getClientRects", "scrollIntoView"]) {
    wrap(Element.prototype, name, () => (window.work.measured += 1));
  }
}"""


def further(page: Page, pieces: str, count: int) -> dict[str, int]:
    """The work for the next piece, with which the list has `count` elements, of which one leads further."""
    page.evaluate("""window.work.found = window.work.measured = 0;
                     document.querySelector(".more a").click()""")
    page.wait_for_function(
        "([pieces, n]) => document.querySelector(pieces).children.length >= n", arg=[pieces, count]
    )
    page.wait_for_timeout(50)  # What a module does a moment later.
    return page.evaluate("window.work")


@pytest.mark.parametrize("selected", [False, True], ids=["nothing selected", "all selected"])
def test_fifty_more_contacts_cost_the_same_after_400_as_after_100(
    windows: Callable[..., Window], world: World, olive: Person, selected: bool
) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(501)))
    page = windows(olive, viewport={"width": 1280, "height": 800}).page
    page.goto(f"/w/{world.acme}/contacts")
    if selected:
        page.get_by_role("checkbox", name="Select all shown contacts").check()
        page.get_by_role("button", name="Select all matching contacts").click()
    page.evaluate(COUNT)
    costs: list[Any] = [further(page, "#grid tbody", count + 1) for count in range(100, 501, 50)]
    assert costs[-1] == costs[1]
    assert costs[-1]["measured"] <= 1
    chosen = 500 if selected else 0
    assert page.locator("tr.chosen").count() == page.locator("tbody input:checked").count() == chosen


def test_fifty_more_tags_cost_the_same_after_400_as_after_100(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    for first in range(0, 600, 100):
        world.alice.made(tags=[f"tag {n:03}" for n in range(first, first + 100)])
    page = windows(olive, viewport={"width": 1280, "height": 400}).page
    page.goto(f"/w/{world.acme}/settings/tags")
    expect(page.locator("[data-count]").last).to_have_text("1 contact")
    page.evaluate(COUNT)
    costs: list[Any] = [further(page, "#list .items", count + 1) for count in range(100, 501, 50)]
    expect(page.locator("[data-count]").last).to_have_text("1 contact")
    assert costs[-1] == costs[1]
