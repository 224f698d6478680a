"""Who may see which page: every page of the table, asked for by everybody who must not have it.

The cases are held against the table of operations: a page that has no case fails the suite.
"""

import re
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from contactory.access.user import PERMISSION_OF_ROLE
from contactory.app import OPERATIONS
from contactory.base.ids import new_id
from contactory.contacts.pages.saved_views import make_view
from contactory.rules.actor import PERMISSIONS
from tests.world import PASSWORD, Person, World, an_email

PAGES = {operation.id: operation for operation in OPERATIONS if operation.page and operation.permission}


class Case(NamedTuple):
    """A page, aimed at something; `{name}` stands for a value of the target."""

    page: str
    url: str
    form: dict[str, Any] = {}
    permission: str | None = None
    """Where the form needs more than the page does."""
    whole_account: bool = False
    """Whether somebody who may see some workspaces only is refused, whatever their role."""


IN = "/w/{workspace}"
INSIDE = {"role": "viewer", "limited": "true", "workspace": "{workspace}"}
NEW_PASSWORD = {"current": PASSWORD, "password": "battery staple", "again": "battery staple"}
HOURS = {"week": "1", "name": "{email}", "channel": "call", "mon-from": "09:00", "mon-to": "17:00"}
CASES = [
    Case("showOverview", IN + "/overview"),
    Case("showOverview", IN + "/overview?whole=1"),
    Case("showGrowth", IN + "/overview/growth?days=30"),
    Case("showTopTags", IN + "/overview/tags"),
    Case("showReach", IN + "/overview/reach?channel=email&window=Default"),
    Case("showActivity", IN + "/overview/activity"),
    Case("showWorkspaceHome", IN),
    Case("showContacts", IN + "/contacts"),
    Case("showContacts", IN + "/contacts?q=secret&where=tags:has:hidden"),
    Case("countContacts", IN + "/contacts/count"),
    Case("arrangeColumns", IN + "/contacts/layout", {"reset": "1"}),
    Case("saveView", IN + "/contacts/views", {"name": "x", "back": ""}),
    Case("deleteView", IN + "/contacts/views/{view}/delete", permission="write"),
    Case("suggestTags", IN + "/contacts/tags?q=hid"),
    Case("suggestTimeZones", IN + "/time-zones?q=new"),
    Case("changeMany", IN + "/contacts/many", {"action": "delete", "contact": "{contact}:1"}),
    Case("changeMany", IN + "/contacts/many", {"action": "set", "firstName": "x", "all": "1", "back": ""}),
    Case("exportContacts", IN + "/contacts/export", {"all": "1", "back": ""}),
    Case("exportContacts", IN + "/contacts/export", {"contact": "{contact}", "format": "jsonl"}),
    Case("showNewContact", IN + "/contacts/new"),
    Case("makeContact", IN + "/contacts/new", {"firstName": "Mallory"}),
    Case("showContact", IN + "/contacts/{contact}"),
    Case("showContact", IN + "/contacts/{deleted}", permission="admin"),
    Case("saveContact", IN + "/contacts/{contact}", {"firstName": "Mallory"}),
    Case("showContactReach", IN + "/contacts/{contact}/reach"),
    Case("saveConsent", IN + "/contacts/{contact}/consent", {"doNotContact": "true"}),
    Case("undoChange", IN + "/contacts/{contact}/undo", {"version": "2"}),
    Case("deleteContactPage", IN + "/contacts/{contact}/delete"),
    Case("restoreContactPage", IN + "/contacts/{deleted}/restore"),
    Case("purgeContactPage", IN + "/contacts/{contact}/purge", {"word": "purge"}),
    Case("purgeContactPage", IN + "/contacts/{deleted}/purge", {"word": "purge"}),
    Case("showRow", IN + "/contacts/{contact}/row"),
    Case("editCell", IN + "/contacts/{contact}/row", {"firstName": "Mallory"}),
    Case("showSettings", IN + "/settings"),
    Case("showWorkspace", IN + "/settings/workspace"),
    Case("saveWorkspace", IN + "/settings/workspace", {"name": "Mallory"}),
    Case("showNewWorkspace", IN + "/settings/workspace/new", whole_account=True),
    Case(
        "makeWorkspace",
        IN + "/settings/workspace/new",
        {"name": "Mallory", "mode": "live"},
        whole_account=True,
    ),
    Case("deleteWorkspacePage", IN + "/settings/workspace/delete", {"confirm": "Acme"}, whole_account=True),
    Case("showFields", IN + "/settings/custom-fields"),
    Case("countValues", IN + "/settings/custom-fields/counts?of={field}"),
    Case("makeField", IN + "/settings/custom-fields", {"name": "Mallory", "type": "text"}),
    Case("showField", IN + "/settings/custom-fields/{field}"),
    Case("saveField", IN + "/settings/custom-fields/{field}", {"name": "Mallory"}),
    Case("moveField", IN + "/settings/custom-fields/{field}/position", {"to": "0"}),
    Case("askToDeleteField", IN + "/settings/custom-fields/{field}/delete"),
    Case("deleteFieldPage", IN + "/settings/custom-fields/{field}/delete", {"name": "Secret field"}),
    Case("showTags", IN + "/settings/tags?q=hid"),
    Case("countTags", IN + "/settings/tags/counts?of={tag}"),
    Case("showTag", IN + "/settings/tags/{tag}"),
    Case("renameTagPage", IN + "/settings/tags/{tag}", {"name": "Mallory"}),
    Case("mergeTagPage", IN + "/settings/tags/{tag}/merge", {"into": "other"}),
    Case("deleteTagPage", IN + "/settings/tags/{tag}/delete"),
    Case("showApiKeys", IN + "/settings/api-keys"),
    Case("makeApiKey", IN + "/settings/api-keys", {"name": "Mallory"}),
    Case("revokeApiKeyPage", IN + "/settings/api-keys/{key}/revoke"),
    Case("showPeople", IN + "/settings/people"),
    Case("invite", IN + "/settings/people", {"email": "{email}", **INSIDE}),
    Case("showPerson", IN + "/settings/people/{person}"),
    Case("changePerson", IN + "/settings/people/{person}", INSIDE),
    Case("makePersonLink", IN + "/settings/people/{person}/link"),
    Case("disablePerson", IN + "/settings/people/{person}/disable"),
    Case("enablePerson", IN + "/settings/people/{person}/enable"),
    Case("showAccount", IN + "/settings/account"),
    Case("rename", IN + "/settings/account", {"name": "Mallory"}),
    Case("changePassword", IN + "/settings/account/password", NEW_PASSWORD),
    Case("signOutElsewhere", IN + "/settings/account/sessions"),
    Case("showSendWindows", IN + "/settings/send-windows"),
    Case("showNewSendWindow", IN + "/settings/send-windows/new?preset=fr"),
    Case("makeSendWindow", IN + "/settings/send-windows/new", HOURS),
    Case("showSendWindow", IN + "/settings/send-windows/{window}"),
    Case("saveSendWindow", IN + "/settings/send-windows/{window}", HOURS),
    Case("showJobs", IN + "/settings/jobs"),
    Case("showJobs", IN + "/settings/jobs?cursor={job}"),
    Case("showJob", IN + "/settings/jobs/{job}"),
    Case("downloadJobProblems", IN + "/settings/jobs/{job}/problems"),
    Case("cancelJobPage", IN + "/settings/jobs/{job}/cancel"),
    Case("deleteSendWindowPage", IN + "/settings/send-windows/{window}/delete"),
]
IDS = [f"{case.page}-{i}" for i, case in enumerate(CASES)]


