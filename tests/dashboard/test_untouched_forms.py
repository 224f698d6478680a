"""A form that is opened and saved changes nothing: no value is written that was not touched."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contactory.access.users import rename_user
from tests.access.test_links import link
from tests.access.test_sign_in import opened
from tests.dashboard.conftest import Window, cell
from tests.dashboard.forms import form_of
from tests.world import Person, World, a_phone, an_email

ODD = [
    *("\r\n", "\n", "\r", "\n\n", "\t", "\x0b", "\x0c", "\x1f", "\x85", "\u2028", "\u00a0", "\ufeff"),
    *(
        " ",
        "x",
        "Yz",
        "é",
        "e\u0301",
        "😀",
        "\u202e",
        "<",
        "&",
        "&#10;",
        '"',
        "'",
        "`",
        "</textarea>",
        "{{",
        "+",
    ),
]
BREAKS = ("a\r\nb", "a\nb", "a\rb", "\nlate", "\r\n\r\nlater", "end\n", "a\n\nb")


def text(rng: random.Random) -> str:
    """A text that only the API can write."""
    return "".join(rng.choices(ODD, k=rng.randint(0, 8)))


def contact(world: World, contact_id: str) -> tuple[Any, ...]:
    """All that a contact's row holds."""
    return tuple(world.sql.row("select * from contacts where id = $1", contact_id))


def at(world: World, contact_id: str, *more: str) -> str:
    return "/".join((f"/w/{world.acme}/contacts", contact_id, *more))


def numbers(world: World) -> dict[str, str]:
    query = "select name, 'field-' || num as num from custom_fields where workspace_id = $1"
    return {row["name"]: row["num"] for row in world.sql.fetch(query, world.acme)}


@pytest.fixture
def fields(world: World) -> None:
    kinds = {"Note": "text", "More": "text", "MRR": "number", "Born": "date", "Vip": "boolean"}
    for name, kind in kinds.items():
        world.field(name, kind)


def odd_contact(world: World, rng: random.Random) -> str:
    """A contact with values such as no form would send."""
    custom = {"Note": text(rng), "More": rng.choice(["", *BREAKS, text(rng)])}
    custom |= {"MRR": rng.choice([None, 1, -12.5]), "Born": rng.choice([None, "0001-01-01", "2000-02-29"])}
    custom |= {"Vip": rng.choice([None, True, False])}
    tags = {f"{text(rng)}-{i}".strip() for i in range(rng.randint(0, 4))} | {"-"}
    names = {"firstName": text(rng), "lastName": rng.choice([text(rng), *BREAKS])}
    address = rng.choice([None, an_email(), f"жук-{rng.randrange(10**9)}@bücher.example"])
    phone = rng.choice([None, a_phone()])
    given = {**names, "email": address, "phone": phone, "tags": sorted(tags), "customFields": custom}
    return world.alice.made(given)["id"]


def test_any_contact_that_is_opened_and_saved_stays_as_it_was(
    world: World, olive: Person, fields: None
) -> None:
    rng = random.Random(14)
    for _ in range(60):
        made = odd_contact(world, rng)
        before = contact(world, made)
        form = form_of(olive.get(at(world, made)), at(world, made))
        answer = olive.post(at(world, made), form)
        assert (answer.status_code, contact(world, made)) == (303, before), (form, world.alice.read(made))
        assert len(world.alice.history(made).json()) == 1


def test_one_field_is_changed_and_no_other(world: World, olive: Person, fields: None) -> None:
    rng = random.Random(15)
    for _ in range(20):
        made = odd_contact(world, rng)
        before = world.alice.read(made)
        form = form_of(olive.get(at(world, made)), at(world, made))
        assert olive.post(at(world, made), {**form, "firstName": ["June"]}).status_code == 303
        now = world.alice.read(made)
        assert {**now, "updatedAt": ""} == {**before, "firstName": "June", "updatedAt": ""}


def test_what_would_be_refused_today_stands_in_nobody_s_way(
    world: World, olive: Person, fields: None
) -> None:
    made = world.alice.made(firstName="Jane")["id"]
    known = numbers(world)
    stale = {known["MRR"][6:]: "1e5", known["Born"][6:]: "2000-02-28", known["Note"][6:]: "x" * 20_000}
    world.sql.execute(
        """update contacts set phone = '+1999', email = 'old@@example', email_key = 'old@@example',
                               timezone = 'Mars/Olympus', fields = $2 where id = $1""",
        made,
        str(stale).replace("'", '"'),
    )
    before = contact(world, made)
    form = form_of(olive.get(at(world, made)), at(world, made))
    assert olive.post(at(world, made), form).status_code == 303
    assert contact(world, made) == before
    assert olive.post(at(world, made), {**form, "firstName": ["June"]}).status_code == 303
    now = world.alice.read(made)
    assert (now["firstName"], now["phone"], now["timezone"]) == ("June", "+1999", "Mars/Olympus")
    # What is typed anew is judged as ever.
    assert olive.post(at(world, made), {**form, "version": ["2"], "phone": ["+1998"]}).status_code == 400


