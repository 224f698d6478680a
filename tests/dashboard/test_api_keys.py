"""The page of API keys: made, shown once, used, revoked."""

import html
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Window
from tests.dashboard.test_contact_page import PAYLOADS as ALL
from tests.world import Caller, Person, World

PAYLOADS = [payload for payload in ALL if "<" in payload]


def at(world: World, *more: str, workspace_id: str | None = None) -> str:
    return "/".join((f"/w/{workspace_id or world.acme}/settings/api-keys", *more))


def secrets_in(answer: httpx.Response) -> list[str]:
    return re.findall(r">(ctk_(?:live|test)_\w{38})<", answer.text)


def make(person: Person, world: World, workspace_id: str | None = None, /, **form: str) -> str:
    """The secret of a new key."""
    answer = person.post(at(world, workspace_id=workspace_id), form)
    assert answer.status_code == 200, answer.text
    [secret] = secrets_in(answer)
    return secret


def stored(world: World, secret: str) -> Any:
    """How the API shows the key with that secret."""
    [found] = [k for k in world.ada.get("/v1/api-keys").json() if secret.startswith(k["prefix"])]
    return found


def test_a_key_is_made_copied_used_and_revoked(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    window = windows(olive)
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = window.page
    page.goto(at(world))
    page.get_by_text("Create a key").click()
    page.get_by_label("Name").fill("Website form")
    page.get_by_label("read", exact=False).first.check()
    page.get_by_role("button", name="Create key").click()
    page.wait_for_load_state()
    secret = page.get_by_label("API key", exact=True).input_value()
    website = Caller(world.http, secret, world.acme)
    assert website.list().json() == []
    assert website.create({"firstName": "Jane"}).status_code == 403
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("status").get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert secret in page.get_by_label("Try it in a terminal").input_value()
    assert secret not in page.url

    page.reload()
    assert secret not in page.content()
    keys = page.get_by_role("list", name="Keys that work").get_by_role("listitem")
    expect(keys.filter(has_text="Website form")).to_have_count(1)
    mine = keys.filter(has_text="Website form")
    expect(mine).to_contain_text("by Olive")
    mine.get_by_text("Revoke…").press("Enter")
    expect(mine).to_contain_text("are refused (401) within a second.")
    mine.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_role("status").get_by_text("API key revoked.")).to_be_visible()
    expect(keys.filter(has_text="Website form")).to_have_count(0)
    assert "done" not in page.url
    assert website.list().status_code == 401


def test_a_key_is_made_and_revoked_without_scripts(
    windows: Callable[..., Window], world: World, olive: Person
) -> None:
    page = windows(olive, java_script_enabled=False).page
    page.goto(at(world))
    page.get_by_text("Create a key").click()
    page.get_by_label("Name").fill("Plain")
    page.get_by_role("button", name="Create key").click()
    caller = Caller(world.http, page.get_by_label("API key", exact=True).input_value(), world.acme)
    assert caller.create({"firstName": "Jane"}).status_code == 201
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_label("Revoke Plain").click()
    page.get_by_role("button", name="Revoke key").first.click()
    expect(page.locator("[data-status]")).to_contain_text("API key revoked.")
    assert caller.list().status_code == 401


def test_a_key_revoked_here_stops_elsewhere_within_a_second(
    world: World, olive: Person, second_http: httpx.Client
) -> None:
    secret = make(olive, world, name="Short")
    there = Caller(second_http, secret, world.acme)
    assert there.list().status_code == 200
    olive.post(at(world, stored(world, secret)["id"], "revoke"))
    time.sleep(1)
    assert there.list().status_code == 401


