"""What a browser has to do while 1,000 contacts are loaded by scrolling."""

from typing import Any

import msgspec
from playwright.sync_api import CDPSession, Page

from bench.stage import BenchError

ROWS = 1000
LONGEST_MS = 50.0
"""A longer task is a delay that users notice; the browser reports it."""
_PATIENCE = 600
_STEP_MS = 50
_WATCH = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ type: "longtask" });
}"""
_SHOWN = "document.querySelector('table.grid').tBodies[0].querySelectorAll('tr[data-id]').length"


class Scrolled(msgspec.Struct, frozen=True):
    """The work of a browser's main thread while the rows come, in milliseconds of processor time."""

    rows: int
    script_ms: float
    style_ms: float
    layout_ms: float
    long_tasks: int
    """Tasks of more than 50 ms, by the clock: other programs lengthen them."""
    longest_ms: float
    """The longest of them; 0 if there is none."""


def scroll(page: Page) -> Scrolled:
    """Scrolls the list, which is open and has enough contacts, until it shows 1,000 rows."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(_WATCH)
    before = _spent(session)
    page.mouse.move(600, 500)
    for _ in range(_PATIENCE):
        page.mouse.wheel(0, 100_000)
        page.wait_for_timeout(_STEP_MS)
        if page.evaluate(_SHOWN) >= ROWS:
            break
    else:
        raise BenchError(f"The list does not show {ROWS} contacts.")
    page.wait_for_timeout(10 * _STEP_MS)
    after = _spent(session)
    script, style, layout = (1000 * (after[name] - before[name]) for name in after)
    long: list[float] = page.evaluate("window.longTasks")
    rows: int = page.evaluate(_SHOWN)
    return Scrolled(rows, script, style, layout, len(long), max(long, default=0.0))


def _spent(session: CDPSession) -> dict[str, float]:
    """Seconds of processor time that the page has taken so far."""
    found: dict[str, Any] = session.send("Performance.getMetrics")
    values = {each["name"]: each["value"] for each in found["metrics"]}
    return {name: values[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")}
