"""A browser on a real server: one Chromium for each file of tests, and for each test a profile of its own.

What a page says in the console, an exception in a script or a breach of the page's policy fails the test.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, sync_playwright

from tests.servers import Server
from tests.world import Person, World

# The first one has no window to draw for itself, and takes a sixth of the others' processor time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
PATIENCE = 10_000  # Milliseconds; the machine may be busy.


# Not for the whole session: while it is there, no other test of the process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Chromium here, and CI must not leave its tests out")
        pytest.skip("there is no Chromium here")
    with sync_playwright() as playwright:
        # As root, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Window:
    """A browser's profile, in which somebody may be signed in."""

    def __init__(self, browser: Browser, server: Server, **settings: Any) -> None:
        self.complaints: list[str] = []
        self.url = server.url
        self.context: BrowserContext = browser.new_context(base_url=server.url, **settings)
        self.context.set_default_timeout(PATIENCE)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = self.context.new_page()
        self.expected: tuple[str, ...] = ()
        """Parts of complaints that the test means to provoke."""

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def sign_in(self, person: Person) -> None:
        cookie = {"name": "__Host-contactory", "value": person.secret, "domain": "127.0.0.1", "path": "/"}
        attributes = {"secure": True, "httpOnly": True, "sameSite": "Lax", "expires": -1}
        self.context.add_cookies([{**cookie, **attributes}])  # pyright: ignore[reportArgumentType]

    def close(self) -> None:
        self.context.close()
        unexpected = [c for c in self.complaints if not any(part in c for part in self.expected)]
        assert unexpected == []


@pytest.fixture
def windows(browser: Browser, server: Server) -> Iterator[Callable[..., Window]]:
    """Opens windows, each with settings of the browser's context."""
    opened: list[Window] = []

    def open_window(person: Person | None = None, **settings: Any) -> Window:
        window = Window(browser, server, **settings)
        opened.append(window)
        if person:
            window.sign_in(person)
        return window

    yield open_window
    for window in opened:
        window.close()


@pytest.fixture
def olive(world: World) -> Person:
    """The owner of Acme."""
    return world.person()


def cell(page: Page, contact_id: str, key: str) -> Locator:
    """The cell of a contact in the column of that key."""
    return page.locator(f'tr[data-id="{contact_id}"] [data-key="{key}"]')


@pytest.fixture
def contacts(windows: Callable[..., Window], world: World, olive: Person) -> Callable[..., Page]:
    """Opens the grid of Acme's contacts."""

    def opened(query: str = "", person: Person = olive, **settings: object) -> Page:
        window = windows(person, **settings)
        window.expected = ("status of 400", "status of 409", "status of 412", "ERR_FAILED")
        window.page.goto(f"/w/{world.acme}/contacts{query}")
        return window.page

    return opened