def target(world: World, workspace_id: str) -> dict[str, str]:
    """What the cases aim at in a workspace of Acme's."""
    contact = world.ada.made(workspaceId=workspace_id, firstName="Secret", tags=["hidden", "other"])
    world.ada.patch(contact["id"], {"lastName": "Secret"})
    gone = world.ada.made(workspaceId=workspace_id, firstName="Secret")
    world.ada.remove(gone["id"])
    making = make_view(world.sql.conn, workspace_id, new_id(), "Secret", "", shared=True)
    ids = {"contact": contact["id"], "deleted": gone["id"], "view": world.sql.run(making)}
    ids |= {"field": _field(world, workspace_id), "tag": _tag(world, workspace_id)}
    key = world.caller(workspace_id, name="Secret").key_id
    person = world.person("viewer", name="Secret", workspace_ids=[workspace_id]).user_id
    window = {"workspaceId": workspace_id, "preset": "fr", "name": f"Secret {new_id()}"}
    made = world.ada.post("/v1/send-windows", window).json()["id"]
    ids |= {"key": key, "person": person, "window": made, "email": an_email()}
    ids["job"] = world.job(workspace_id)
    return {"workspace": workspace_id, **ids}


def _field(world: World, workspace_id: str) -> str:
    query = "select id::text from custom_fields where workspace_id = $1 and name = 'Secret field'"
    return world.sql.value(query, workspace_id) or world.field("Secret field", workspace_id=workspace_id)