def test_the_secret_is_in_one_answer_that_nothing_keeps(world: World, olive: Person) -> None:
    answer = olive.post(at(world), {"name": "Once"})
    [secret] = secrets_in(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers
    assert secret not in olive.get(at(world)).text
    assert f"{secret[:12]}…" in olive.get(at(world)).text


def test_a_key_has_what_was_chosen_and_the_curl_works_by_it(world: World, olive: Person) -> None:
    form = {"name": " Dialler ", "permission": "admin", "scope": "account", "expiresAt": "2099-01-31"}
    answer = olive.post(at(world), {**form, "rateLimit": "2.5", "rateBurst": "10"})
    [secret] = secrets_in(answer)
    shown = stored(world, secret)
    assert shown["name"] == "Dialler"
    assert (shown["scope"], shown["permission"], shown["mode"]) == ("account", "admin", "live")
    assert (shown["rateLimit"], shown["rateBurst"]) == (2.5, 10)
    assert shown["expiresAt"] == "2099-01-31T23:59:59Z"
    curl = re.search(r'curl -s "([^"]+)" -H "Authorization: (Bearer \w+)"', html.unescape(answer.text))
    assert curl
    assert httpx.get(curl[1], headers={"authorization": curl[2]}).json() == []


def test_a_key_has_the_mode_of_its_workspace(world: World, olive: Person) -> None:
    secret = make(olive, world, world.acme_test, name="Trial")
    assert secret.startswith("ctk_test_")
    assert Caller(world.http, secret, world.acme_test).list().status_code == 200
    assert "Trial" not in olive.get(at(world)).text


WRONG = [
    ({"name": "x" * 256}, 400, "must have 1 to 255 characters"),
    ({"permission": "all"}, 400, "must be one of read, write, admin"),
    ({"scope": "world"}, 400, "must be one of workspace, account"),
    ({"expiresAt": "2020-01-31"}, 409, "must be in the future"),
    ({"expiresAt": "soon"}, 400, "must be an RFC 3339 timestamp"),
    ({"rateLimit": "much"}, 400, "must be a number or null"),
    ({"rateLimit": "0"}, 400, "must be more than 0"),
    ({"rateLimit": "NaN"}, 400, "must be a number or null"),
    ({"rateBurst": "1.5"}, 400, "must be a whole number"),
]


@pytest.mark.parametrize(("form", "status", "text"), WRONG)
def test_what_is_wrong_is_said_in_the_words_of_the_api(
    world: World, olive: Person, form: dict[str, str], status: int, text: str
) -> None:
    before = len(world.ada.get("/v1/api-keys").json())
    answer = olive.post(at(world), {"name": "Kept", **form})
    assert answer.status_code == status
    assert text in html.unescape(answer.text)
    assert "Kept" in answer.text or "name" in form
    assert secrets_in(answer) == []
    assert len(world.ada.get("/v1/api-keys").json()) == before


def test_who_made_a_key_and_what_became_of_it_is_shown(world: World, olive: Person) -> None:
    world.alice.post("/v1/api-keys", {"name": "From a program"})
    old = world.caller(world.acme, name="Old", expires_at=datetime.now(UTC) - timedelta(days=1))
    world.caller(world.acme_two, name="Of another workspace")
    text = olive.get(at(world)).text
    working, ended = text.split('aria-label="Revoked and expired keys"')
    assert 'by <span dir="auto">Alice</span>' in working
    assert "Old" not in working
    assert "Old" in ended
    assert "Revoked" in ended
    assert f"{old.key_id}/revoke" not in text
    assert "Of another workspace" not in text
    assert "Ada" in working


def test_revoking_says_when_the_key_was_last_used(world: World, olive: Person) -> None:
    key = world.caller(world.acme, name="Used")
    rows = re.findall(r"<li class=\"row.*?</li>", olive.get(at(world)).text, re.DOTALL)
    [row] = [row for row in rows if key.key_id in row]
    assert "It has never been used." in row
    moment = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)
    world.sql.execute("update api_keys set last_used_at = $2 where id = $1", key.key_id, moment)
    used = 'It was last used <time datetime="2026-01-31T12:30:00Z">'
    assert olive.get(at(world)).text.count(used) == 1


def test_whoever_is_limited_has_nothing_to_do_with_keys_of_the_account(world: World) -> None:
    limited = world.person("admin", workspace_ids=[world.acme])
    page = limited.get(at(world)).text
    assert "Alice" in page
    assert "Ada" not in page
    assert 'value="account"' not in page
    assert limited.post(at(world), {"name": "More", "scope": "account"}).status_code == 403
    assert limited.post(at(world, world.ada.key_id, "revoke")).status_code == 404
    assert world.ada.get("/v1/workspaces").status_code == 200
    make(limited, world, name="Mine")


def test_a_key_of_another_workspace_is_not_there(world: World, olive: Person) -> None:
    elsewhere = world.caller(world.acme_two, name="Elsewhere")
    for key_id in (elsewhere.key_id, world.carol.key_id, world.tom.key_id, "x"):
        assert olive.post(at(world, key_id, "revoke")).status_code == 404
    assert elsewhere.at(world.http).get("/v1/tags").status_code == 200
    assert olive.post(at(world, world.alice.key_id, "revoke")).status_code == 303
    assert world.alice.list().status_code == 401


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_name_of_a_key_shows_as_text(world: World, olive: Person, payload: str) -> None:
    for answer in (
        olive.post(at(world), {"name": payload}),
        olive.get(at(world)),
        olive.post(at(world), {"name": payload, "permission": payload, "expiresAt": payload}),
    ):
        assert payload not in answer.text
        assert html.escape(payload, quote=False).replace('"', "&#34;").replace("'", "&#39;") in answer.text
