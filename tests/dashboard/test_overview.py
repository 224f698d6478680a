"""The overview: its numbers are the API's, and its links lead to whom it counted; and how one begins."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.sync_api import Page

from contactory.catalog.catalog import read_catalog
from contactory.contacts.read.counting import count_or_estimate
from contactory.contacts.read.filter import EVERYTHING, Compare, Not
from tests.dashboard.conftest import Window
from tests.dashboard.test_payloads import PAYLOADS
from tests.world import Person, World, a_phone

PHONES = ("+1212555010{}", "+4930231250{}0", "+8135550010{}", "+55113555010{}")


@pytest.fixture
def people(world: World) -> list[dict[str, Any]]:
    """Twenty contacts, made on five days."""
    phones = [phone.format(n) for phone in PHONES for n in range(5)]
    made = [
        world.alice.made(
            firstName=f"Jane {n}", phone=phone, tags=["all", *(["some & more"] if n % 4 == 0 else [])]
        )
        for n, phone in enumerate(phones)
    ]
    world.alice.patch(made[0]["id"], {"consent": {"doNotContact": True}})
    for n, contact in enumerate(made):
        world.sql.execute(
            "update contacts set created_at = $2 where id = $1",
            contact["id"],
            datetime.now(UTC) - timedelta(days=7 * (n % 5)),
        )
    world.alice.remove(world.alice.made(firstName="Gone", tags=["all"])["id"])
    return made


def overview(world: World, workspace_id: str | None = None) -> str:
    return f"/w/{workspace_id or world.acme}/overview"


def opened(window: Window, path: str) -> Page:
    """The page once its blocks are there."""
    window.page.goto(path)
    window.page.wait_for_function("() => !document.querySelector('[data-block][aria-busy]')")
    return window.page


def number(text: str | None) -> int:
    return int(re.sub(r"\D", "", text or ""))


INK = """() => {
    const canvas = document.querySelector('.chart canvas');
    if (!canvas) return 0;
    const probe = document.body.appendChild(document.createElement('span'));
    probe.style.color = 'var(--accent)';
    const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) count += 1;
    return count;
}"""
"""How many pixels of the chart have the theme's accent."""


def test_new_contacts_are_drawn_and_their_days_lead_to_them(
    windows: Callable[..., Window], world: World, olive: Person, people: list[Any]
) -> None:
    window = windows(olive, color_scheme="light", viewport={"width": 1200, "height": 800})
    page = opened(window, overview(world))
    assert page.locator(".bar .brand-name").evaluate("mark => mark.getBBox().width") > 90  # It is drawn.
    figures = page.locator(".figure strong").all_inner_texts()
    total = world.alice.list(count=True).headers["x-total-count"]
    assert figures == [total, "20", "4"]
    rows = page.locator("[data-days] tr[data-day]")
    assert rows.count() == 90
    shown = {row.get_attribute("data-day"): int(row.get_attribute("data-count") or 0) for row in rows.all()}
    expected = [str(c["createdAt"])[:10] for c in world.alice.list(limit=1000).json()]
    assert {day: n for day, n in shown.items() if n} == {day: expected.count(day) for day in expected}

    assert page.evaluate(INK) > 100
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(f"() => ({INK})() > 100")
    page.set_viewport_size({"width": 500, "height": 800})
    page.wait_for_function("() => document.querySelector('.uplot').offsetWidth < 500")
    page.set_viewport_size({"width": 1200, "height": 800})

    page.get_by_role("link", name="30 days").click()
    page.wait_for_function("() => document.querySelectorAll('[data-days] tr[data-day]').length === 30")
    page.wait_for_function(f"() => ({INK})() > 100")
    page.get_by_text("As a table").click()
    page.locator("[data-days] a").nth(1).click()
    page.wait_for_url("**/contacts?*")
    assert page.locator("tr[data-id]").count() == 4