def test_a_zone_that_comes_from_the_phone_stays_so(world: World, olive: Person) -> None:
    made = world.alice.made(phone="+1 208 555 0123")["id"]
    before = world.alice.fetch(made, include="timezones").json()
    form = form_of(olive.get(at(world, made)), at(world, made))
    olive.post(at(world, made), {**form, "lastName": ["Doe"]})
    now = world.alice.fetch(made, include="timezones").json()
    assert before["timezoneSource"] == now["timezoneSource"] == "phone"
    assert before["timezones"] == now["timezones"]


def test_a_cell_that_is_left_as_it_was_shown_changes_nothing(
    world: World, olive: Person, fields: None
) -> None:
    rng = random.Random(16)
    for _ in range(20):
        made = odd_contact(world, rng)
        before = contact(world, made)
        form = form_of(olive.get(at(world, made)), at(world, made))
        tags = [name.replace("\r\n", "\n").replace("\r", "\n") for name in world.alice.read(made)["tags"]]
        del form["version"]
        for name, values in {**form, "tags": tags}.items():
            sent = {name: values, "version": "1"}
            answer = olive.post(at(world, made, "row"), sent, hx_request="true")
            assert (answer.status_code, contact(world, made)) == (200, before), name


def test_a_cell_that_somebody_else_set_alike_is_no_change_of_ours(world: World, olive: Person) -> None:
    """What the page offers to take back is the change that made the version that it is given."""
    made = world.alice.made(firstName="Jane")["id"]
    world.alice.patch(made, {"firstName": "June"})
    sent = {"firstName": "June", "version": "1"}
    assert olive.post(at(world, made, "row"), sent, hx_request="true").status_code == 412


TAGS = ["a", "a\nb", "b", "c\r\nd", "e"]


def test_a_tag_with_a_line_break_is_kept_beside_one_that_is_added(world: World, olive: Person) -> None:
    made = world.alice.made(tags=TAGS)["id"]
    form = form_of(olive.get(at(world, made)), at(world, made))
    [lines] = form["tags"]
    assert olive.post(at(world, made), {**form, "tags": [f"{lines}\r\nnew"]}).status_code == 303
    assert world.alice.read(made)["tags"] == sorted([*TAGS, "new"])
    fewer = lines.removesuffix("\r\ne")
    assert olive.post(at(world, made), {"tags": [fewer]}).status_code == 303
    assert world.alice.read(made)["tags"] == TAGS[:-1]


# More tags than a request may have.


def many_tags(world: World, count: int) -> str:
    made = world.alice.made()["id"]
    names = [f"tag {i:04}" for i in range(count)]
    for start in range(0, count, 100):
        assert world.alice.patch(made, {"tags": names[start : start + 100]}).status_code == 200
    return made


def test_a_contact_with_many_tags_is_edited_on_its_page_and_in_the_grid(world: World, olive: Person) -> None:
    made = many_tags(world, 250)
    form = form_of(olive.get(at(world, made)), at(world, made))
    assert olive.post(at(world, made), {**form, "lastName": ["Doe"]}).status_code == 303
    [lines] = form["tags"]
    changed = lines.replace("tag 0007\r\n", "") + "\r\nnew"
    assert olive.post(at(world, made), {"tags": [changed], "version": "5"}).status_code == 303
    now = world.alice.read(made)
    assert (now["lastName"], len(now["tags"])) == ("Doe", 250)
    assert ("new" in now["tags"], "tag 0007" in now["tags"]) == (True, False)
    names = [*now["tags"], "newer"]
    assert olive.post(at(world, made, "row"), {"tags": names}, hx_request="true").status_code == 200
    assert len(world.alice.read(made)["tags"]) == 251
    assert olive.post(at(world, made, "row"), {"tags": ""}, hx_request="true").status_code == 200
    assert world.alice.read(made)["tags"] == []
    assert olive.post(at(world, made, "row"), {"tags": names}, hx_request="true").status_code == 200
    assert world.alice.read(made)["tags"] == sorted(names)


