"""What a form says: which fields are wrong and where, a word after it was saved, and the same in a cell."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Window, cell
from tests.dashboard.test_pages_in_browser import paths as paths
from tests.world import Person, World, an_email

SETTINGS = "/w/{acme}/settings"
REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "/custom-fields",
        {"name": "", "type": "colour"},
        ["This must have 1 to 255", "This must be one of text, number"],
    ),
    (
        "/workspace",
        {"name": "", "timezone": "x"},
        ["This must have 1 to 255", '"x" is not an IANA time zone'],
    ),
    (
        "/workspace/new",
        {"name": "", "mode": "x"},
        ["This must have 1 to 255", "This must be one of live, test"],
    ),
    ("/api-keys", {"name": "x" * 300, "permission": "x"}, ["This must have 1 to 255", "This must be one of"]),
    (
        "/people",
        {"email": "x", "name": "x" * 300, "role": "x"},
        ["is not", "This must have 1 to", "This must be one of"],
    ),
    ("/account", {"name": " "}, ["This must have 1 to 255"]),
    ("/account/password", {"password": "x", "again": "x"}, ["This must have 10 to 1,024 characters."]),
    (
        "/send-windows/new",
        {"week": "1", "name": "", "mon-from": "", "mon-to": ""},
        ["This must have 1 to 255", "Select at least one channel", "Enter the hours"],
    ),
]


def errors_of(page: str) -> list[str]:
    """The errors at the inputs; each is described to its input or its group."""
    found = re.findall(
        r'<(?:span|p) (?:id="([\w-]+)" )?class="error"(?: id="([\w-]+)")?[^>]*>(.*?)</', page, re.DOTALL
    )
    for before, after, text in found:
        assert f'aria-describedby="{before or after}"' in page, text
    return [html.unescape(text).strip() for _, _, text in found]


@pytest.mark.parametrize(("path", "form", "expected"), REFUSED, ids=[path for path, _, _ in REFUSED])
def test_an_error_is_at_its_input_without_the_name_for_programs(
    world: World, path: str, form: dict[str, Any], expected: list[str]
) -> None:
    answer = world.person().post(SETTINGS.format(acme=world.acme) + path, form)
    assert answer.status_code == 400
    found = errors_of(answer.text)
    for words in expected:
        assert any(words in error for error in found), (words, found)
    for error in found:
        assert not re.match(
            r'"(name|type|timezone|mode|permission|email|role|password|channels|days)"', error
        )


def test_a_refused_contact_names_the_fields_to_correct(world: World) -> None:
    for name, kind in {"MRR": "number", "Vip": "boolean"}.items():
        world.field(name, kind)
    numbers = dict(world.sql.fetch("select name, num from custom_fields where workspace_id = $1", world.acme))
    made = world.alice.made(firstName="Jane")
    wrong = {"phone": "12", f"field-{numbers['MRR']}": "much", f"field-{numbers['Vip']}": "so", "tags": "."}
    for path in (made["id"], "new"):
        answer = world.person().post(f"/w/{world.acme}/contacts/{path}", wrong)
        assert "Nothing was saved. Correct this first: Phone, Tags, MRR, Vip." in answer.text
        assert answer.text.count('aria-invalid="true"') == 4
        assert len([e for e in errors_of(answer.text) if not e.startswith(('"MRR"', '"Vip"', '"tags'))]) == 4
    assert world.alice.read(made["id"]) == made


def test_a_form_says_that_it_was_saved_and_goes_to_what_is_wrong(
    windows: Callable[..., Window], olive: Person, world: World
) -> None:
    jane = world.alice.made(firstName="Jane", tags=["a"])["id"]
    window = windows(olive)
    window.expected = ("status of 400",)
    page = window.page
    page.goto(f"/w/{world.acme}/contacts/{jane}")
    page.get_by_label("Last name").fill("Doe")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("status").get_by_text("Contact saved.")).to_be_visible()
    assert "done" not in page.url
    page.get_by_label("Phone", exact=True).fill("12")
    page.get_by_label("Time zone").fill("nowhere")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("Correct this first: Phone, Time zone.")).to_be_visible()
    expect(page.get_by_label("Phone", exact=True)).to_be_focused()
    assert page.get_by_label("Phone", exact=True).get_attribute("aria-describedby") == "c-phone-note"
    # The box of the tags takes over what belongs to the text that it stands for.
    page.goto(f"/w/{world.acme}/contacts/{jane}")
    page.get_by_placeholder("Add a tag").fill("..")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_placeholder("Add a tag")).to_be_focused()
    expect(page.get_by_placeholder("Add a tag")).to_have_attribute("aria-invalid", "true")
    # Without scripts, the page has the words.
    text = olive.get(f"/w/{world.acme}/contacts/{jane}?done=saved").text
    assert '<p class="notice" role="status">Contact saved.</p>' in text
    assert "Contact purged." in olive.get(f"/w/{world.acme}/contacts?done=purged").text


def test_a_value_that_another_contact_has_leads_to_it_from_the_cell(
    contacts: Callable[..., Page], world: World
) -> None:
    owner = world.alice.made(firstName="Ann", email=an_email())
    jane = world.alice.made(firstName="Jane")["id"]
    page = contacts()
    cell(page, jane, "email").click()
    page.keyboard.type(owner["email"])
    page.keyboard.press("Enter")
    link = cell(page, jane, "email").get_by_role("link", name="Show the other contact")
    expect(link).to_be_visible()
    page.keyboard.press("Tab")
    expect(link).to_be_focused()
    page.once("dialog", lambda dialog: dialog.accept())  # What was typed is not saved.
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/contacts/{owner['id']}")


def test_a_cell_of_a_deleted_contact_says_so_and_restores_it(
    windows: Callable[..., Window], olive: Person, world: World
) -> None:
    jane = world.alice.made(firstName="Jane")["id"]
    window = windows(olive)
    window.expected = ("status of 404", "status of 412")
    page = window.page
    page.goto(f"/w/{world.acme}/contacts")
    cell(page, jane, "lastName").click()
    world.alice.remove(jane)
    page.keyboard.type("Doe")
    page.keyboard.press("Enter")
    expect(page.get_by_text("This contact has been deleted in the meantime")).to_be_visible()
    cell(page, jane, "lastName").get_by_role("button", name="Restore and save").click()
    expect(cell(page, jane, "lastName")).to_have_text("Doe")
    expect(page.get_by_text("Last name changed.")).to_be_visible()
    assert world.alice.read(jane)["lastName"] == "Doe"
