"""Signing in and out: the cookie, the forms, and what stands in the way of guessing."""

import re
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from contactory.access.passwords import Passwords
from contactory.dashboard.csrf import carries
from tests.servers import Sql
from tests.world import Person, World

PASSWORD = "correct horse battery"
SESSION, FORM = "__Host-contactory", "__Host-contactory-form"


@pytest.fixture(scope="module")
def stored(sql: Sql) -> str:
    """What is stored of PASSWORD."""
    return sql.run(Passwords().hash(PASSWORD))


@pytest.fixture(autouse=True)
def _no_failures_yet(sql: Sql) -> None:
    sql.execute("delete from sign_in_failures")


@pytest.fixture
def olive(world: World, stored: str) -> Person:
    person = world.person()
    world.sql.execute("update users set password_hash = $2 where id = $1", person.user_id, stored)
    return person


def cookies_set(answer: httpx.Response) -> dict[str, str]:
    """Name and the rest of every cookie that an answer sets."""
    return dict(line.split("=", 1) for line in answer.headers.get_list("set-cookie"))


def opened(http: httpx.Client, path: str = "/sign-in") -> dict[str, Any]:
    """Opens a form; gives what it takes to send it."""
    page = http.get(path)
    secret = cookies_set(page)[FORM].partition(";")[0]
    [written] = set(re.findall(r'name="csrf" value="([^"]+)"', page.text))
    assert carries(written, secret)
    return {"headers": {"cookie": f"{FORM}={secret}", "sec-fetch-site": "same-origin"}, "csrf": secret}


def sign_in(
    http: httpx.Client, email: str, password: str = PASSWORD, target: str = "/", **headers: Any
) -> httpx.Response:
    form = opened(http)
    data = {"csrf": form["csrf"], "next": target, "email": email, "password": password}
    return http.post("/sign-in", data=data, headers={**form["headers"], **headers})


def session_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return cookies_set(answer)[SESSION].partition(";")[0]


def sees(http: httpx.Client, secret: str, path: str) -> int:
    return http.get(path, headers={"cookie": f"{SESSION}={secret}"}).status_code


def test_a_right_password_opens_a_session(http: httpx.Client, world: World, olive: Person) -> None:
    answer = sign_in(http, olive.email.upper())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    secret = session_of(answer)
    home = http.get("/", headers={"cookie": f"{SESSION}={secret}"})
    assert home.headers["location"] == f"/w/{world.acme}/overview"
    assert sees(http, secret, f"/w/{world.acme}/contacts") == 200


def test_the_cookie_goes_nowhere_else(http: httpx.Client, olive: Person) -> None:
    attributes = cookies_set(sign_in(http, olive.email))[SESSION].split("; ")[1:]
    assert attributes == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"]


def test_the_database_holds_no_secret_that_signs_in(sql: Sql, http: httpx.Client, olive: Person) -> None:
    secret = session_of(sign_in(http, olive.email))
    kept = "".join(str(tuple(row)) for row in sql.fetch("select * from sessions, users"))
    assert secret not in kept
    assert PASSWORD not in kept
    assert sql.value("select password_hash from users where id = $1", olive.user_id).startswith("$argon2id$")


def test_signing_in_makes_a_new_secret_and_ends_the_old(
    http: httpx.Client, world: World, olive: Person
) -> None:
    form = {"next": "/", "email": olive.email, "password": PASSWORD}
    fresh = session_of(olive.post("/sign-in", form))
    assert fresh != olive.secret
    assert sees(http, fresh, f"/w/{world.acme}/contacts") == 200
    assert sees(http, olive.secret, f"/w/{world.acme}/contacts") == 303


def test_signing_out_ends_the_session_here_and_in_the_browser(
    http: httpx.Client, world: World, olive: Person
) -> None:
    answer = olive.post("/sign-out")
    assert "Max-Age=0" in cookies_set(answer)[SESSION]
    assert sees(http, olive.secret, f"/w/{world.acme}/contacts") == 303