def _tag(world: World, workspace_id: str) -> str:
    query = "select id from tags where workspace_id = $1 and name = 'hidden' and deleted_at is null"
    return str(world.sql.value(f"{query} and merged_into is null", workspace_id))


def never() -> dict[str, str]:
    names = ("workspace", "contact", "deleted", "view", "field", "key", "person", "window", "job", "email")
    return {**{name: new_id() for name in names}, "tag": "999999999"}


def ask(person: Person, case: Case, aimed: dict[str, str]) -> Any:
    url = case.url.format(**aimed)
    if PAGES[case.page].method == "POST":
        return person.post(url, {name: value.format(**aimed) for name, value in case.form.items()})
    return person.get(url)


def text_of(answer: Any, aimed: dict[str, str]) -> str:
    text = re.sub(r"request [\w-]+", "", answer.text)
    for name, value in aimed.items():
        if name != "tag":  # A small number, which stands in many places.
            text = text.replace(value, f"<{name}>")
    return text


def test_every_page_has_a_case() -> None:
    assert {case.page for case in CASES} == PAGES.keys()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_what_a_person_may_not_see_is_not_there(world: World, case: Case) -> None:
    aimed, unused = target(world, world.acme), never()
    outsiders = {
        "another account": world.person(account_id=world.globex_account_id),
        "limited to another workspace": world.person(workspace_ids=[world.acme_two]),
        "limited to none": world.person(workspace_ids=[]),
    }
    history = world.alice.history(aimed["contact"]).json()
    for who, outsider in outsiders.items():
        real, unknown = ask(outsider, case, aimed), ask(outsider, case, unused)
        assert real.status_code == 404, who
        assert text_of(real, aimed) == text_of(unknown, unused), who
        assert "Secret" not in real.text
    assert world.alice.history(aimed["contact"]).json() == history


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_role_that_may_not_do_it_is_refused(world: World, case: Case) -> None:
    needed = case.permission or str(PAGES[case.page].permission)
    aimed = target(world, world.acme)
    history = world.alice.history(aimed["contact"]).json()
    for role, permission in PERMISSION_OF_ROLE.items():
        if PERMISSIONS.index(permission) < PERMISSIONS.index(needed):
            answer = ask(world.person(role), case, aimed)
            # What only its state hides is not there; what the role forbids is said to be forbidden.
            assert answer.status_code == (404 if case.url.endswith("{deleted}") else 403), role
            assert "role" in answer.text or answer.status_code == 404
    assert world.alice.history(aimed["contact"]).json() == history


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_whoever_may_do_it_can(world: World, case: Case) -> None:
    needed = case.permission or str(PAGES[case.page].permission)
    for role, permission in PERMISSION_OF_ROLE.items():
        if PERMISSIONS.index(permission) >= PERMISSIONS.index(needed):
            # In a workspace of its own: some of it can be done once only.
            answer = ask(world.person(role), case, target(world, world.workspace("Acme")))
            assert answer.status_code in (200, 303), (role, answer.text)
    own = world.workspace("Acme")
    limited = world.person("owner", workspace_ids=[own])
    answer = ask(limited, case, target(world, own))
    assert answer.status_code in ((403,) if case.whole_account else (200, 303))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_nobody_sees_a_page_without_signing_in(world: World, case: Case) -> None:
    stranger = Person(world.http, "", "", "nobody", "nobody")
    answer = ask(stranger, case, target(world, world.acme))
    assert answer.status_code in (303, 403)
    assert "Secret" not in answer.text


