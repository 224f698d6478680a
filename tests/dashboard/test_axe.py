"""What axe finds, in both themes: on every page with its panels open, and in every state of states.py.

Each page is loaded once. The dark theme differs in colours alone, so there only these are looked at.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from contactory.access.users import disable_user
from contactory.base.ids import new_id
from contactory.contacts.pages.saved_views import make_view
from tests.dashboard.conftest import Window
from tests.dashboard.states import PANELS, STATES, State, openers
from tests.dashboard.test_pages_in_browser import OUTSIDE
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.world import Person, World

AXE = (Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
THEMES = {"light": {"type": "tag", "values": RULES}, "dark": {"type": "rule", "values": COLOURS}}
RUN = """([only, part]) => axe.run(
  part ? { include: [[part]] } : document, { runOnly: only, resultTypes: ["violations"] })"""
# Rules about the whole page say nothing about a part of it.
OPEN_ALL = "document.querySelectorAll('details:not(.menu)').forEach((each) => (each.open = true))"


def violations(page: Page, part: str = "") -> list[dict[str, Any]]:
    """What axe finds wrong; it is put into the page by the debugger, past the page's policy."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    wrong: list[dict[str, Any]] = []
    for theme, only in THEMES.items():
        page.emulate_media(color_scheme=theme)  # pyright: ignore[reportArgumentType]
        found = page.evaluate(RUN, [only, part])
        wrong += [
            {"theme": theme, "rule": v["id"], "nodes": [n["html"][:300] for n in v["nodes"][:5]]}
            for v in found["violations"]
        ]
    return wrong


def test_every_dialog_menu_and_panel_is_in_the_table() -> None:
    named = {name for state in STATES.values() for name in state.opens} | PANELS.keys()
    assert set(openers()) == named


@pytest.mark.timeout(180)
def test_axe_finds_nothing_on_any_page(
    windows: Callable[..., Window], olive: Person, world: World, paths: dict[str, str]
) -> None:
    world.sql.run(disable_user(world.sql.conn, world.account_id, world.person("viewer").user_id))
    found: dict[str, Any] = {}
    inside, outside = windows(olive), windows()
    inside.expected = ("status of 404",)
    for name, path in paths.items():
        page = (outside if name in OUTSIDE else inside).page
        page.goto(path)
        page.evaluate(OPEN_ALL)
        for panel in (opens for opens, where in PANELS.items() if where == name):
            words = panel.partition(": ")[2]
            assert page.locator("details[open] > summary", has_text=words).count(), panel
        found |= {name: wrong} if (wrong := violations(page)) else {}
    assert found == {}


def _together() -> list[tuple[str, str, dict[str, State]]]:
    """The states by page and role, in the order of the table."""
    groups: dict[tuple[str, str], dict[str, State]] = {}
    for name, state in STATES.items():
        groups.setdefault((state.page, state.role), {})[name] = state
    return [(page, role, states) for (page, role), states in groups.items()]


@pytest.mark.timeout(180)
def test_axe_finds_nothing_in_any_state(
    windows: Callable[..., Window], olive: Person, world: World, paths: dict[str, str]
) -> None:
    world.sql.run(make_view(world.sql.conn, world.acme, new_id(), "Everybody", "", shared=True))
    world.alice.made(tags=["very"])
    world.alice.made(customFields={"Born": "1980-01-31", "Vip": True})
    found: dict[str, Any] = {}
    still = {"reduced_motion": "reduce"}  # A message that is still fading in has other colours.
    opened = {
        "owner": windows(olive, **still),
        "viewer": windows(world.person("viewer", name="Vi"), **still),
    }
    outside = windows()
    for window in (*opened.values(), outside):
        window.expected = (
            "status of 400",
            "status of 401",
            "status of 403",
            "ERR_FAILED",
            "status of 409",
            "status of 412",
            "htmx:sendError",
        )
    for name, role, states in _together():
        page = (outside if name in OUTSIDE else opened[role]).page
        page.goto(paths[name])
        for state_name, state in states.items():
            if state.anew:
                page.goto(paths[name])
            state.open(page, world)
            assert page.locator(state.part).first.is_visible(), state_name
            found |= {state_name: wrong} if (wrong := violations(page, state.part)) else {}
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")
    assert found == {}
