"""A page whose session is over, or another one, over HTTP: the right words, and nothing is lost."""

import html
import re

import httpx
import pytest

from contactory.dashboard import visits
from contactory.dashboard.csrf import masked
from tests.dashboard.test_contact_page import at
from tests.world import PASSWORD, Person, World


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def session_of(http: httpx.Client, person: Person, **more: str) -> httpx.Response:
    return http.get("/sign-in", headers={**person.cookie, "hx-request": "true", **more})


def test_a_form_of_a_session_that_is_over_leads_to_the_sign_in_and_not_to_cookies(
    world: World, olive: Person
) -> None:
    made = world.alice.made(firstName="Jane")
    olive.post("/sign-out")
    for path in (at(world, made["id"]), f"/w/{world.acme}/settings/workspace"):
        answer = olive.post(path, {"firstName": "x"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        answer = olive.post(path, {"firstName": "x"}, hx_request="true")
        assert (answer.status_code, answer.json()["detail"]) == (401, "You are signed out: sign in again.")
    # A page that is still open can also be signed out once more.
    assert visits.SIGNED_OUT in html.unescape(olive.post("/sign-out").text)
    answer = olive.post("/sign-out", cookie="__Host-contactory-form=x")
    assert visits.SIGNED_OUT in html.unescape(answer.text)


def test_a_form_of_an_earlier_session_can_be_sent_again(world: World, olive: Person) -> None:
    world.field("Notes")
    num = world.sql.value("select 'field-' || num from custom_fields where workspace_id = $1", world.acme)
    path, stale = at(world, "new"), masked("secret-of-an-earlier-session", olive.user_id)
    typed = {"firstName": 'J"<b>&', num: "\r\none\r\n\r\ntwo ", "tags": "a\r\nb"}
    answer = olive.post(path, typed, x_csrf_token=stale)
    assert answer.status_code == 403
    assert visits.STALE in answer.text
    assert "cookie" not in answer.text
    assert f'action="{path}"' in answer.text
    texts = re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', answer.text, re.DOTALL)
    again = {name: html.unescape(text) for name, text in texts}
    assert again == typed
    [csrf] = re.findall(r'name="csrf" value="([^"]+)"', answer.text)
    made = olive.post(path, {**again, "csrf": csrf}, x_csrf_token="")
    assert made.status_code == 303
    contact = world.alice.read(made.headers["location"].partition("?")[0].rpartition("/")[2])
    assert (contact["firstName"], contact["tags"]) == ('J"<b>&', ["a", "b"])


def test_the_form_of_one_user_is_not_sent_by_another(world: World, olive: Person) -> None:
    oscar, path = world.person(name="Oscar"), at(world, "new")
    for stale in (masked("secret-of-an-earlier-session", oscar.user_id), masked("secret-before-that"), "."):
        answer = olive.post(path, {"firstName": "Jane"}, x_csrf_token=stale)
        assert answer.status_code == 403
        assert visits.STRANGER in answer.text
        assert "Jane" not in answer.text


def test_a_password_is_not_written_into_a_page(world: World, olive: Person) -> None:
    form = {"current": PASSWORD, "password": "battery staple", "again": "battery staple"}
    answer = olive.post(f"/w/{world.acme}/settings/account/password", form, x_csrf_token="stale")
    assert answer.status_code == 403
    assert PASSWORD not in answer.text
    assert "battery" not in answer.text
    assert visits.STALE not in answer.text


def test_a_script_learns_that_its_page_is_of_an_earlier_session(
    world: World, http: httpx.Client, olive: Person
) -> None:
    made = world.alice.made(firstName="Jane")
    path, form = at(world, made["id"], "row"), {"firstName": "June"}
    answer = olive.post(path, form, x_csrf_token="stale", hx_request="true")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "stale_form")
    found = session_of(http, olive)
    assert found.json()["user"] == {"id": olive.user_id, "name": "Olive"}
    assert found.headers["cache-control"] == "no-store"
    answer = olive.post(path, form, x_csrf_token=found.json()["csrf"], hx_request="true")
    assert answer.status_code == 200
    olive.post("/sign-out")
    found = session_of(http, olive)
    assert found.json()["user"] is None
    assert "__Host-contactory-form" in found.headers["set-cookie"]
