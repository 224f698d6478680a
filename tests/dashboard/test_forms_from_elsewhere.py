"""A form that is to be refused costs no more than its head; and what pages answer is kept nowhere."""

import re
from typing import Any

import httpx
import pytest

from contactory.app import OPERATIONS
from contactory.base.ids import new_id
from tests.dashboard.test_access import CASES, PAGES, Case, ask, target
from tests.raw_http import Answer, Client
from tests.world import Person, World, a_phone

pytestmark = pytest.mark.usefixtures("server")  # Some open a connection to it.

MIB = 1024 * 1024
FORMS = {operation.id: operation for operation in OPERATIONS if operation.page and operation.method == "POST"}
OURS = {"sec-fetch-site": "same-origin"}
OTHER_SITES = [
    {"sec-fetch-site": "cross-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
]


def head_alone(http: httpx.Client, path: str, headers: dict[str, str], length: int = MIB) -> Answer:
    """The answer to a form of which only the head is sent: it would wait for the rest, if it wanted it."""
    given = {"host": http.base_url.netloc.decode(), "content-length": str(length), **headers}
    given["content-type"] = "application/x-www-form-urlencoded"
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    client = Client(str(http.base_url))
    client.send(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode())
    return client.answer()


def aimed(world: World, operation: Any) -> str:
    path = operation.path.replace("{workspaceId}", world.acme)
    return re.sub(r"\{\w+\}", new_id(), path)


@pytest.mark.parametrize("name", FORMS)
def test_no_form_of_another_site_is_read(world: World, name: str) -> None:
    olive = world.person()
    for headers in OTHER_SITES:
        answer = head_alone(world.http, aimed(world, FORMS[name]), {**olive.cookie, **headers})
        assert answer.status == 403, headers
        assert b"another site" in answer.body


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form.permission])
def test_no_form_is_read_of_whoever_may_not_send_it(world: World, name: str) -> None:
    path = aimed(world, FORMS[name])
    nobody = {"cookie": "__Host-contactory-form=x"}
    assert head_alone(world.http, path, {**nobody, **OURS}).status == 303
    outsider = world.person(account_id=world.globex_account_id)
    assert head_alone(world.http, path, {**outsider.cookie, **OURS}).status == 404
    if FORMS[name].permission != "read":
        assert head_alone(world.http, path, {**world.person("viewer").cookie, **OURS}).status == 403


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/theme", "/set-up/x", "/invite/x", "/reset/x"])
def test_a_form_that_everybody_can_send_is_short(world: World, path: str) -> None:
    guard = {"cookie": "__Host-contactory-form=x", "x-csrf-token": "x", **OURS}
    assert head_alone(world.http, path, guard).status == 413
    assert head_alone(world.http, path, OURS).status == 403  # Without the cookie it is not read at all.
    names = "&".join(f"n{i}=" for i in range(10_000))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = world.http.post(path, content=names, headers={**guard, **kind})
    assert answer.status_code == 400
    assert "more than 32 fields" in answer.text


def test_a_form_with_very_many_names_is_refused(world: World) -> None:
    olive = world.person()
    content = "&".join(f"n{i}=" for i in range(80_000))
    own = {**olive.cookie, **OURS, "x-csrf-token": olive.csrf}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("contacts/new", "contacts/many", "settings/workspace", "settings/people"):
        answer = olive.http.post(f"/w/{world.acme}/{path}", content=content, headers={**own, **kind})
        assert answer.status_code == 400
        assert "more than 25,000 fields" in answer.text


def test_a_long_form_of_ours_is_read(world: World) -> None:
    olive, note = world.person(), "é" * 10_000
    world.field("Note")
    num = world.sql.value("select 'field-' || num from custom_fields where workspace_id = $1", world.acme)
    answer = olive.post(f"/w/{world.acme}/contacts/new", {"firstName": "Jane", num: note})
    assert answer.status_code == 303
    made = world.alice.read(answer.headers["location"].partition("?")[0].rpartition("/")[2])
    assert made["customFields"] == {"Note": note}


# What is answered.


def as_script(person: Person, case: Case, values: dict[str, str]) -> httpx.Response:
    url = case.url.format(**values)
    if PAGES[case.page].method == "GET":
        return person.get(url, script=True)
    form = {name: value.format(**values) for name, value in case.form.items()}
    return person.post(url, form, hx_request="true")


@pytest.mark.parametrize("case", CASES, ids=[f"{case.page}-{i}" for i, case in enumerate(CASES)])
def test_no_answer_of_a_page_is_kept(world: World, case: Case) -> None:
    olive = world.person()
    values = target(world, world.workspace("Acme"))
    answers = [as_script(olive, case, values), as_script(world.person("viewer"), case, values)]
    answers += [ask(olive, case, values), ask(Person(world.http, "", "", "x", "x"), case, values)]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store", (answer.status_code, answer.text[:200])


def test_a_problem_that_names_a_contact_is_kept_nowhere(world: World) -> None:
    olive = world.person()
    other, made = world.alice.made(phone=a_phone()), world.alice.made()
    path = f"/w/{world.acme}/contacts/{made['id']}/row"
    answer = olive.post(path, {"phone": other["phone"]}, hx_request="true")
    assert other["id"] in answer.text
    assert (answer.status_code, answer.headers["cache-control"]) == (409, "no-store")
