"""Changing contacts in the grid, over HTTP: the rules, texts and history are those of the API."""

import re
from typing import Any

import httpx
import pytest

from tests.world import Person, World, an_email


@pytest.fixture
def olive(world: World) -> Person:
    return world.person(name="Olive")


def edit(person: Person, world: World, contact_id: str, **form: Any) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in form.items()}
    return person.post(f"/w/{world.acme}/contacts/{contact_id}/row", named, hx_request="true")


def test_a_cell_is_changed_and_its_row_comes_back(world: World, olive: Person) -> None:
    made = world.alice.made(tags=["a"])
    answer = edit(olive, world, made["id"], firstName=" June ", version="1")
    assert answer.status_code == 200
    assert f'data-id="{made["id"]}" data-version="2"' in answer.text
    assert ">June</span>" in answer.text
    assert world.alice.read(made["id"])["firstName"] == "June"


def test_the_history_says_who_it_was(world: World, olive: Person) -> None:
    made = world.alice.made()
    edit(olive, world, made["id"], firstName="June")
    event = world.alice.history(made["id"]).json()[0]
    assert event["actor"] == {"type": "user", "id": olive.user_id, "name": "Olive"}
    assert event["via"] == "dashboard"


def test_every_kind_of_field_is_changed_and_cleared(world: World, olive: Person) -> None:
    kinds = {"Source": "text", "MRR": "number", "Born": "date", "Vip": "boolean"}
    for name, kind in kinds.items():
        world.field(name, kind)
    numbers = {name: f"field-{num}" for name, num in _numbers(world)}
    made = world.alice.made()
    given = {
        "firstName": "June",
        "lastName": "Doe",
        "email": an_email(),
        "phone": "+1 (415) 555-0199",
        "timezone": "Asia/Tokyo",
        "tags": ["b", "a", "b"],
        numbers["Source"]: "Fair",
        numbers["MRR"]: "10.50",
        numbers["Born"]: "2000-01-01",
        numbers["Vip"]: "true",
    }
    path = f"/w/{world.acme}/contacts/{made['id']}/row"
    assert olive.post(path, given, hx_request="true").status_code == 200
    now = world.alice.read(made["id"])
    assert (now["phone"], now["timezone"], now["tags"]) == ("+14155550199", "Asia/Tokyo", ["a", "b"])
    assert now["customFields"] == {"Source": "Fair", "MRR": "10.5", "Born": "2000-01-01", "Vip": "true"}
    assert olive.post(path, dict.fromkeys(given, ""), hx_request="true").status_code == 200
    now = world.alice.read(made["id"])
    assert (now["firstName"], now["email"], now["phone"], now["timezone"]) == (None, None, None, None)
    assert (now["tags"], now["customFields"]) == ([], {})


def _numbers(world: World) -> list[Any]:
    return world.sql.fetch("select name, num from custom_fields where workspace_id = $1", world.acme)


def test_what_is_wrong_is_said_in_the_api_s_words(world: World, olive: Person) -> None:
    made = world.alice.made()
    for name, value in {"email": "nobody", "phone": "12", "timezone": "America/New_Yrok"}.items():
        theirs = world.alice.patch(made["id"], {name: value}).json()["errors"]
        answer = edit(olive, world, made["id"], **{name: value})
        assert answer.status_code == 400
        assert answer.json()["errors"] == theirs
    assert world.alice.read(made["id"]) == made


def test_a_taken_phone_names_the_other_contact(world: World, olive: Person) -> None:
    other, made = world.alice.made(phone="+14155550123"), world.alice.made()
    answer = edit(olive, world, made["id"], phone="+1 415 555 0123")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["contactId"] == other["id"]


def test_who_has_an_old_row_is_told(world: World, olive: Person) -> None:
    made = world.alice.made()
    world.alice.patch(made["id"], {"lastName": "Doe"})
    for version in ("1", "x", "9" * 30):
        assert edit(olive, world, made["id"], firstName="June", version=version).status_code == 412
    row = olive.get(f"/w/{world.acme}/contacts/{made['id']}/row", script=True)
    assert 'data-version="2"' in row.text
    assert ">Doe</span>" in row.text
    assert edit(olive, world, made["id"], firstName="June", version="2").status_code == 200


def test_a_form_that_says_nothing_changes_nothing(world: World, olive: Person) -> None:
    made = world.alice.made()
    assert edit(olive, world, made["id"], nonsense="x").status_code == 400
    assert world.alice.read(made["id"]) == made


def test_a_deleted_contact_cannot_be_changed(world: World, olive: Person) -> None:
    made = world.alice.made()
    world.alice.remove(made["id"])
    assert edit(olive, world, made["id"], firstName="June").status_code == 404
    assert olive.get(f"/w/{world.acme}/contacts/{made['id']}/row", script=True).status_code == 404


PAYLOADS = [
    "<script>boom()</script>",
    '"><img src=x onerror=boom()>',
    "'><svg/onload=boom()>",
    "{{ 7*7 }}{% raw %}",
    "</textarea><iframe srcdoc=x>",
    "javascript:boom()",
    "&lt;b&gt;&#x27;",
    "\u202eevil\u2066",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_was_typed_shows_as_text(world: World, olive: Person, payload: str) -> None:
    world.field(payload)
    world.alice.made(firstName=payload, lastName=payload, tags=[payload], customFields={payload: payload})
    olive.post(f"/w/{world.acme}/contacts/views", {"name": payload, "back": "", "shared": "1"})
    queries: list[dict[str, Any]] = [{}, {"q": payload}, {"where": f"tags:has:{payload}"}]
    for query in queries:
        page = olive.get(f"/w/{world.acme}/contacts", **query).text
        if payload[0] in "<\"'&":
            assert payload not in page
        assert not re.search(r"<(script>|img|svg/|iframe)", page)
        assert "49" not in re.findall(r"<strong[^>]*>([^<]*)</strong>", page)