def test_who_is_signed_out_is_led_to_the_sign_in_and_back(
    http: httpx.Client, world: World, olive: Person
) -> None:
    path = f"/w/{world.acme}/contacts"
    led = http.get(f"{path}?cursor=a{'0' * 46}")
    assert led.status_code == 303
    target = httpx.URL(led.headers["location"]).params["next"]
    assert target == f"{path}?cursor=a{'0' * 46}"
    assert f'value="{target}"' in http.get(led.headers["location"]).text
    assert sign_in(http, olive.email, target=target).headers["location"] == target


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/\r\nx: y", "javascript:x"]
)
def test_the_way_back_leads_to_no_other_site(http: httpx.Client, olive: Person, target: str) -> None:
    assert sign_in(http, olive.email, target=target).headers["location"] == "/"
    shown = http.get("/sign-in", params={"next": target}).text
    assert 'name="next" value="/"' in shown


def test_a_script_is_told_that_nobody_is_signed_in(http: httpx.Client, world: World) -> None:
    answer = http.get(f"/w/{world.acme}/contacts", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert answer.json()["type"] == "/errors/unauthorized"


@pytest.mark.parametrize("cookie", ["x", "", "\u00e9", "a" * 5000, "'; drop table users; --"])
def test_a_cookie_that_is_none_of_ours_signs_nobody_in(http: httpx.Client, world: World, cookie: str) -> None:
    headers = {b"cookie": f"{SESSION}={cookie}".encode()}
    assert http.get(f"/w/{world.acme}/contacts", headers=headers).status_code == 303


def test_sessions_end_when_they_are_not_used(sql: Sql, http: httpx.Client, world: World) -> None:
    olive = world.person()
    path = f"/w/{world.acme}/contacts"
    age = "update sessions set seen_at = now() - interval '{}', expires_at = now() + interval '{}'"
    sql.execute(f"{age.format('13 days', '1 day')} where user_id = $1", olive.user_id)
    assert olive.get(path).status_code == 200
    left = "select expires_at - now() > interval '13 days 23 hours' from sessions where user_id = $1"
    assert sql.value(left, olive.user_id)
    sql.execute("update sessions set expires_at = now() where user_id = $1", olive.user_id)
    assert olive.get(path).status_code == 303


def test_no_session_lasts_for_ever(sql: Sql, world: World) -> None:
    olive = world.person()
    sql.execute(
        """update sessions set created_at = now() - interval '89 days', seen_at = now() - interval '1 day'
            where user_id = $1""",
        olive.user_id,
    )
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 200
    left = sql.value(
        "select expires_at - now() < interval '2 days' from sessions where user_id = $1", olive.user_id
    )
    assert left


def test_who_is_disabled_is_signed_out_at_once_and_cannot_come_back(
    sql: Sql, http: httpx.Client, world: World, olive: Person
) -> None:
    sql.execute("update users set disabled_at = now() where id = $1", olive.user_id)
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 303
    assert sign_in(http, olive.email).status_code == 400


# Forms that are not ours.

OTHER_SITES = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "", "origin": "https://evil.example"},
]


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/theme", "/set-up/x", "/invite/x", "/reset/x"])
def test_what_another_site_sends_is_refused(http: httpx.Client, world: World, path: str) -> None:
    olive = world.person()
    own = {**olive.cookie, "x-csrf-token": olive.csrf}
    for headers in OTHER_SITES:
        answer = http.post(path, headers={**own, **headers}, data={"next": "/"})
        assert answer.status_code == 403, headers
        assert "another site" in answer.text
    assert http.post(path, headers=own).status_code == 403
    evil = {**own, "origin": "https://evil.example"}
    assert http.post(path, headers=evil).status_code == 403


@pytest.mark.parametrize("token", ["", "x", "\u00e9"])
def test_a_form_without_its_secret_is_refused(http: httpx.Client, world: World, token: str) -> None:
    olive = world.person()
    for path in ("/sign-in", "/sign-out", "/theme"):
        headers = {**olive.cookie, "sec-fetch-site": "same-origin"}
        answer = http.post(path, headers=headers, data={"csrf": token})
        assert answer.status_code == 403
        assert "open the page again" in answer.text
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 200


def test_the_secret_of_another_session_is_none(world: World) -> None:
    olive, other = world.person(), world.person()
    assert olive.post("/sign-out", x_csrf_token=other.csrf).status_code == 403
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 200


