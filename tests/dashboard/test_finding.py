"""Sorting the grid and exporting who is available, in a browser."""

import json
from collections.abc import Callable

from playwright.sync_api import Page, expect

from contactory.local_time.windows import WEEKDAYS
from tests.dashboard.conftest import cell
from tests.dashboard.test_search import settle
from tests.world import World


def test_the_grid_is_sorted_by_keyboard_and_keeps_the_place(
    world: World, contacts: Callable[..., Page]
) -> None:
    for name in ("Kim", "Ann", "Zoe"):
        world.alice.made(firstName=name)
    settle(world, 3)
    page = contacts()
    names = page.locator("tbody [data-key=firstName] .value")
    cell(page, page.locator("tr[data-id]").first.get_attribute("data-id") or "", "firstName").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="First name")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url("**?sort=firstName")
    expect(names).to_have_text(["Ann", "Kim", "Zoe"])
    expect(page.locator('th[aria-sort="ascending"]')).to_have_text("First name")
    expect(page.get_by_role("link", name="First name")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**?sort=-firstName")
    expect(names).to_have_text(["Zoe", "Kim", "Ann"])
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr[data-id]").first.locator("[data-key=firstName]")).to_be_focused()


def test_who_is_available_now_is_selected_and_exported(world: World, contacts: Callable[..., Page]) -> None:
    days = [{"day": day, "from": "00:00", "to": "24:00"} for day in WEEKDAYS]
    world.alice.post("/v1/send-windows", {"name": "All day", "channels": ["sms"], "days": days})
    world.alice.made(firstName="Here", phone="+14155550123")
    world.alice.made(firstName="Nowhere")
    page = contacts()
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Available now by").select_option("text message")
    page.get_by_label("Send window").select_option("All day")
    page.get_by_role("button", name="Show available contacts").click()
    expect(page.locator("tr[data-id]")).to_have_count(1)
    expect(page.locator(".chip")).to_contain_text("Text message: available now by All day")
    page.get_by_role("checkbox", name="Select Here").check()
    page.get_by_label("Selected contacts").get_by_role("button", name="Export").click()
    page.get_by_role("radio", name="JSON lines").check()
    with page.expect_download() as download:
        page.get_by_role("dialog").get_by_role("button", name="Export").click()
    assert download.value.suggested_filename.startswith("Acme 20")
    assert json.loads(download.value.path().read_text("utf-8"))["phone"] == "+14155550123"
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all matching contacts").click()
    assert download.value.path().read_bytes().count(b"\r\n") == 2
    page.get_by_role("link", name="Remove the filter: available now").click()
    expect(page.locator("tr[data-id]")).to_have_count(2)