def test_a_contact_has_a_thousand_tags_at_most_however_they_are_added(world: World, olive: Person) -> None:
    made = many_tags(world, 990)
    form = form_of(olive.get(at(world, made)), at(world, made))
    [lines] = form["tags"]
    more = "\r\n".join([lines, *(f"new {i}" for i in range(11))])
    answer = olive.post(at(world, made), {**form, "tags": [more]})
    assert answer.status_code == 400
    assert "more tags than a contact may" in answer.text
    assert len(world.alice.read(made)["tags"]) == 990
    names = "\r\n".join(f"t{i}" for i in range(1001))
    assert olive.post(f"/w/{world.acme}/contacts/new", {"tags": names}).status_code == 400
    assert olive.post(f"/w/{world.acme}/contacts/new", {"tags": names[:-7]}).status_code == 303
    over = world.alice.patch(made, {"tags": [f"x{i}" for i in range(101)]})
    assert over.json()["errors"][0]["code"] == "too_many_tags"


def test_many_contacts_get_many_tags_and_lose_them_again(world: World, olive: Person) -> None:
    ids = [world.alice.made()["id"] for _ in range(2)]
    names = [f"tag {i}" for i in range(150)]

    def do(action: str, contacts: list[str], **form: Any) -> dict[str, Any]:
        given = {"action": action, "contact": contacts, **form}
        answer = olive.post(f"/w/{world.acme}/contacts/many", given, hx_request="true")
        assert answer.status_code == 200, answer.text
        return answer.json()

    added = do("addTags", [f"{i}:1" for i in ids], tags=names)
    assert len(added["changed"]) == 2
    removed = do("removeTags", added["changed"], tags=names)
    assert [world.alice.read(i)["tags"] for i in ids] == [[], []]
    do("undo", removed["changed"])
    assert [world.alice.read(i)["tags"] for i in ids] == [sorted(names)] * 2


# Other forms.


def settings(world: World, *more: str) -> str:
    return "/".join((f"/w/{world.acme}/settings", *more))


def row(world: World, table: str, key: str) -> tuple[Any, ...]:
    return tuple(world.sql.row(f"select * from {table} where id::text = $1", key))


def test_a_workspace_that_is_opened_and_saved_stays_as_it_was(world: World, olive: Person) -> None:
    for name, value in (("name", "Acme\r\nTwo"), ("streetAddress", "1 High St\nSuite 5"), ("icon", "\ra")):
        assert world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {name: f"x{value}"}).is_success
    world.alice.request("PATCH", f"/v1/workspaces/{world.acme}", {"description": "a\r\nb"})
    world.sql.execute(
        """update workspaces set timezone = 'Mars/Olympus', country = 'XX', contact_phone = '+1999',
                                 contact_email = 'old@@example' where id = $1""",
        world.acme,
    )
    before, page = row(world, "workspaces", world.acme), settings(world, "workspace")
    form = form_of(olive.get(page), page)
    assert olive.post(page, form).headers["location"] == f"{page}?done=same"
    assert row(world, "workspaces", world.acme) == before
    assert olive.post(page, {**form, "state": ["Ohio"]}).headers["location"] == f"{page}?done=saved"
    now = world.sql.row("select * from workspaces where id = $1", world.acme)
    assert (now["state"], now["street_address"], now["timezone"]) == (
        "Ohio",
        "x1 High St\nSuite 5",
        "Mars/Olympus",
    )
    new = form_of(olive.get(f"{page}/new"), f"{page}/new")
    assert (new["timezone"], new["country"]) == ([""], [""])
    assert olive.post(f"{page}/new", {**new, "name": ["Next"]}).status_code == 303
    assert olive.post(f"{page}/delete", {"confirm": "xAcmeTwo"}).headers["location"] == "/"


def test_a_send_window_that_is_opened_and_saved_stays_as_it_was(world: World, olive: Person) -> None:
    given = {"workspaceId": world.acme, "preset": "fr", "name": "Work\nhours", "holidays": ["2026-12-25"]}
    made = world.ada.post("/v1/send-windows", given).json()["id"]
    before, page = row(world, "send_windows", made), settings(world, "send-windows", made)
    form = form_of(olive.get(page), page)
    assert olive.post(page, form).status_code == 303
    assert row(world, "send_windows", made) == before
    assert olive.post(page, {**form, "holidays": [""]}).status_code == 303
    now = world.alice.get(f"/v1/send-windows/{made}").json()
    assert (now["name"], now["holidays"]) == ("Work\nhours", [])


