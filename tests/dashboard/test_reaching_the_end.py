"""A list is reached to its end by scrolling, by keyboard and by its link, however wide its table is."""

from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window
from tests.world import Person, World

CONTACTS = 200
FIELDS = 60
Windows = Callable[..., Window]


def crowd(world: World, fields: int = 0) -> None:
    """200 contacts; the one that was created first is at the end of the list."""
    for number in range(fields):
        answer = world.alice.post("/v1/custom-fields", {"name": f"Field {number}", "type": "text"})
        assert answer.status_code == 201, answer.text
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {n}"}} for n in range(CONTACTS)))


def wheeled(page: Page) -> None:
    box = page.locator(".grid-frame").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    page.mouse.wheel(0, 4000)


def swiped(page: Page) -> None:
    """A finger goes up over the list."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, *points: int) -> None:
        touches = [{"x": 250, "y": y} for y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    send("touchStart", 850)
    for y in range(800, 300, -50):
        send("touchMove", y)
    send("touchEnd")


def to_the_end(page: Page, further: Callable[[], None]) -> None:
    """Goes on until nothing comes any more, and expects the last contact there."""
    rows = page.locator("tr[data-id]")
    for count in (50, 100, 150, 200):
        for _ in range(20):
            further()
            page.wait_for_timeout(50)
            if rows.count() > count or page.get_by_text("Jane 0", exact=True).count():
                break
    for _ in range(20):
        further()
        if (
            page.evaluate("document.querySelector('tr[data-id]:last-child').getBoundingClientRect().bottom")
            < 901
        ):
            break
    expect(rows).to_have_count(CONTACTS)
    expect(rows.last.locator("[data-key=firstName]")).to_have_text("Jane 0")


@pytest.mark.parametrize("fields", [0, FIELDS], ids=["the built-in fields", "60 fields more"])
def test_the_last_contact_is_reached_by_scrolling_at_every_width(
    windows: Windows, world: World, olive: Person, fields: int
) -> None:
    crowd(world, fields)
    for width in (1440, 1024, 768, 390, 320) if not fields else (1440, 320):
        phone = width < 500
        page = windows(olive, viewport={"width": width, "height": 900}, has_touch=phone).page
        page.goto(f"/w/{world.acme}/contacts")
        # Wherever the table is scrolled to in the other direction.
        page.locator(".grid-frame").evaluate(
            "(frame, x) => frame.scrollTo(x, 0)", 3000 if fields and not phone else 0
        )
        to_the_end(page, partial(swiped if phone else wheeled, page))
        page.close()


@pytest.mark.parametrize("key", ["Control+End", "PageDown"])
def test_the_last_contact_is_reached_by_keyboard(
    windows: Windows, world: World, olive: Person, key: str
) -> None:
    crowd(world, FIELDS)
    page = windows(olive, viewport={"width": 768, "height": 900}).page
    page.goto(f"/w/{world.acme}/contacts")
    page.locator("td[tabindex='0']").focus()
    to_the_end(page, partial(page.keyboard.press, key))
    expect(page.locator("tr[data-id]").last.locator("td:focus")).to_be_in_viewport()


def test_show_more_is_seen_and_gives_the_focus_to_what_it_has_brought(
    windows: Windows, world: World, olive: Person
) -> None:
    crowd(world, FIELDS)
    page = windows(olive, viewport={"width": 1024, "height": 600}).page
    page.goto(f"/w/{world.acme}/contacts")
    page.locator("tr[data-id]").first.locator("[data-key=firstName]").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Show more")).to_be_focused()
    expect(page.locator("tr[data-id]")).to_have_count(100)  # It came into view, and has loaded.
    expect(page.locator("tr[data-id]").nth(50).locator("[data-key=firstName]")).to_be_focused()


def test_without_scripts_the_link_to_more_contacts_is_in_view(
    windows: Windows, world: World, olive: Person
) -> None:
    crowd(world, FIELDS)
    page = windows(olive, java_script_enabled=False, viewport={"width": 390, "height": 900}).page
    page.goto(f"/w/{world.acme}/contacts")
    swiped(page)
    swiped(page)
    swiped(page)
    link = page.get_by_role("link", name="Show more")
    expect(link).to_be_in_viewport(ratio=1)
    link.click()
    expect(page.locator("tr[data-id]")).to_have_count(50)
    expect(page.get_by_text("Jane 149", exact=True)).to_be_visible()


def test_further_pieces_of_every_other_list_come_by_scrolling_or_by_a_link_and_keep_the_focus(
    windows: Windows, world: World, olive: Person
) -> None:
    jane = world.alice.made(firstName="Jane", tags=[f"tag {n:02}" for n in range(100)])
    for number in range(60):
        world.alice.patch(jane["id"], {"lastName": f"Doe {number}"})
        world.job()
    for width in (1280, 320):
        page = windows(olive, viewport={"width": width, "height": 600}).page
        page.goto(f"/w/{world.acme}/settings/tags")
        page.mouse.move(width / 2, 300)
        page.mouse.wheel(0, 20_000)
        expect(page.locator("#list [data-id]")).to_have_count(100)
        page.goto(f"/w/{world.acme}/settings/jobs")
        page.get_by_role("link", name="Show more").press("Enter")
        expect(page.locator("[data-job]")).to_have_count(60)
        expect(page.locator("[data-job]").nth(50).locator("a").first).to_be_focused()
        page.goto(f"/w/{world.acme}/contacts/{jane['id']}")
        count = page.locator(".timeline > li:not(.older)").count()
        page.get_by_role("link", name="Earlier changes").press("Enter")
        expect(page.locator(".timeline > li").nth(count).get_by_role("button")).to_be_focused()
        page.close()