def test_a_browser_without_the_newer_header_is_told_by_its_origin(http: httpx.Client, olive: Person) -> None:
    host = http.base_url.netloc.decode()
    form = opened(http)
    data = {"csrf": form["csrf"], "next": "/", "email": olive.email, "password": PASSWORD}
    headers = {"cookie": form["headers"]["cookie"], "origin": f"http://{host}"}
    assert http.post("/sign-in", data=data, headers=headers).status_code == 303


def test_who_keeps_no_cookies_is_told_why_it_does_not_work(http: httpx.Client) -> None:
    form = {"csrf": "x", "email": "a@b.example", "password": PASSWORD}
    answer = http.post("/sign-in", data=form, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 403
    assert "http://localhost" in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"email=%ff", "application/x-www-form-urlencoded", 400),
        (b"email=%00", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"x=" + b"y" * 1_100_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_a_form_that_is_none_is_refused(
    http: httpx.Client, world: World, content: bytes, kind: str, status: int
) -> None:
    olive = world.person()
    headers = {**olive.cookie, "sec-fetch-site": "same-origin", "x-csrf-token": olive.csrf}
    answer = http.post("/sign-out", content=content, headers={**headers, "content-type": kind})
    assert answer.status_code == status


def test_a_password_is_the_same_however_its_letters_are_composed(
    http: httpx.Client, world: World, olive: Person
) -> None:
    composed, apart = "caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", "cafe\u0301 cre\u0300me bru\u0302le\u0301e"
    change = {"current": PASSWORD, "password": apart, "again": apart}
    changed = olive.post(f"/w/{world.acme}/settings/account/password", change)
    assert changed.status_code == 303
    assert sign_in(http, olive.email, composed).status_code == 303
    assert sign_in(http, olive.email, apart).status_code == 303
    assert sign_in(http, olive.email, "cafe creme brulee").status_code == 400
    # An earlier release hashed it as it was typed.
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(apart)
    world.sql.execute("update users set password_hash = $2 where id = $1", olive.user_id, hashed)
    assert sign_in(http, olive.email, apart).status_code == 303


def test_a_long_password_counts_to_its_last_character(
    http: httpx.Client, world: World, olive: Person
) -> None:
    path, long = f"/w/{world.acme}/settings/account/password", "x" * 1024
    refused = olive.post(path, {"current": PASSWORD, "password": long + "x", "again": long + "x"})
    assert "must have 10 to 1,024 characters" in refused.text
    assert olive.post(path, {"current": PASSWORD, "password": long, "again": long}).status_code == 303
    assert sign_in(http, olive.email, long).status_code == 303
    for wrong in (long[:256], long[:1023], long[:1023] + "y"):
        assert "is not correct" in sign_in(http, olive.email, wrong).text
    answer = sign_in(http, olive.email, long + "x")
    assert (answer.status_code, "at most 1,024 characters" in answer.text) == (400, True)


def test_the_longest_password_is_right_however_its_letters_are_composed(
    http: httpx.Client, world: World, olive: Person
) -> None:
    path, composed, apart = f"/w/{world.acme}/settings/account/password", "\u00e9" * 1024, "e\u0301" * 1024
    change = {"current": PASSWORD, "password": apart, "again": apart}
    assert olive.post(path, change).status_code == 303
    for typed in (composed, apart):
        assert sign_in(http, olive.email, typed).status_code == 303
    assert olive.post(path, {"current": apart, "password": PASSWORD, "again": PASSWORD}).status_code == 303


def test_a_password_of_any_length_is_answered(http: httpx.Client, olive: Person) -> None:
    assert sign_in(http, olive.email, "x" * 100_000).status_code == 400
    assert sign_in(http, "x" * 100_000, "x").status_code == 400


def test_the_theme_is_chosen_without_scripts(world: World) -> None:
    olive = world.person()
    answer = olive.post("/theme", {"theme": "dark", "next": "/w"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/w")
    assert cookies_set(answer)["contactory-theme"].startswith("dark;")
    headers = {"cookie": f"{olive.cookie['cookie']}; contactory-theme=dark"}
    page = olive.http.get(f"/w/{world.acme}/contacts", headers=headers)
    assert 'data-theme="dark"' in page.text
