"""Every state of a page that only opens after a while: menus, dialogs, panels, editors, errors, messages.

The tables name what templates and scripts can open (`openers`), so that a new dialog needs a row here.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from playwright.sync_api import Page

from tests.dashboard.conftest import cell
from tests.servers import PROJECT
from tests.world import World

PACKAGE = PROJECT / "contactory"
Open = Callable[[Page, World], None]
SIGNS = "dialog.sheet[open]"


class State(NamedTuple):
    """How a state is reached from a page (of test_pages_in_browser.PAGES), and the part to look at."""

    page: str
    open: Open
    part: str = "main"
    opens: tuple[str, ...] = ()
    """What of the templates and scripts is open, as `openers` names it."""
    role: str = "owner"
    anew: bool = False
    """Whether the page is loaded again before."""


def click(name: str, role: str = "button", within: str = "body") -> Open:
    """Presses the button with this name."""

    def press(page: Page, world: World) -> None:
        page.locator(within).get_by_role(role, name=name, exact=True).first.click()  # pyright: ignore[reportArgumentType]

    return press


def summary(words: str) -> Open:
    """Opens the panel or menu with this summary."""

    def press(page: Page, world: World) -> None:
        page.locator("summary", has_text=words).first.click()

    return press


def labelled(words: str) -> Open:
    """Opens the menu whose summary is labelled so."""

    def press(page: Page, world: World) -> None:
        page.locator(f'summary[aria-label^="{words}"]').click()

    return press


def first_cell(page: Page, kind: str) -> None:
    """Opens the first cell of that kind or key."""
    page.locator("tr[data-id]").first.locator(f'td:is([data-key="{kind}"], .is-{kind})').click()


def editor(kind: str) -> Open:
    """The editor of a cell."""
    return lambda page, world: first_cell(page, kind)


def _picker(page: Page, world: World) -> None:
    first_cell(page, "tags")
    page.keyboard.type("ve")
    page.get_by_role("option", name="very").wait_for()


def _twin(page: Page, world: World) -> None:
    first_cell(page, "tags")
    page.keyboard.type("VERY,")
    page.locator(".tag-note").wait_for()


def _refused_cell(page: Page, world: World) -> None:
    first_cell(page, "timezone")
    page.keyboard.type("nowhere")
    page.keyboard.press("Enter")
    page.locator("td.editing .error:not(:empty)").wait_for()


def _conflict(page: Page, world: World) -> None:
    contact = page.locator("tr[data-id]").first.get_attribute("data-id") or ""
    cell(page, contact, "firstName").click()
    page.keyboard.type("Joan")
    world.alice.patch(contact, {"firstName": "June"})
    page.keyboard.press("Enter")
    page.get_by_role("alertdialog").wait_for()


def _saved(page: Page, world: World) -> None:
    first_cell(page, "lastName")
    page.keyboard.type("Roe")
    page.keyboard.press("Enter")
    page.locator(".toast", has_text="Last name changed").wait_for()


def _selected(page: Page, world: World) -> None:
    page.locator("tr[data-id]").first.get_by_role("checkbox").check()


def _bulk(button: str) -> Open:
    def press(page: Page, world: World) -> None:
        _selected(page, world)
        page.locator("#many").get_by_role("button", name=button).click()

    return press


def _many_deleted(page: Page, world: World) -> None:
    """The dialog as it is for a number of contacts that must be typed, after a wrong one."""
    _bulk("Delete")(page, world)
    page.evaluate(
        """document.querySelector("[data-number-here]").hidden = false;
           document.querySelector("[data-number-here] strong").textContent = "5,002";"""
    )
    page.locator(SIGNS).get_by_role("button", name="Delete").click()
    page.locator(f"{SIGNS} [data-refusal]").wait_for()


def _unsaved(page: Page, world: World) -> None:
    page.route("**/row", lambda route: route.abort(), times=1)
    first_cell(page, "firstName")
    page.keyboard.type("Joan")
    page.keyboard.press("Tab")
    page.locator("td.unsaved").wait_for()


def _signed_out(page: Page, world: World) -> None:
    signed_out = {"user": None, "csrf": ""}
    page.route("**/row", lambda route: route.fulfill(status=401, json={}), times=1)
    page.route("**/sign-in", lambda route: route.fulfill(json=signed_out), times=1)
    first_cell(page, "firstName")
    page.keyboard.type("Joan")
    page.keyboard.press("Enter")
    page.locator("#again-password").fill("x")
    page.keyboard.press("Enter")
    page.locator(f"{SIGNS} [role=alert]").wait_for()


def _offline(page: Page, world: World) -> None:
    page.evaluate("document.dispatchEvent(new Event('htmx:sendError'))")


def _filled(*inputs: tuple[str, str], button: str) -> Open:
    """Fills inputs by their selectors and sends the form by its button."""

    def fill(page: Page, world: World) -> None:
        page.evaluate(
            """document.querySelectorAll("main details").forEach((each) => (each.open = true));
               document.querySelectorAll("form").forEach((form) => (form.noValidate = true));"""
        )
        for selector, value in inputs:
            page.locator(selector).first.fill(value)
        page.locator("main").get_by_role("button", name=button, exact=True).first.click()
        page.locator("main [aria-invalid], main .notice-bad, main .error:not(:empty)").first.wait_for()

    return fill


def _moved(page: Page, world: World) -> None:
    contact = page.url.rpartition("/")[2]
    page.locator("#c-lastName").fill("Moe")
    world.alice.patch(contact, {"lastName": "Poe"})
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.get_by_text("Current value:").wait_for()


def _session_over(page: Page, world: World) -> None:
    page.route("**/sign-in", lambda route: route.fulfill(json={"user": None, "csrf": "x"}))
    page.locator("#c-lastName").fill("Zoe")
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.locator("#again-password").wait_for()
    page.unroute("**/sign-in")


def _in_dialog(row: str) -> Open:
    def press(page: Page, world: World) -> None:
        page.get_by_role("link", name=row, exact=True).click()
        page.locator(f"{SIGNS} form.stack").first.wait_for()
        page.evaluate("document.querySelectorAll('dialog details').forEach((each) => (each.open = true))")

    return press


def _refused_rename(page: Page, world: World) -> None:
    _in_dialog("Edit gold")(page, world)
    page.locator("#tag-name").fill("VIP")
    page.locator(SIGNS).get_by_role("button", name="Rename", exact=True).click()
    page.locator(f"{SIGNS} [role=alert]").wait_for()


def _end_of_field(page: Page, world: World) -> None:
    _in_dialog("Edit Lead Source")(page, world)
    page.locator(SIGNS).get_by_role("link", name="Delete…").click()
    page.locator("#field-confirm").wait_for()


def _new_key(page: Page, world: World) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach((each) => (each.open = true))")
    page.locator("#name").fill("New")
    page.get_by_role("button", name="Create key").click()
    page.get_by_label("API key", exact=True).wait_for()


def _new_link(page: Page, world: World) -> None:
    page.get_by_role("button", name="Create password link").click()
    page.get_by_label("Link", exact=True).wait_for()


def _zones(page: Page, world: World) -> None:
    first_cell(page, "timezone")
    page.keyboard.type("united")
    page.locator("td.editing").get_by_role("option").first.wait_for()


def _save_view(page: Page, world: World) -> None:
    page.locator(".tools summary", has_text="Views").click()
    page.get_by_label("Save this view as").fill("Mine")
    page.get_by_role("button", name="Save view").click()
    page.wait_for_load_state()


def _refused_view(page: Page, world: World) -> None:
    _save_view(page, world)
    _save_view(page, world)
    page.get_by_text("There is a view").wait_for()


def _end_of_view(page: Page, world: World) -> None:
    summary("Views")(page, world)
    page.locator('summary[aria-label^="Delete the view"]').first.click()


def _unreadable_filters(page: Page, world: World) -> None:
    page.goto(f"{page.url.partition('?')[0]}?where=nobody:is:x&where=createdAt:from:yesterday")


def as_it_is(page: Page, world: World) -> None:
    """The page as it comes."""


MENUS = "details.menu[open]"
STATES = {
    # The grid, in one visit.
    "workspaces": State("contacts", summary("Acme"), MENUS, ("dashboard/app.html: test",)),
    "account menu": State("contacts", labelled("Your account"), MENUS, ("dashboard/app.html: 2",)),
    "views": State("contacts", summary("Views"), MENUS, ("contacts/tools.html: Views",)),
    "end of a view": State("contacts", _end_of_view, MENUS, ("contacts/tools.html: ×",)),
    "filter": State("contacts", summary("Filter"), MENUS, ("contacts/tools.html: Filter",)),
    "export menu": State("contacts", summary("Export"), MENUS, ("contacts/tools.html: Export",)),
    "columns": State("contacts", summary("Columns"), MENUS, ("contacts/tools.html: Columns",)),
    "shortcuts": State(
        "contacts",
        lambda page, world: page.keyboard.press("?"),
        SIGNS,
        ("dashboard/shortcuts.html: shortcuts",),
    ),
    "text cell": State("contacts", editor("firstName"), "td.editing"),
    "choice cell": State("contacts", editor("boolean"), "td.editing"),
    "date cell": State("contacts", editor("date"), "td.editing"),
    "tag picker": State("contacts", _picker, "td.editing"),
    "tag like another": State("contacts", _twin, "td.editing"),
    "zones": State("contacts", _zones, "td.editing"),
    "refused cell": State("contacts", _refused_cell, "td.editing"),
    "conflict": State("contacts", _conflict, "td.editing", ("cells.js: alertdialog",)),
    "message": State("contacts", _saved, "#toasts"),
    "bad message": State("contacts", _offline, "#toasts"),
    "selection": State("contacts", _selected, "#many"),
    "bulk tags": State("contacts", _bulk("Add tags"), SIGNS, ("contacts/list.html: many-work",)),
    "bulk field": State("contacts", _bulk("Set a field"), SIGNS),
    "bulk delete": State("contacts", _bulk("Delete"), SIGNS),
    "bulk export": State("contacts", _bulk("Export"), SIGNS, ("contacts/list.html: export-work",)),
    "refused view": State("contacts", _refused_view, MENUS, anew=True),
    "bulk delete of many": State("contacts", _many_deleted, SIGNS),
    "unsaved cell": State("contacts", _unsaved, "td.unsaved", anew=True),
    "unsaved message": State("contacts", as_it_is, "#toasts"),
    "signed out": State("contacts", _signed_out, SIGNS, ("session.js: dialog",), anew=True),
    "filters that cannot be read": State("contacts", _unreadable_filters, "body"),
    # A contact.
    "refused contact": State("contact", _filled(("#c-phone", "12"), ("#c-timezone", "x"), button="Save")),
    "moved contact": State("contact", _moved, anew=True),
    "session over": State("contact", _session_over, SIGNS, ("session.js: dialog",), anew=True),
    "refused new contact": State("new contact", _filled(("#c-phone", "12"), button="Create contact")),
    # The settings.
    "tag": State("tags", _in_dialog("Edit gold"), SIGNS, ("dialogs.js: dialog",)),
    "tag renamed like another": State("tags", _refused_rename, SIGNS),
    "field": State("custom fields", _in_dialog("Edit MRR"), SIGNS),
    "field's end": State("custom fields", _end_of_field, SIGNS),
    "refused field": State("custom fields", _filled(("#new-name", "MRR"), button="Add field")),
    "refused workspace": State("workspace", _filled(("#w-timezone", "x"), button="Save")),
    "refused new workspace": State("new workspace", _filled(("#w-name", ""), button="Create workspace")),
    "new key": State("API keys", _new_key),
    "new link": State("person", _new_link),
    "refused invitation": State("people", _filled(("#email", "x"), button="Create invitation link")),
    "refused password": State("account", _filled(("#current", "x"), button="Change password")),
    "refused hours": State(
        "new send window",
        _filled(("[name=mon-to]", "09:00"), ("#name", ""), button="Create send window"),
    ),
    # Before the dashboard.
    "refused sign-in": State("sign-in", _filled(("#email", "x"), ("#password", "x"), button="Sign in")),
    "refused set-up": State("set-up", _filled(("#email", "x"), ("#password", "x"), button="Start")),
    # A viewer, who sees no forms.
    "viewer's grid": State("contacts", as_it_is, "body", role="viewer"),
    "viewer's contact": State("contact", as_it_is, role="viewer"),
    "viewer's workspace": State("workspace", as_it_is, role="viewer"),
    "viewer's fields": State("custom fields", as_it_is, role="viewer"),
    "viewer's send window": State("send window", as_it_is, role="viewer"),
    "forbidden": State("API keys", as_it_is, "body", role="viewer"),
}
PANELS = {
    "overview/growth.html: As a table": "whole overview",
    "workspaces/workspace.html: Delete this workspace…": "workspace",
    "contacts/contact.html: Purge…": "contact",
    "contacts/consent.html: Change": "contact",
    "keys/keys.html: Create a key": "API keys",
    "keys/keys.html: Rate limit": "API keys",
    "keys/keys.html: Revoke…": "API keys",
    "keys/keys.html: revoked or expired": "API keys",
    "send_windows/window.html: Start from hours that a law allows": "new send window",
    "send_windows/window.html: Delete…": "send window",
    "tags/edit.html: Merge into another tag…": "tag",
    "tags/edit.html: Delete this tag…": "tag",
    "people/person.html: Disable…": "person",
    "people/people.html: Invite a user": "people",
    "people/people.html: disabled": "people",
}
"""Panels (<details>) of pages, each with a page that has it; they are all open when axe looks at the page."""

_OPENER = re.compile(r"<(dialog)\b([^>]*)>|<(details)\b(.*?)</summary>", re.DOTALL)
_IN_SCRIPT = re.compile(r'"role", "((?:alert)?dialog)"|createElement\("(dialog|details)"\)|(popover)')


def openers() -> Iterator[str]:
    """What can be opened: every <dialog> and <details> of the templates, and what scripts make."""
    for path in sorted(PACKAGE.rglob("*.html")):
        text = re.sub(r"{#.*?#}", "", path.read_text("utf-8"), flags=re.DOTALL)
        place = f"{path.parent.parent.name}/{path.name}"
        assert "popover" not in text, f"{place}: a popover needs a rule here"
        for number, found in enumerate(_OPENER.finditer(text), 1):
            yield f"{place}: {_name(found) or number}"
    for path in sorted((PACKAGE / "dashboard" / "static" / "app").glob("*.js")):
        for found in _IN_SCRIPT.finditer(path.read_text("utf-8")):
            yield f"{path.name}: {found[1] or found[2] or found[3]}"


def _name(found: re.Match[str]) -> str:
    """The id of a dialog, or the words of the summary of a panel."""
    if found[1]:
        return "".join(re.findall(r'\bid="([\w-]+)"', found[2]))
    words = re.sub(r"{{.*?}}|{%.*?%}", "", found[4].partition("<summary")[2])
    return re.sub(r"<[^>]*>", "", words.partition(">")[2]).strip()
