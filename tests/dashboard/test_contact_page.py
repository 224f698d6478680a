"""The page of one contact, and of a new one, over HTTP: they work without scripts."""

import re
from typing import Any

import httpx
import pytest

from tests.waiting import while_changed
from tests.world import Person, World, a_phone, an_email


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def at(world: World, contact_id: str = "", what: str = "") -> str:
    return "/".join(filter(None, (f"/w/{world.acme}/contacts", contact_id, what)))


def form_of(answer: httpx.Response, action: str) -> dict[str, str]:
    """What a page's form would send if nobody touched it."""
    assert answer.status_code == 200, answer.text
    form = answer.text.split(f'action="{action}" class="contact-form"')[1].split("</form>")[0]
    given = dict(re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', form))
    texts = r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>'
    given |= dict(re.findall(texts, form, re.DOTALL))
    given.pop("csrf")
    return given


def test_a_contact_is_changed_by_its_form(world: World, olive: Person) -> None:
    world.field("Notes")
    made = world.alice.made(firstName="Jane", phone=a_phone(), tags=["a"], customFields={"Notes": "one\ntwo"})
    page = olive.get(at(world, made["id"]))
    form = form_of(page, at(world, made["id"]))
    untouched = olive.post(at(world, made["id"]), {k: v.replace("\n", "\r\n") for k, v in form.items()})
    assert untouched.status_code == 303
    assert world.alice.read(made["id"]) == made
    changed = {**form, "firstName": "June", "tags": "a\r\nb c\r\n", "timezone": ""}
    saved = olive.post(at(world, made["id"]), changed)
    assert saved.headers["location"] == at(world, f"{made['id']}?done=saved")
    now = world.alice.read(made["id"])
    assert (now["firstName"], now["tags"], now["timezone"]) == ("June", ["a", "b c"], None)
    assert now["customFields"] == {"Notes": "one\ntwo"}


def test_all_that_is_wrong_is_said_at_its_field_and_what_was_typed_stays(world: World, olive: Person) -> None:
    world.field("MRR", "number")
    other = world.alice.made(email=an_email())
    made = world.alice.made()
    number = world.sql.value("select 'field-' || num from custom_fields where workspace_id = $1", world.acme)
    answer = olive.post(
        at(world, made["id"]), {"email": "nobody", "phone": "12", number: "much", "firstName": "X"}
    )
    assert answer.status_code == 400
    assert answer.text.count('aria-invalid="true"') == 3
    assert all(f'value="{typed}"' in answer.text for typed in ("nobody", "12", "much", "X"))
    notes = [note.strip() for note in re.findall(r'class="error">(.*?)</span>', answer.text, re.DOTALL)]
    assert len(notes) == 3
    assert all(re.search(r"[^.]\.$", note) for note in notes), notes
    clash = olive.post(at(world, made["id"]), {"email": other["email"]})
    assert clash.status_code == 409
    assert f'href="{at(world, other["id"])}"' in clash.text
    assert world.alice.read(made["id"]) == made


def test_who_was_slower_sees_both_values(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane", lastName="Doe")
    form = form_of(olive.get(at(world, made["id"])), at(world, made["id"]))
    world.alice.patch(made["id"], {"firstName": "June"})
    answer = olive.post(at(world, made["id"]), {**form, "firstName": "Joan"})
    assert answer.status_code == 412
    assert 'value="Joan"' in answer.text
    assert 'Current value: <strong dir="auto">June</strong>' in answer.text
    assert answer.text.count("Current value:") == 1
    again = {**form, "firstName": "Joan", "version": "2"}
    assert olive.post(at(world, made["id"]), again).status_code == 303
    assert world.alice.read(made["id"])["firstName"] == "Joan"


def test_a_contact_is_made(world: World, olive: Person) -> None:
    assert olive.get(at(world, "new")).status_code == 200
    answer = olive.post(at(world, "new"), {"firstName": "Jane", "phone": "+1 415 555 0123", "tags": "a\r\nb"})
    made = world.alice.read(answer.headers["location"].partition("?")[0].rpartition("/")[2])
    assert (made["firstName"], made["tags"], made["timezone"]) == ("Jane", ["a", "b"], "America/Los_Angeles")
    assert world.alice.history(made["id"]).json()[0]["via"] == "dashboard"


def test_a_duplicate_leads_to_the_one_there_is(world: World, olive: Person) -> None:
    made = world.alice.made(phone="+14155550123")
    answer = olive.post(
        at(world, "new"), {"firstName": "Again", "phone": "(415) 555-0123", "email": an_email()}
    )
    assert answer.status_code == 400  # The workspace has no country to read it in.
    answer = olive.post(at(world, "new"), {"firstName": "Again", "phone": "+1 (415) 555-0123"})
    assert answer.status_code == 409
    assert f'href="{at(world, made["id"])}"' in answer.text
    assert 'value="Again"' in answer.text
    assert len(world.alice.list().json()) == 1


def test_an_empty_contact_is_not_made(world: World, olive: Person) -> None:
    world.field("Notes")
    number = world.sql.value("select 'field-' || num from custom_fields where workspace_id = $1", world.acme)
    for form in ({}, {"firstName": " "}, {"firstName": "", "tags": "", number: ""}):
        assert olive.post(at(world, "new"), form).status_code == 400
    assert world.alice.list().json() == []


def test_the_history_says_who_did_what(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane", tags=["a"])
    olive.post(at(world, made["id"], "row"), {"firstName": "June"})
    page = olive.get(at(world, made["id"])).text
    first, second = re.findall(r"<li>\s*<p><strong.*?</li>\s*(?=<li>|</ol>)", page, re.DOTALL)
    assert "Olive</strong> changed" in first
    assert "the dashboard" in first
    assert "First name" in first
    assert "Alice</strong> created this contact" in second
    assert "the API" in second


def test_a_long_history_goes_on_by_a_link(world: World, olive: Person) -> None:
    made = world.alice.made()
    for number in range(25):
        world.alice.patch(made["id"], {"firstName": f"{number}"})
    page = olive.get(at(world, made["id"])).text
    older = re.search(r'href="([^"]+cursor=\d+-\d+)"', page)
    assert older
    assert page.count("/undo") == 20
    rest = olive.get(older[1], script=True).text
    assert rest.count("/undo") == 5
    assert "<html" not in rest


def take_back(person: Person, world: World, contact_id: str, version: int) -> httpx.Response:
    return person.post(at(world, contact_id, "undo"), {"version": str(version)})


def test_one_change_is_taken_back_and_later_ones_stay(world: World, olive: Person) -> None:
    world.field("MRR", "number")
    made = world.alice.made(firstName="Jane", tags=["a"], customFields={"MRR": 1})
    world.alice.patch(made["id"], {"firstName": "June", "tags": ["b"], "customFields": {"MRR": 2}})
    world.alice.patch(made["id"], {"lastName": "Roe", "tags": ["c"]})
    assert take_back(olive, world, made["id"], 2).status_code == 303
    now = world.alice.read(made["id"])
    assert (now["firstName"], now["lastName"], now["tags"]) == ("Jane", "Roe", ["a", "c"])
    assert now["customFields"] == {"MRR": "1"}
    assert world.alice.history(made["id"]).json()[0]["actor"]["name"] == "Olive"


def test_what_was_changed_again_since_is_not_overwritten(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    world.alice.patch(made["id"], {"firstName": "June"})
    world.alice.patch(made["id"], {"firstName": "Joan"})
    answer = take_back(olive, world, made["id"], 2)
    assert answer.status_code == 409
    assert "changed again since" in answer.text
    assert world.alice.read(made["id"])["firstName"] == "Joan"


def test_a_tag_that_was_taken_off_since_does_not_come_back(world: World, olive: Person) -> None:
    made = world.alice.made(tags=["a"])
    world.alice.patch(made["id"], {"tags": ["b"]})
    world.alice.set_tags(made["id"], ["b", "c"])
    assert take_back(olive, world, made["id"], 2).status_code == 303
    assert world.alice.read(made["id"])["tags"] == ["c"]


def test_of_a_deleted_contact_no_change_is_taken_back(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    for name in ("June", "Joan"):
        world.alice.patch(made["id"], {"firstName": name})
    world.alice.remove(made["id"])
    assert [take_back(olive, world, made["id"], version).status_code for version in (2, 3)] == [404, 404]


def test_what_is_changed_while_it_is_taken_back_is_not_overwritten(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    world.alice.patch(made["id"], {"firstName": "June"})
    answer = while_changed(
        world.sql, made["id"], "first_name = 'Joan'", lambda: take_back(olive, world, made["id"], 2)
    )
    assert answer.status_code in (409, 412), answer.text
    assert world.alice.read(made["id"])["firstName"] == "Joan"


def test_a_phone_that_is_taken_by_now_is_not_taken_back(world: World, olive: Person) -> None:
    phone = a_phone()
    made = world.alice.made(phone=phone)
    world.alice.patch(made["id"], {"phone": None})
    world.alice.made(phone=phone)
    answer = take_back(olive, world, made["id"], 2)
    assert answer.status_code == 409
    assert "Another contact has this phone" in answer.text


@pytest.mark.parametrize("version", ["1", "9", "x", "", "0"])
def test_only_a_change_can_be_taken_back(world: World, olive: Person, version: str) -> None:
    made = world.alice.made()
    assert olive.post(at(world, made["id"], "undo"), {"version": version}).status_code == 404


def test_a_deletion_is_offered_to_be_taken_back(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    answer = olive.post(at(world, made["id"], "delete"))
    assert answer.headers["location"] == f"{at(world)}?deleted={made['id']}"
    assert world.alice.fetch(made["id"]).status_code == 404
    assert at(world, made["id"], "restore") in olive.get(answer.headers["location"]).text
    restored = olive.post(at(world, made["id"], "restore"))
    assert restored.headers["location"] == at(world, f"{made['id']}?done=restored")
    assert world.alice.read(made["id"])["firstName"] == "Jane"


def test_a_deleted_contact_is_seen_by_an_admin_alone(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Jane")
    world.alice.remove(made["id"])
    page = olive.get(at(world, made["id"]))
    assert "Deleted on" in page.text
    assert 'class="contact-form"' not in page.text
    for role in ("editor", "viewer"):
        assert world.person(role).get(at(world, made["id"])).status_code == 404


def test_a_contact_is_erased_only_by_typing_so(world: World, olive: Person) -> None:
    made = world.alice.made(firstName="Unforgettable")
    for word in ("", "yes", "purge it"):
        assert olive.post(at(world, made["id"], "purge"), {"word": word}).status_code == 400
    assert world.alice.read(made["id"]) == made
    assert olive.post(at(world, made["id"], "purge"), {"word": " Purge "}).status_code == 303
    assert olive.get(at(world, made["id"])).status_code == 404
    left = world.sql.fetch(
        "select actor_type, via, changes from contact_events where contact_id = $1", made["id"]
    )
    assert [tuple(row) for row in left] == [("user", "dashboard", "{}")]


def test_a_viewer_sees_values_and_no_buttons(world: World) -> None:
    made = world.alice.made(firstName="Jane")
    page = world.person("viewer").get(at(world, made["id"])).text
    assert '<dd dir="auto">Jane</dd>' in page
    assert f'action="{at(world, made["id"])}' not in page


PAYLOADS: list[Any] = ["<script>boom()</script>", '"><img src=x onerror=boom()>', "</textarea><b>", "{{7*7}}"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_typed_shows_as_text(world: World, olive: Person, payload: str) -> None:
    world.field(payload)
    made = world.alice.made(firstName=payload, tags=[payload], customFields={payload: payload + "\n"})
    world.alice.patch(made["id"], {"firstName": payload + "!", "customFields": {payload: payload}})
    for answer in (
        olive.get(at(world, made["id"])),
        olive.post(at(world, made["id"]), {"email": payload, "timezone": payload}),
        olive.post(at(world, "new"), {"email": payload, "tags": payload}),
    ):
        assert payload == "{{7*7}}" or payload not in answer.text
        assert payload != "{{7*7}}" or ">49<" not in answer.text
