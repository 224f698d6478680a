"""Every page as a person meets it: in both themes, small and large, with and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from contactory.access.links import make_link
from tests.dashboard.conftest import Window
from tests.world import Person, World

PAGES = {
    "sign-in": "/sign-in",
    "set-up": "{set_up}",
    "not found": "/w/{acme}/contacts/x",
    "unreadable": "/w/{acme}/contacts?where=email:is:x&where=x&sort=x&availableNow=fax",
    "unread": "/w/{acme}/overview?whole=x",
    "overview": "/w/{acme}/overview",
    "whole overview": "/w/{acme}/overview?whole=1",
    "first minute": "/w/{acme_two}/overview",
    "filtered": "/w/{acme}/contacts?where=tags:has:vip",
    "nobody": "/w/{acme}/contacts?q=nobody",
    "no contacts": "/w/{acme_two}/contacts",
    "contacts": "/w/{acme}/contacts",
    "sorted": "/w/{acme}/contacts?sort=firstName&availableNow=call",
    "contact": "/w/{acme}/contacts/{contact}",
    "deleted contact": "/w/{acme}/contacts/{deleted}",
    "new contact": "/w/{acme}/contacts/new",
    "workspace": "/w/{acme}/settings/workspace",
    "new workspace": "/w/{acme}/settings/workspace/new",
    "custom fields": "/w/{acme}/settings/custom-fields",
    "no custom fields": "/w/{acme_two}/settings/custom-fields",
    "custom field": "/w/{acme}/settings/custom-fields/{field}",
    "custom field's end": "/w/{acme}/settings/custom-fields/{field}/delete",
    "tags": "/w/{acme}/settings/tags",
    "no tags": "/w/{acme_two}/settings/tags",
    "tag": "/w/{acme}/settings/tags/{tag}",
    "API keys": "/w/{acme}/settings/api-keys",
    "people": "/w/{acme}/settings/people",
    "person": "/w/{acme}/settings/people/{person}",
    "account": "/w/{acme}/settings/account",
    "send windows": "/w/{acme}/settings/send-windows",
    "send window": "/w/{acme}/settings/send-windows/{window}",
    "jobs": "/w/{acme}/settings/jobs",
    "no jobs": "/w/{acme_two}/settings/jobs",
    "job": "/w/{acme}/settings/jobs/{job}",
    "new send window": "/w/{acme}/settings/send-windows/new?preset=fr",
}
OUTSIDE = ("sign-in", "set-up")
"""Pages of those who are not signed in."""


@pytest.fixture
def paths(world: World) -> dict[str, str]:
    """Where each page is, of a workspace with something in it."""
    for name, kind in {"Lead Source": "text", "MRR": "number", "Born": "date", "Vip": "boolean"}.items():
        world.field(name, kind)
    contact = world.alice.made(
        firstName="محمد",
        lastName="Doe",
        phone="+14155551234",
        email="m@example.com",
        tags=["vip", "gold"],
        customFields={"Lead Source": "Fair", "MRR": 5, "Born": "1980-01-31", "Vip": True},
    )
    world.alice.patch(contact["id"], {"lastName": "Roe", "tags": ["new"]})
    gone = world.alice.made(firstName="Gone")
    world.alice.remove(gone["id"])
    set_up = world.sql.run(make_link(world.sql.conn, "set-up", world.account_id))
    given = {"acme": world.acme, "acme_two": world.acme_two, "set_up": set_up}
    window = world.alice.post("/v1/send-windows", {"preset": "fr", "holidays": ["2026-12-25"]}).json()
    given |= {"window": window["id"], "person": world.person("viewer", name="محمد").user_id}
    given |= {"contact": contact["id"], "deleted": gone["id"]}
    given["job"] = world.job()
    world.sql.execute(
        """update jobs set status = 'running', done = 2500, total = 5210, result = '{"failed": 1}'
            where id = $1""",
        given["job"],
    )
    world.sql.execute(
        """insert into job_problems (workspace_id, job_id, contact_id, problem)
           select workspace_id, id, $2, $3 from jobs where id = $1""",
        given["job"],
        contact["id"],
        world.alice.create({"fistName": "x"}).text,
    )
    given["field"] = world.alice.get("/v1/custom-fields").json()[0]["id"]
    query = "select id from tags where workspace_id = $1 and name = 'vip'"
    given["tag"] = str(world.sql.value(query, world.acme))
    return {name: path.format(**given) for name, path in PAGES.items()}


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_nothing_is_cut_off_at_320_pixels(
    windows: Callable[..., Window], olive: Person, paths: dict[str, str], scripts: bool
) -> None:
    narrow: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "java_script_enabled": scripts}
    inside, outside = windows(olive, **narrow), windows(**narrow)
    inside.expected = ("status of 404",)
    for name, path in paths.items():
        window = outside if name in OUTSIDE else inside
        window.page.goto(path)
        assert window.page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert window.page.get_by_role("heading", level=1).count() == 1, name


def test_the_theme_is_switched_at_once_and_kept(windows: Callable[..., Window], olive: Person) -> None:
    page = windows(olive, color_scheme="light").page
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_somebody_signs_in_and_out_by_keyboard(windows: Callable[..., Window], world: World) -> None:
    path = world.sql.run(make_link(world.sql.conn, "set-up", world.account_id))
    page = windows().page
    page.goto(path)
    expect(page.get_by_label("Your name")).to_be_focused()
    page.keyboard.type("Olive")
    page.keyboard.press("Tab")
    page.keyboard.type(f"olive-{world.acme[-6:]}@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")
    page.get_by_label("Your account: Olive").press("Enter")
    page.get_by_role("button", name="Sign out").press("Enter")
    page.wait_for_url("**/sign-in")
    assert "sign-in" in page.title().lower() or page.get_by_role("heading", name="Sign in").is_visible()


def test_further_contacts_come_as_one_scrolls(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {i}"}} for i in range(120)))
    page = windows(olive).page
    page.goto(f"/w/{world.acme}/contacts")
    rows = page.locator("tr[data-id]")
    assert rows.count() == 50
    for expected in (100, 120):
        page.locator("tr.more").scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('tr[data-id]').length === n", arg=expected)
    names = rows.locator("[data-key=firstName] .value").all_inner_texts()
    assert len(set(names)) == 120


def test_further_contacts_come_by_a_link_without_scripts(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    world.alice.batch(*({"op": "create", "data": {"firstName": f"Jane {i}"}} for i in range(60)))
    page = windows(olive, java_script_enabled=False).page
    page.goto(f"/w/{world.acme}/contacts")
    page.get_by_role("link", name="Show more").click()
    assert page.locator("tr[data-id]").count() == 10
    assert page.get_by_role("heading", name="Contacts").is_visible()
