"""One's own account on its page: name, password, sessions."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from contactory.access.browsers import browser_of
from tests.access.test_sign_in import SESSION, cookies_set, sign_in
from tests.dashboard.conftest import Window
from tests.world import PASSWORD, Person, World

Windows = Callable[..., Window]


def account(world: World, *more: str) -> str:
    return "/".join((f"/w/{world.acme}/settings/account", *more))


def opened(world: World, person: Person) -> str:
    """The secret of another session of theirs."""
    answer = sign_in(world.http, person.email, **{"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    return cookies_set(answer)[SESSION].partition(";")[0]


def inside(world: World, secret: str) -> bool:
    headers = {"cookie": f"{SESSION}={secret}"}
    return world.http.get(f"/w/{world.acme}/contacts", headers=headers).status_code == 200


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(windows: Windows, world: World) -> None:
    vi = world.person("viewer", name="Vi")
    elsewhere = opened(world, vi)
    page = windows(vi).page
    page.goto("/")
    page.get_by_label("Your account: Vi").click()
    page.get_by_role("link", name="Your account").click()
    sessions = page.get_by_role("list", name="Where you are signed in").get_by_role("listitem")
    expect(sessions).to_have_count(2)
    expect(sessions.nth(1)).to_contain_text("Firefox on Linux")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("battery staple")
    page.get_by_label("New password again").fill("battery staple")
    page.get_by_label("New password again").press("Enter")
    expect(page.get_by_role("status").get_by_text("Password changed")).to_be_visible()
    expect(sessions).to_have_count(1)
    assert not inside(world, elsewhere)
    assert not inside(world, vi.secret)  # The session has a new secret.
    assert sign_in(world.http, vi.email).status_code == 400
    assert sign_in(world.http, vi.email, "battery staple").status_code == 303


def test_the_password_is_changed_by_the_present_one_alone(world: World) -> None:
    world.sql.execute("delete from sign_in_failures")
    vi = world.person("viewer")
    good = {"current": PASSWORD, "password": "battery staple", "again": "battery staple"}
    for wrong, text in (
        ({"current": "guess"}, "This is not your password"),
        ({"again": "something else"}, "The two passwords are not the same"),
        ({"password": "short", "again": "short"}, "must have 10 to 1,024 characters"),
    ):
        answer = vi.post(account(world, "password"), good | wrong)
        assert answer.status_code == 400
        assert text in answer.text
    assert inside(world, vi.secret)
    for _ in range(10):
        answer = vi.post(account(world, "password"), good | {"current": "guess"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert vi.post(account(world, "password"), good).status_code == 429
    world.sql.execute("delete from sign_in_failures")


def test_the_other_sessions_are_ended_on_their_own(world: World) -> None:
    vi = world.person("viewer")
    elsewhere = opened(world, vi)
    assert "Sign out everywhere else" in vi.get(account(world)).text
    assert vi.post(account(world, "sessions")).status_code == 303
    assert not inside(world, elsewhere)
    assert inside(world, vi.secret)
    assert "Sign out everywhere else" not in vi.get(account(world)).text


def test_a_new_name_shows_in_the_history(world: World) -> None:
    ed = world.person("editor", name="Ed")
    made = world.alice.made()
    ed.post(f"/w/{world.acme}/contacts/{made['id']}", {"firstName": "June"})
    assert ed.post(account(world), {"name": " "}).status_code == 400
    assert ed.post(account(world), {"name": " Eddie "}).status_code == 303
    assert world.alice.history(made["id"]).json()[0]["actor"]["name"] == "Eddie"


AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36": "Chrome on Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140 Safari/537.36 Edg/140": "Edge on Windows",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18 Safari/605": "Safari on macOS",
    "Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari/537.36": "Chrome on Android",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140 Safari": "Chrome on iPhone",
    "curl/8": "Unknown browser",
}


@pytest.mark.parametrize(("agent", "name"), [*AGENTS.items(), (None, "Unknown browser")])
def test_a_browser_is_named_as_its_user_knows_it(agent: str | None, name: str) -> None:
    assert browser_of(agent) == name