def test_tags_have_the_counts_of_the_api_and_lead_to_their_contacts(
    windows: Callable[..., Window], world: World, olive: Person, people: list[Any]
) -> None:
    page = opened(windows(olive), overview(world))
    shown = {
        row.get_by_role("link").inner_text(): number(row.locator(".number").inner_text())
        for row in page.locator(".bars tbody tr").all()
    }
    assert shown == {tag["name"]: tag["contactCount"] for tag in world.ada.get(
        "/v1/tags", workspaceId=world.acme).json()} == {"all": 20, "some & more": 5}  # fmt: skip
    page.get_by_role("link", name="some & more").click()
    page.wait_for_url("**/contacts?*")
    assert page.locator("tr[data-id]").count() == 5


def test_a_merged_tag_counts_each_contact_once(world: World, olive: Person, people: list[Any]) -> None:
    renamed = world.alice.request("PATCH", "/v1/tags/some%20%26%20more", {"name": "all", "merge": True})
    assert renamed.json()["contactCount"] == 20
    text = olive.get(f"{overview(world)}/tags", script=True).text
    assert re.findall(r'class="number">(\d+)<', text) == ["20"]


def test_the_coming_hours_are_those_of_the_plan(
    windows: Callable[..., Window], world: World, olive: Person, people: list[Any]
) -> None:
    window = world.alice.get("/v1/send-windows").json()[0]
    narrow = {"name": "Lunch", "channels": ["call"], "days": [{"day": "wed", "from": "12:00", "to": "13:00"}]}
    world.alice.post("/v1/send-windows", narrow)
    page = opened(windows(olive), overview(world))
    plan = world.alice.post(f"/v1/send-windows/{window['id']}/plan", {"channel": "call"}).json()
    expected = [hour["available"] for hour in plan["hours"][:24]]
    assert [number(text) for text in page.locator(".band .sum .unseen").all_text_contents()] == expected
    sums = [0] * 24
    for row in page.locator(".band tbody tr").all():
        cells = row.locator("td .unseen").all_text_contents()
        sums = [one + number(other) for one, other in zip(sums, cells, strict=True)]
    assert sums == expected
    assert "1 marked as do not contact" in page.locator("#reach").inner_text()
    offsets = [
        int(text)
        for text in re.findall(r"UTC([+-]\d\d)", page.locator("#reach").inner_text().replace("−", "-"))
    ]
    assert offsets == sorted(offsets)

    before = page.locator(".band .level-4").count()
    page.get_by_label("Send window").select_option("Lunch")
    page.wait_for_function("n => document.querySelectorAll('.band .level-4').length < n", arg=before)
    page.get_by_label("Channel").select_option("email")
    page.get_by_text("19 have no e-mail").wait_for()
    assert page.get_by_label("Send window").locator("option").all_inner_texts() == ["Default"]
    assert page.locator(".band").count() == 0


def test_a_zone_leads_to_its_contacts(world: World, olive: Person, people: list[Any]) -> None:
    text = olive.get(f"{overview(world)}/reach", script=True).text
    assert re.findall(r'<option value="(\w+)"[^>]*>([^<]+)', text) == [
        ("call", "Call"),
        ("sms", "Text message"),
        ("email", "E-mail"),
    ]
    [link] = re.findall(r'href="([^"]*)"><span class="place" title="Europe/Berlin">Berlin</span>', text)
    assert olive.get(link.replace("&amp;", "&")).text.count("<tr data-id=") == 5


def test_what_happened_lately_says_who_what_and_through_what(world: World, olive: Person) -> None:
    contact = world.alice.made(firstName="Jane", lastName="Doe", email="jane@example.com")
    olive.post(f"/w/{world.acme}/contacts/{contact['id']}", {"version": "1", "lastName": "Roe"})
    world.bob.patch(contact["id"], {"firstName": "Janet"})
    world.wendy.patch(contact["id"], {"consent": {"email": {"status": "granted"}}})
    world.wendy.batch(*({"op": "create", "data": {"phone": a_phone()}} for _ in range(30)))
    lines = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", item)) for item in items(olive, world)]
    assert len(lines) == 4
    assert "Wendy created +1415" in lines[0]
    assert "and 29 others" in lines[0]
    assert "Wendy changed Jane Roe" in lines[1]
    assert "Consent: e-mail unknown → became granted" in lines[1]
    assert "Olive changed Jane Roe" in lines[2]
    assert "Last name Doe → became Roe" in lines[2]
    assert "via the dashboard" in lines[2]
    assert "Alice created Jane Roe" in lines[3]
    assert "via the API" in lines[3]
    assert f"/contacts/{contact['id']}" in items(olive, world)[1]


