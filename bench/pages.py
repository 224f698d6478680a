"""How fast the dashboard's list of contacts is: at the server, in a browser, and what a first load weighs.

The page is asked for in turns with one that says the same every time (the sign-in's), of the same server.
"""

import asyncio
import gzip
import http.client
import secrets
import shutil
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from rich.console import Console
from rich.table import Table

from bench.report import Machine, machine
from bench.scrolling import LONGEST_MS, Scrolled, scroll
from bench.stage import BenchError, Stage, stage
from contactory.access.sessions import open_session
from contactory.access.users import create_user
from contactory.database.db import connect

CONTACTS = 1_000_000
_COOKIE = "__Host-contactory"
_WARM = 10
_TURN = 25
"""So many requests of one page, then as many of the other."""
HEAVIEST = 200 * 1024
SLOWEST = 1000.0
SLOWEST_AT_SERVER = 100.0
_NAMES = "'America/New_York','America/Chicago','Europe/Berlin','Asia/Tokyo','Europe/Paris'"
_ZONES = f"(array[{_NAMES}])[1 + n * 37 % 5]"


class Served(msgspec.Struct, frozen=True):
    """The answers to one path: milliseconds until the last byte, over one connection."""

    what: str
    p50_ms: float
    p95_ms: float
    bytes: int
    packed_bytes: int


class Loaded(msgspec.Struct, frozen=True):
    """A page in Chromium: milliseconds from the start of the navigation, medians over the rounds."""

    what: str
    first_byte_ms: float
    interactive_ms: float
    """Until every script has run and the table answers the keyboard."""
    painted_ms: float
    """Until the first text was there to be seen."""
    requests: int
    bytes: int
    """What came over the wire for it, packed."""


class Result(msgspec.Struct, frozen=True):
    """All of one measurement."""

    at: datetime
    machine: Machine
    contacts: int
    workers: int
    served: list[Served]
    loaded: list[Loaded]
    scrolled: Scrolled


def measure(contacts: int, rounds: int, workers: int, console: Console, path: Path) -> bool:
    """Measures, prints and writes; says whether the aims are met."""
    with stage(contacts, workers, console.print, _ZONES) as built:
        here, secret = machine(built), asyncio.run(_sign_in(built))
        console.print("asking for pages")
        served = _served(built, secret, rounds)
        console.print("opening them in Chromium")
        loaded, scrolled = _loaded(built, secret, rounds)
        now = datetime.now(UTC).replace(microsecond=0)
        result = Result(now, here, contacts, workers, served, loaded, scrolled)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    _show(result, console)
    return _kept(result)


async def _sign_in(built: Stage) -> str:
    """The secret of a session of a new owner."""
    conn = await connect(built.url)
    try:
        account = await conn.fetchval(
            "select account_id::text from workspaces where id = $1", built.workspace
        )
        email = f"{secrets.token_hex(8)}@example.com"
        user = await create_user(conn, account, (email, email), name="Olive", role="owner")
        return await open_session(conn, user.id)
    finally:
        await conn.close()


def _paths(built: Stage) -> dict[str, str]:
    grid = f"/w/{built.workspace}/contacts"
    sorts = {name: f"{grid}?sort={name}" for name in ("firstName", "-lastName", "email", "phone", "timezone")}
    named = {f"sorted by {name}": path for name, path in sorts.items()}
    filters = {
        "available now by call": f"{grid}?availableNow=call",
        "a search": f"{grid}?q=first1234",
        "sorted by a custom field": f"{grid}?sort=field-{built.field}",
    }
    return {"a constant page": "/sign-in", "the list of contacts": grid, **named, **filters}


def _served(built: Stage, secret: str, rounds: int) -> list[Served]:
    conn = http.client.HTTPConnection(str(urlsplit(built.address).netloc), timeout=30)
    took: dict[str, list[float]] = {what: [] for what in _paths(built)}
    bodies: dict[str, tuple[int, int]] = {}
    for turn in range(-1, rounds):
        for what, path in _paths(built).items():
            count = 2 if "custom" in what else _WARM if turn < 0 else _TURN
            for _ in range(count):
                milliseconds, body = _ask(conn, path, secret)
                bodies[what] = (len(gzip.decompress(body)), len(body))
                took[what] += [milliseconds] if turn >= 0 else []
    conn.close()
    return [
        Served(what, statistics.median(times), _p95(times), *bodies[what]) for what, times in took.items()
    ]


def _ask(conn: http.client.HTTPConnection, path: str, secret: str) -> tuple[float, bytes]:
    headers = {"cookie": f"{_COOKIE}={secret}", "accept-encoding": "gzip", "sec-fetch-site": "none"}
    if path == "/sign-in":
        del headers["cookie"]  # Who is signed in is led away from there.
    begun = time.perf_counter()
    conn.request("GET", path, headers=headers)
    answer = conn.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begun) * 1000
    # An order by a custom field may take longer than a statement may; then the page says so.
    if answer.status != 200 and not (answer.status == 503 and "sort=field-" in path):
        raise BenchError(f"{path} is answered {answer.status}")
    return took, body


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