def test_a_deleted_workspace_is_not_there(world: World) -> None:
    olive = world.person()
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 200
    assert world.ada.delete(f"/v1/workspaces/{world.acme}").status_code == 204
    assert olive.get(f"/w/{world.acme}/contacts").status_code == 404
    assert olive.get("/").headers["location"] == f"/w/{world.acme_two}/overview"


def test_an_api_key_opens_no_page_and_a_session_no_api(world: World) -> None:
    olive = world.person()
    key = {"authorization": f"Bearer {world.alice.key}"}
    assert world.http.get(f"/w/{world.acme}/contacts", headers=key).status_code == 303
    assert olive.get("/v1/contacts", workspaceId=world.acme).status_code == 401


@pytest.mark.parametrize(
    "path", ["/w/x/contacts", "/w//contacts", "/w/{id}/nothing", "/w/x", "/nothing", "/w/{id}/settings/no/no"]
)
def test_what_is_no_page_is_not_found_and_a_browser_gets_a_page_that_leads_on(
    world: World, path: str
) -> None:
    olive, url = world.person(), path.format(id=world.acme)
    answer = olive.http.get(url, headers={**olive.cookie, "accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "This page does not exist" in answer.text
    assert '<a class="button" href="/">' in answer.text
    assert "/docs" not in answer.text.partition("<main>")[2].partition("</main>")[0]
    for accept in ("*/*", "application/json"):
        problem = olive.http.get(url, headers={"accept": accept, "hx-request": "true", **olive.cookie})
        assert (problem.status_code, problem.json()["type"]) == (404, "/errors/not-found")
    # Below the API, also a browser gets what programs get.
    api = world.http.get("/v1/nothing", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_the_address_of_a_form_says_that_it_has_nothing_to_show(world: World) -> None:
    answer = world.http.get("/sign-out", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert "there is nothing to show" in answer.text
    assert world.http.get("/sign-out").json()["status"] == 405


def test_addresses_that_people_guess_lead_to_a_page(world: World) -> None:
    olive, inside = world.person(), f"/w/{world.acme}"
    assert olive.get(inside).headers["location"] == f"{inside}/contacts"
    assert olive.get(f"{inside}/").headers["location"] == f"{inside}/contacts"
    assert world.http.get(inside).headers["location"] == f"/sign-in?next={quote(inside, safe='')}"
    assert olive.get("/w").headers["location"] == f"{inside}/overview"
    assert world.http.get("/login").headers["location"] == "/sign-in"
    led = world.http.get("/login", params={"next": f"{inside}/contacts?q=x&sort=email"}).headers["location"]
    assert httpx.URL(led).params["next"] == f"{inside}/contacts?q=x&sort=email"
    assert world.http.get("/login?next=//evil.example").headers["location"] == "/sign-in?next=%2F"


def test_an_empty_account_says_so(world: World) -> None:
    alone = world.person(account_id=world.account("Empty"))
    answer = alone.get("/")
    assert answer.status_code == 200
    assert "No workspace yet" in answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/w/{id}/contacts"])
def test_a_page_is_shown_in_no_frame_and_kept_nowhere(world: World, path: str) -> None:
    headers = world.person().get(path.format(id=world.acme)).headers
    if path == "/sign-in":
        headers = world.http.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "form-action 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
