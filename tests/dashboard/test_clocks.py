"""The clocks of contacts go by the server's data and time, whatever the browser has."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from contactory.local_time.transitions import next_change
from contactory.local_time.wall_clock import wall_clock
from contactory.local_time.zones import zone_info
from tests.dashboard.conftest import Window
from tests.world import Person, World, a_phone

Windows = Callable[..., Window]
HAVANA = "America/Havana"
WRONG = """
const Real = Intl.DateTimeFormat;
Intl.DateTimeFormat = function (locales, options) {
  return new Real(locales, { ...options, timeZone: options?.timeZone === "UTC" ? "UTC" : "Asia/Kathmandu" });
};
"""
"""Data about time zones that is wrong for every zone."""


def page_of(windows: Windows, world: World, olive: Person, zone: str, *, script: str = "") -> Page:
    """The page of a contact in a zone, in a browser of Berlin."""
    contact = world.alice.made(firstName="Jane", phone=a_phone(), timezone=zone)
    page = windows(olive, timezone_id="Europe/Berlin").page
    page.clock.install(time=datetime.now(UTC))
    page.add_init_script(WRONG)
    page.add_init_script(script)
    page.goto(f"/w/{world.acme}/contacts/{contact['id']}")
    return page


def there(zone: str, at: datetime) -> re.Pattern[str]:
    """What the page says at a moment or within the next minute."""
    moments = [(at + timedelta(seconds=late)).astimezone(zone_info(zone)) for late in (0, 60)]
    return re.compile("|".join(f"It is {moment:%H:%M} there, {moment:%A}" for moment in moments))


def test_the_clock_is_that_of_the_server_and_not_of_the_browser(
    windows: Windows, world: World, olive: Person
) -> None:
    # The browser's clock is wrong too, by two hours.
    late = "const now = Date.now; Date.now = () => now() - 7200000;"
    page = page_of(windows, world, olive, HAVANA, script=late)
    clock, line = page.locator(".there"), page.locator("[data-now]").first
    expect(clock).to_have_text(there(HAVANA, datetime.now(UTC)))
    page.clock.fast_forward("13:00:00")  # It goes on by itself, and past midnight or noon.
    expect(clock).to_have_text(there(HAVANA, datetime.now(UTC) + timedelta(hours=13)))
    band = page.locator("#reach .band svg").first
    expect(band).to_have_accessible_name(re.compile(r"The local time is \d\d:\d\d\."))
    assert line.get_attribute("x1") is not None


def test_the_clock_passes_the_next_change_while_the_page_is_open(
    windows: Windows, world: World, olive: Person
) -> None:
    zone = "America/New_York"
    clock = zone_info(zone)
    assert clock
    change = next_change(clock, datetime.now(UTC))
    assert change
    page = page_of(windows, world, olive, zone)
    element = page.locator("[data-clock]")
    assert float(element.get_attribute("data-change") or 0) == change.at.timestamp()
    for late in (timedelta(minutes=-5, seconds=10), timedelta(minutes=5, seconds=10)):
        page.clock.set_fixed_time(change.at + late)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(page.locator(".there")).to_have_text(there(zone, change.at + late))


def test_further_changes_of_the_history_do_not_set_the_clock_back(
    windows: Windows, world: World, olive: Person
) -> None:
    contact = world.alice.made(firstName="Jane", phone=a_phone(), timezone=HAVANA)
    for number in range(25):
        world.alice.patch(contact["id"], {"lastName": f"Doe {number}"})
    page = windows(olive).page
    page.clock.install(time=datetime.now(UTC))
    page.goto(f"/w/{world.acme}/contacts/{contact['id']}")
    moved = "() => Number(document.querySelector('[data-now]').getAttribute('x1').replace('%', ''))"
    page.clock.fast_forward("00:30:00")
    before = page.evaluate(moved)
    page.get_by_role("link", name="Earlier changes").click()
    expect(page.get_by_text("created this contact")).to_be_visible()
    page.clock.run_for(16_000)
    assert page.evaluate(moved) >= before


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Nowhere/Atlantis", None])
def test_a_clock_that_does_not_change_or_is_not_known_has_no_change(zone: str | None) -> None:
    clock = wall_clock(zone, datetime(2026, 3, 2, 12, tzinfo=UTC))
    if zone == "Asia/Kolkata":
        assert clock
        assert clock.attributes == {"data-at": 1772452800.0, "data-offset": 19800.0}
    else:
        assert clock is None


def test_a_deleted_contact_has_its_clock_too(windows: Windows, world: World, olive: Person) -> None:
    contact = world.alice.made(firstName="Jane", timezone=HAVANA)
    world.alice.remove(contact["id"])
    page = windows(olive).page
    page.add_init_script(WRONG)
    page.goto(f"/w/{world.acme}/contacts/{contact['id']}")
    expect(page.locator(".there")).to_have_text(there(HAVANA, datetime.now(UTC)))