_TIMES = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const all = [page, ...performance.getEntriesByType("resource")];
  return {
    first: page.responseStart, interactive: page.domContentLoadedEventEnd, painted: paint?.startTime ?? 0,
    requests: all.length, bytes: all.reduce((sum, entry) => sum + entry.transferSize, 0),
  };
}"""


def _loaded(built: Stage, secret: str, rounds: int) -> tuple[list[Loaded], Scrolled]:
    """The pages, and the list as it is scrolled: the quietest round, because other programs add to it."""
    program = next(
        filter(
            None,
            map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")),
        ),
        None,
    )
    if program is None:
        raise BenchError("There is no Chromium here, which opens pages: install it (apt install chromium).")
    paths = _paths(built)
    grid = paths["the list of contacts"]
    wanted = {"a constant page": ("/sign-in", False), "the list, a first load": (grid, False)}
    wanted["the list, loaded before"] = (grid, True)
    found: dict[str, list[dict[str, float]]] = {what: [] for what in wanted}
    with sync_playwright() as playwright:
        # As root, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(rounds + 1):
            for what, (path, before) in wanted.items():
                found[what].append(_open(browser, built, secret, path, before))
        scrolls = [_scroll(browser, built, secret, grid) for _ in range(rounds)]
        browser.close()
    quietest = min(scrolls, key=lambda each: (each.long_tasks, each.longest_ms))
    return [_medians(what, runs[1:]) for what, runs in found.items()], quietest


def _open(browser: Browser, built: Stage, secret: str, path: str, before: bool) -> dict[str, float]:
    """Opens a page with an empty cache, or one that has it already."""
    context = _context(browser, built, "" if path == "/sign-in" else secret)
    page = context.new_page()
    for _ in range(2 if before else 1):
        page.goto(path, wait_until="load")
    if path != "/sign-in" and page.get_by_role("grid").count() != 1:
        raise BenchError("The list of contacts is not there to be used when its scripts have run.")
    found: dict[str, float] = page.evaluate(_TIMES)
    context.close()
    return found


def _context(browser: Browser, built: Stage, secret: str) -> BrowserContext:
    """A profile with an empty cache, signed in if there is a secret."""
    context = browser.new_context(base_url=built.address, viewport={"width": 1280, "height": 800})
    if secret:
        host = urlsplit(built.address).hostname
        cookie: Any = {"name": _COOKIE, "value": secret, "domain": host, "path": "/", "secure": True}
        context.add_cookies([cookie])
    return context


def _scroll(browser: Browser, built: Stage, secret: str, path: str) -> Scrolled:
    context = _context(browser, built, secret)
    page = context.new_page()
    page.goto(path, wait_until="load")
    found = scroll(page)
    context.close()
    return found


def _medians(what: str, runs: list[dict[str, float]]) -> Loaded:
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return Loaded(
        what,
        middle["first"],
        middle["interactive"],
        middle["painted"],
        int(middle["requests"]),
        int(middle["bytes"]),
    )


def _kept(result: Result) -> bool:
    """Whether the aims are met: 100 ms at the server, a second, 200 KiB and no long task in the browser."""
    quick = all(each.p95_ms < SLOWEST_AT_SERVER for each in result.served if "custom" not in each.what)
    first = next(each for each in result.loaded if each.what == "the list, a first load")
    smooth = result.scrolled.longest_ms < LONGEST_MS
    return quick and smooth and first.interactive_ms < SLOWEST and first.bytes < HEAVIEST


def _show(result: Result, console: Console) -> None:
    m = result.machine
    console.print(f"\n{m.processor}, {m.cores} cores; Python {m.python}, PostgreSQL {m.postgresql}")
    if m.busy > 0.2:
        console.print(f"[bold yellow]Others used {m.busy} cores before the run.")
    table = Table("at the server", "p50 ms", "p95 ms", "KiB", "packed KiB", box=None, padding=(0, 1))
    for each in result.served:
        sizes = [f"{size / 1024:.1f}" for size in (each.bytes, each.packed_bytes)]
        table.add_row(each.what, f"{each.p50_ms:.1f}", f"{each.p95_ms:.1f}", *sizes)
    console.print(table)
    heads = ("in Chromium", "first byte", "painted", "interactive ms", "requests", "KiB")
    table = Table(*heads, box=None, padding=(0, 1))
    for each in result.loaded:
        times = [f"{ms:.0f}" for ms in (each.first_byte_ms, each.painted_ms, each.interactive_ms)]
        table.add_row(each.what, *times, str(each.requests), f"{each.bytes / 1024:.1f}")
    console.print(table)
    each = result.scrolled
    work = (
        f"{each.script_ms:.0f} ms of scripts, {each.style_ms:.0f} of styles, {each.layout_ms:.0f} of layout"
    )
    long = f"{each.long_tasks} tasks above {LONGEST_MS:.0f} ms, the longest {each.longest_ms:.0f}"
    console.print(f"\nscrolling to {each.rows} contacts: {work}; {long}")