def test_many_changes_at_once_are_counted_to_the_last_and_hide_none_before_them(
    world: World, olive: Person
) -> None:
    jane = world.alice.made(firstName="Jane")
    for _ in range(3):
        world.wendy.batch(*({"op": "create", "data": {"firstName": "x"}} for _ in range(150)))
    world.alice.batch(*({"op": "create", "data": {"firstName": "y"}} for _ in range(410)))
    world.alice.patch(jane["id"], {"lastName": "Doe"})
    lines = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", item)) for item in items(olive, world)]
    assert len(lines) == 4
    assert "Alice changed Jane Doe" in lines[0]
    assert re.search("Alice created y and 409 others", lines[1])
    assert re.search("Wendy created x and 449 others", lines[2])
    assert "Alice created Jane Doe" in lines[3]


def items(person: Person, world: World) -> list[str]:
    text = person.get(f"{overview(world)}/activity", script=True).text
    return re.findall(r"<li>(.*?)</li>", text, re.DOTALL)


def test_of_a_deleted_contact_only_an_admin_sees_anything(world: World, olive: Person) -> None:
    contact = world.alice.made(firstName="Secret")
    world.alice.patch(contact["id"], {"lastName": "Hidden"})
    world.alice.remove(contact["id"])
    for role in ("viewer", "editor"):
        text = "".join(items(world.person(role), world))
        assert "deleted" in text
        assert not any(word in text for word in ("Secret", "Hidden", contact["id"]))
    assert "Secret" in "".join(items(olive, world))
    world.alice.remove(contact["id"], purge=True)
    assert "Secret" not in "".join(items(olive, world))


def test_what_people_typed_shows_as_text(windows: Callable[..., Window], world: World, olive: Person) -> None:
    payloads = PAYLOADS[::18]
    world.field("Notes")
    for payload in payloads:
        made = world.alice.made(firstName=payload, tags=[payload])
        world.alice.patch(made["id"], {"customFields": {"Notes": payload}})
    window = windows(world.person(name=payloads[0]))
    window.context.add_init_script("window.booms = 0; window.boom = () => { window.booms += 1; }")
    page = opened(window, overview(world))
    assert set(page.locator(".bars th a").all_text_contents()) == set(payloads)
    names = page.locator(".lately a").all_text_contents()
    assert len(names) == 12
    assert set(names) <= set(payloads)
    for link in page.locator(".bars th a").all():
        found = olive.get(link.get_attribute("href") or "")
        assert found.text.count("data-id=") == 1
    assert page.evaluate("window.booms") == 0


def test_a_new_workspace_shows_three_things_to_do_and_ticks_them_off(
    windows: Callable[..., Window], world: World, tmp_path: Any
) -> None:
    account = world.account("New")
    fresh = world.workspace("Fresh", account_id=account)
    page = windows(world.person(account_id=account), permissions=["clipboard-read", "clipboard-write"]).page
    page.goto("/")
    page.wait_for_url(f"**{overview(world, fresh)}")
    steps = page.locator(".step")
    assert steps.locator("a").evaluate_all("links => links.map(link => link.pathname)") == [
        f"/w/{fresh}/contacts/new",
        f"/w/{fresh}/settings/custom-fields",
        f"/w/{fresh}/settings/api-keys",
    ]
    assert page.locator(".card").count() == 1
    assert "contactory demo" in page.locator(".start").inner_text()

    def done() -> list[bool]:
        page.reload()
        return [step.get_by_text("done", exact=True).count() == 1 for step in steps.all()]

    assert done() == [False, False, False]
    key = world.caller(fresh, "write", account_id=account)
    assert done() == [False, False, True]
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied.").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    assert "ctk_" not in page.content()
    if shutil.which("curl"):
        environment = {**os.environ, "CONTACTORY_KEY": key.key}
        answer = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
        assert '"timezone":"America/Los_Angeles"' in answer.stdout.replace(": ", ":")
    else:
        key.made(phone="+14155550132")
    assert done() == [True, False, True]
    assert page.locator("#growth").count() == 1
    page.goto(f"/w/{fresh}/contacts")
    assert page.locator("tr[data-id]").count() == 1
    page.goto(overview(world, fresh))
    world.field("Company", workspace_id=fresh)
    page.wait_for_timeout(1000)  # So long a process may not know of a field that another one has made.
    page.reload()
    assert page.locator(".start").count() == 0