def test_a_custom_field_and_a_tag_that_are_opened_and_saved_stay_as_they_were(
    world: World, olive: Person
) -> None:
    name = "Two\nlines"
    field = world.alice.post("/v1/custom-fields", {"name": name, "type": "text"}).json()["id"]
    world.alice.made(tags=[name])
    tag = world.sql.value("select id::text from tags where workspace_id = $1", world.acme)
    for table, key, page in (
        ("custom_fields", field, settings(world, "custom-fields", field)),
        ("tags", tag, settings(world, "tags", tag)),
    ):
        before = row(world, table, key)
        for form in (form_of(olive.get(page), page), {"name": name}):
            assert olive.post(page, form).status_code == 303
            assert row(world, table, key) == before
    page = f"{settings(world, 'custom-fields', field)}/delete"
    assert olive.post(page, form_of(olive.get(page), page)).status_code == 303


def test_a_person_who_may_see_no_workspace_gets_another_role(world: World, olive: Person) -> None:
    gone = world.workspace("Gone")
    vi = world.person("viewer", workspace_ids=[gone])
    kept = link(world, "reset", vi.user_id)
    world.ada.delete(f"/v1/workspaces/{gone}")
    page = settings(world, "people", vi.user_id)
    before = row(world, "users", vi.user_id)
    form = form_of(olive.get(page), page)
    assert olive.post(page, form).status_code == 303
    assert row(world, "users", vi.user_id) == before
    assert world.http.get(kept).status_code == 200
    assert olive.post(page, {**form, "role": ["editor"]}).status_code == 303
    assert world.sql.value("select role from users where id = $1", vi.user_id) == "editor"
    assert olive.post(settings(world, "people"), {"email": an_email(), **form}).status_code == 400


def test_a_name_that_is_shown_again_stays_as_it_was(world: World) -> None:
    vi = world.person("viewer")
    naming = rename_user(world.sql.conn, world.account_id, vi.user_id, "Vi\nolet")
    world.sql.run(naming)
    before, page = row(world, "users", vi.user_id), settings(world, "account")
    assert vi.post(page, form_of(vi.get(page), page)).headers["location"].endswith("done=same")
    assert row(world, "users", vi.user_id) == before
    world.sql.execute("update users set password_hash = null where id = $1", vi.user_id)
    path = link(world, "invite", vi.user_id)
    guard = opened(world.http, path)
    form = {**form_of(world.http.get(path), ""), "password": ["correct horse battery"]}
    sent = {**form, "csrf": guard["csrf"]}
    assert world.http.post(path, data=sent, headers=guard["headers"]).status_code == 303
    assert world.sql.value("select name from users where id = $1", vi.user_id) == "Vi\nolet"


# In a browser.


@pytest.mark.parametrize("scripts", [True, False])
def test_a_browser_saves_what_it_was_shown(
    windows: Callable[..., Window], world: World, olive: Person, fields: None, scripts: bool
) -> None:
    window = windows(olive, java_script_enabled=scripts)
    for value in BREAKS:
        given = {"firstName": f"x{value}y", "email": f"жук{len(value)}{an_email()}", "tags": ["b\r\nc", "d"]}
        custom = {"Note": value, "More": "", "MRR": 5, "Born": "0001-01-01", "Vip": False}
        made = world.alice.made({**given, "customFields": custom})["id"]
        before = contact(world, made)
        window.page.goto(at(world, made))
        if scripts:
            expect(window.page.locator(".tag-name")).to_have_text(["b c", "d"])
        window.page.get_by_role("button", name="Save", exact=True).first.click()
        window.page.wait_for_load_state()
        assert contact(world, made) == before, value
        window.page.get_by_label("Last name").fill("Doe")
        window.page.get_by_role("button", name="Save", exact=True).first.click()
        expect(window.page.get_by_role("heading", level=1)).to_contain_text("Doe")
        assert world.alice.read(made)["tags"] == ["b\r\nc", "d"]
        assert world.alice.read(made)["customFields"]["Note"] == value


def test_the_undo_of_a_cell_puts_back_what_it_was_and_not_what_it_showed(
    world: World, contacts: Callable[..., Page], fields: None
) -> None:
    note = numbers(world)["Note"]
    made = many_tags(world, 120)
    world.alice.patch(made, {"customFields": {"Note": "one\r\ntwo"}})
    before = world.alice.read(made)
    page = contacts()
    cell(page, made, note).click()
    page.keyboard.press("Control+a")
    page.keyboard.type("three")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Undo").click()
    expect(cell(page, made, note)).to_have_text("one two")
    assert world.alice.read(made)["customFields"] == before["customFields"]
    cell(page, made, "tags").click()
    page.keyboard.type("new")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Undo").click()
    expect(cell(page, made, "tags").locator(".tag")).to_have_count(120)
    assert world.alice.read(made)["tags"] == before["tags"]
