"""The country of phones without a country code is asked for where the first such phone is typed."""

import re

import httpx

from contactory.access.links import make_link
from tests.access.test_sign_in import opened
from tests.world import Person, World, an_email


def chosen(page: str) -> str:
    """The country that a page proposes."""
    return "".join(re.findall(r'<option value="([A-Z]{2})" selected>', page))


def browsing(person: Person, path: str, language: str) -> httpx.Response:
    return person.http.get(path, headers={**person.cookie, "accept-language": language})


def test_the_first_phone_without_a_country_code_is_read_in_the_country_that_is_chosen(world: World) -> None:
    olive, path = world.person(), f"/w/{world.acme}/contacts/new"
    phone = {"firstName": "Jane", "phone": "(415) 555-0132"}
    page = browsing(olive, path, "en-US,en;q=0.9").text
    assert chosen(page) == "US"
    assert "Default country" in page
    for language, country in (("de,de-AT;q=0.9", "AT"), ("zh-Hant-TW", "TW"), ("en", ""), ("xx-ZZ, *", "")):
        assert chosen(browsing(olive, path, language).text) == country, language
    # Nothing is stored before it is needed.
    with_code = {"phone": "+44 20 7946 0958", "defaultCountry": "US"}
    assert olive.post(path, with_code).status_code == 303
    assert world.ada.get(f"/v1/workspaces/{world.acme}").json()["country"] is None
    refused = olive.post(path, {**phone, "defaultCountry": ""})
    assert refused.status_code == 400
    assert "has no country code" in refused.text
    made = olive.post(path, {**phone, "defaultCountry": "US"})
    assert made.status_code == 303
    contact = world.alice.read(made.headers["location"].partition("?")[0].rpartition("/")[2])
    assert (contact["phone"], contact["timezone"]) == ("+14155550132", "America/Los_Angeles")
    assert world.ada.get(f"/v1/workspaces/{world.acme}").json()["country"] == "US"
    # Once it is known, the question is gone, and a form cannot change the answer.
    assert "without a country code" not in olive.get(path).text
    assert olive.post(path, {"phone": "030 901820", "defaultCountry": "DE"}).status_code == 400
    assert world.ada.get(f"/v1/workspaces/{world.acme}").json()["country"] == "US"


def test_an_editor_neither_sees_nor_answers_the_question(world: World) -> None:
    eddy, path = world.person("editor"), f"/w/{world.acme}/contacts/new"
    assert "without a country code" not in eddy.get(path).text
    assert eddy.post(path, {"phone": "(415) 555-0132", "defaultCountry": "US"}).status_code == 400
    assert world.ada.get(f"/v1/workspaces/{world.acme}").json()["country"] is None


def test_the_set_up_asks_for_the_country(http: httpx.Client, world: World) -> None:
    world.sql.execute("update workspaces set country = 'DE' where id = $1", world.acme_two)
    path = world.sql.run(make_link(world.sql.conn, "set-up", world.account_id))
    assert chosen(http.get(path, headers={"accept-language": "fr-CA"}).text) == "CA"
    guard = opened(http, path)
    form = {
        "csrf": guard["csrf"],
        "name": "Olive",
        "email": "x",
        "password": "correct horse",
        "country": "FR",
    }
    refused = http.post(path, data=form, headers=guard["headers"])
    assert (refused.status_code, chosen(refused.text)) == (400, "FR")
    good = {**form, "email": an_email()}
    assert http.post(path, data=good, headers=guard["headers"]).status_code == 303
    query = "select country from workspaces where id = $1"
    assert world.sql.value(query, world.acme) == "FR"
    assert world.sql.value(query, world.acme_two) == "DE"
    assert world.sql.value(query, world.globex) is None


def test_another_workspace_begins_with_the_country_of_the_browser(world: World) -> None:
    olive, path = world.person(), f"/w/{world.acme}/settings/workspace/new"
    assert chosen(browsing(olive, path, "pt-BR,pt;q=0.9").text) == "BR"
    world.sql.execute("update workspaces set country = 'DE' where id = $1", world.acme)
    assert chosen(browsing(olive, path, "pt-BR").text) == "DE"


def test_countries_are_in_the_order_of_the_alphabet_with_accents_ignored(world: World) -> None:
    page = world.person().get(f"/w/{world.acme}/settings/workspace/new").text
    codes = re.findall(r'<option value="([A-Z]{2})"', page)
    assert codes.index("AX") < codes.index("AL") < codes.index("CI") < codes.index("HR")
    assert codes.index("RE") < codes.index("RO")