def test_the_grid_of_a_new_workspace_leads_to_what_to_do(world: World, olive: Person) -> None:
    assert f'href="{overview(world)}"' in olive.get(f"/w/{world.acme}/contacts", script=True).text


def test_who_may_not_do_it_is_not_told_to(world: World) -> None:
    viewer, editor = world.person("viewer"), world.person("editor")
    assert "No contacts yet" in viewer.get(overview(world, world.acme_two)).text
    shown = editor.get(overview(world, world.acme_two)).text
    assert "Define a custom field" in shown
    assert "Create an API key" not in shown


def test_without_scripts_everything_is_there_in_one_piece(
    windows: Callable[..., Window], world: World, olive: Person, people: list[Any]
) -> None:
    page = windows(olive, java_script_enabled=False).page
    page.goto(overview(world))
    page.get_by_role("link", name="show them").click()
    assert page.locator("[data-days] tr[data-day]").count() == 90
    assert page.locator(".bars tbody tr").count() == 2
    assert page.locator(".band tbody tr").count() == 4
    assert page.locator(".lately li").count() > 3
    assert not page.locator(".chart").is_visible()
    page.get_by_label("Channel").select_option("email")
    page.get_by_role("button", name="Show").click()
    assert "have no e-mail" in page.locator("#reach").inner_text()
    page.get_by_role("link", name="30 days").click()
    assert page.locator("[data-days] tr[data-day]").count() == 30


def test_a_block_that_fails_says_so_and_can_be_asked_for_again(
    windows: Callable[..., Window], world: World, olive: Person, people: list[Any]
) -> None:
    window = windows(olive)
    window.expected = ("503", "net::ERR")
    problem = '{"status": 503, "detail": "Try again in a second."}'
    window.page.route("**/overview/tags", lambda route: route.fulfill(status=503, body=problem))
    page = opened(window, overview(world))
    page.unroute("**/overview/tags")
    assert page.locator(".band").count() == 1
    page.locator("#tags").get_by_role("button", name="Try again").click()
    page.locator(".bars").wait_for()


def test_very_many_are_estimated_and_that_is_said(world: World, people: list[Any]) -> None:
    catalog = world.sql.run(read_catalog(world.sql.conn, world.acme))
    assert catalog is not None
    counted = world.sql.run(count_or_estimate(world.sql.conn, catalog, EVERYTHING, 20))
    assert counted == (20, True)
    estimated = world.sql.run(count_or_estimate(world.sql.conn, catalog, EVERYTHING, 10))
    assert not estimated.exact
    assert estimated.value >= 11
    some = Compare("tags", "has", ("some & more",))
    assert world.sql.run(count_or_estimate(world.sql.conn, catalog, some, 10)) == (5, True)
    assert not world.sql.run(count_or_estimate(world.sql.conn, catalog, Not(some), 10)).exact


def test_what_is_asked_of_a_block_is_checked(world: World, olive: Person) -> None:
    for path, query in {"growth": {"days": "7"}, "reach": {"channel": "post"}}.items():
        answer: httpx.Response = olive.get(f"{overview(world)}/{path}?{urlencode(query)}", script=True)
        assert answer.status_code == 400
    unknown = olive.get(f"{overview(world)}/reach", script=True, channel="email", window="Nowhere")
    assert unknown.status_code == 200
