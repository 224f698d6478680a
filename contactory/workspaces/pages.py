"""The settings of a workspace, and the form for a new one."""

from typing import Any, NamedTuple

import msgspec

from contactory.access.users import list_workspaces_of
from contactory.dashboard.guess import COUNTRY_CHOICES, guessed_country
from contactory.dashboard.html import SETTINGS, errors_by_field, see_other, status_of
from contactory.dashboard.inputs import DONE, confirms, touched
from contactory.dashboard.visits import done_of, html_page, page_path, visit_of
from contactory.local_time.zones import is_zone
from contactory.rules.checks import Object
from contactory.rules.errors import Conflict, FieldError, Forbidden, NotFound, Problem, ValidationProblem
from contactory.values.countries import COUNTRIES
from contactory.web.messages import Response
from contactory.web.operations import Call, workspace_page
from contactory.workspaces.api import change_workspace, checked_new, make_workspace, remove_workspace
from contactory.workspaces.model import FIELDS, Workspace
from contactory.workspaces.store import get_workspace


class Input(NamedTuple):
    """A field of the form."""

    name: str
    """The name in the API."""
    title: str
    kind: str = "text"
    note: str = ""


class Group(NamedTuple):
    """A group of fields."""

    title: str
    note: str
    inputs: tuple[Input, ...]


_HERE = "settings"
_NAMED = Input("name", "Name")
_DEFAULTS = Group(
    "Where your contacts are",
    "Applies to later changes; existing contacts do not change.",
    (
        Input("timezone", "Time zone", "zone", "For contacts whose phone does not give one."),
        Input("country", "Country", "country", "Phones without a country code are read in this country."),
    ),
)
GROUPS = (
    Group(
        "About the workspace",
        "",
        (_NAMED, Input("icon", "Icon"), Input("description", "Description", "long")),
    ),
    _DEFAULTS,
    Group(
        "Contact details",
        "For your own records. The API shows it to every key that can read the workspace.",
        (
            Input("contactName", "Contact name"),
            Input("contactEmail", "Contact e-mail", "email"),
            Input("contactPhone", "Contact phone", "tel"),
            Input("streetAddress", "Street address"),
            Input("zip", "Postcode"),
            Input("state", "State or region"),
            Input("businessRegistrationNumber", "Business registration number"),
        ),
    ),
)
_FIRST = (Group("", "", (_NAMED,)), _DEFAULTS._replace(note=""))
_MESSAGES = {
    "saved": "Workspace saved.",
    "made": "Workspace created. You are in it now.",
    "same": "Nothing has changed.",
}
_LIMITED = "You do not see all workspaces of the account: ask a user who sees all of them to do this."


async def show_settings(call: Call) -> Response:
    """Redirects to the first page of the settings that the user may see."""
    for place in SETTINGS:
        if call.actor.may(place.permission):
            return see_other(page_path(call, place.path))
    raise NotFound


async def _read(call: Call) -> Workspace:
    actor = call.actor
    async with call.connection() as conn:
        return await get_workspace(conn, actor.account_id, actor.mode, actor.workspace_id or "")


def _texts(workspace: Workspace) -> dict[str, str]:
    """The texts of the inputs for a workspace."""
    given: Object = msgspec.to_builtins(workspace)
    return {name: given[name] or "" for name in FIELDS}


def _countries(known: str) -> list[tuple[str, str]]:
    """The countries to choose from, including the current one if it is not in the list."""
    return COUNTRY_CHOICES if not known or known in COUNTRIES else [*COUNTRY_CHOICES, (known, known)]


async def show_workspace(call: Call) -> Response:
    """A workspace, with a form for all its fields."""
    workspace = await _read(call)
    return await _page(call, workspace, _texts(workspace))


async def _page(
    call: Call, workspace: Workspace, typed: dict[str, str], problem: Problem | None = None, now: bool = False
) -> Response:
    """The page; with `now`, the current values are shown below the typed ones."""
    stored = _texts(workspace)
    shown: dict[str, Any] = {
        "workspace": workspace,
        "groups": GROUPS,
        "countries": _countries(stored["country"]),
        "typed": {**stored, **typed},
        "errors": errors_by_field(problem),
        "now": {name: stored[name] for name in touched(typed, stored) if now},
        "facts": _facts(stored),
        "done": done_of(call, _MESSAGES),
        "whole_account": not visit_of(call).person.limited,
        "here": page_path(call, _HERE),
    }
    return await html_page(call, "workspaces/workspace.html", status_of(problem), **shown)


def _facts(texts: dict[str, str]) -> list[tuple[str, str]]:
    """The view for users who may not change it: titles and values, if there are any."""
    shown = {**texts, "country": COUNTRIES.get(texts["country"], texts["country"])}
    inputs = [given for group in GROUPS for given in group.inputs]
    return [(i.title, shown[i.name]) for i in inputs if shown[i.name] or i in _DEFAULTS.inputs]


def _values(typed: dict[str, str]) -> Object:
    """The typed values in the shape of the API: an empty time zone is null."""
    return {**typed, "timezone": typed["timezone"] or None} if "timezone" in typed else {**typed}


async def save_workspace(call: Call) -> Response:
    """Changes the values that differ; a refused form is shown again with its errors."""
    before = await _read(call)
    typed = {name: text for name, text in visit_of(call).texts.items() if name in FIELDS}
    changes = touched(typed, _texts(before))
    if typed and not changes:
        return see_other(page_path(call, f"{_HERE}/workspace?done=same"))
    try:
        after = await change_workspace(
            call, before.id, _values(changes), visit_of(call).value("seen") or None
        )
    except ValidationProblem as problem:
        return await _page(call, before, typed, problem)
    except Conflict as problem:
        return await _page(call, await _read(call), typed, problem, now=True)
    return see_other(page_path(call, f"{_HERE}/workspace?done={'same' if after == before else 'saved'}"))


def _need_whole_account(call: Call) -> None:
    """Raises Forbidden for users who do not see every workspace, like the API for workspace-scoped keys."""
    if visit_of(call).person.limited:
        raise Forbidden(_LIMITED)


async def show_new_workspace(call: Call) -> Response:
    """The form for another workspace."""
    _need_whole_account(call)
    here = await _read(call)
    # Only possible values: others would be refused although they were not typed.
    zone = here.timezone if is_zone(here.timezone or "") else None
    country = here.country if here.country in COUNTRIES else None
    known = {
        "mode": "live",
        "name": "",
        "timezone": zone or "",
        "country": country or guessed_country(call.request),
    }
    return await _new_page(call, known)


async def _new_page(call: Call, typed: dict[str, str], problem: Problem | None = None) -> Response:
    shown: dict[str, Any] = {
        "groups": _FIRST,
        "countries": COUNTRY_CHOICES,
        "typed": typed,
        "errors": errors_by_field(problem),
        "now": {},
        "here": page_path(call, _HERE),
    }
    return await html_page(call, "workspaces/new.html", status_of(problem), **shown)


async def make_another_workspace(call: Call) -> Response:
    """Creates a workspace of the account, live or test, and redirects to it."""
    _need_whole_account(call)
    typed = {name: visit_of(call).value(name) for name in ("name", "timezone", "country", "mode")}
    try:
        values = checked_new(_values(typed))
    except ValidationProblem as problem:
        return await _new_page(call, typed, problem)
    made = await make_workspace(call, values.pop("mode"), values)
    return see_other(f"/w/{made.id}/settings/workspace?done=made")


async def delete_this_workspace(call: Call) -> Response:
    """Deletes the workspace with everything in it, if its name was typed."""
    _need_whole_account(call)
    workspace = await _read(call)
    try:
        await _check_deletion(call, workspace)
    except (ValidationProblem, Conflict) as problem:
        return await _page(call, workspace, {}, problem)
    await remove_workspace(call, workspace.id)
    return see_other("/")


async def _check_deletion(call: Call, workspace: Workspace) -> None:
    if not confirms(visit_of(call).value("confirm"), workspace.name):
        detail = "Nothing was deleted: type the name of the workspace to delete it"
        raise ValidationProblem(detail, [FieldError("/confirm", None, "unknown_value", detail)])
    async with call.connection() as conn:
        if len(await list_workspaces_of(conn, visit_of(call).person)) == 1:
            # Without a workspace there is no page from which to create one.
            raise Conflict(_ONLY)


_ONLY = "This is the only workspace of the account: create another one before you delete it."
_WORKSPACE = "settings/workspace"
WORKSPACE_PAGES = [
    workspace_page("showSettings", "GET", "settings", "The settings", show_settings),
    workspace_page("showWorkspace", "GET", _WORKSPACE, "The workspace", show_workspace, query=DONE),
    workspace_page("saveWorkspace", "POST", _WORKSPACE, "Change the workspace", save_workspace, "admin"),
    workspace_page(
        "showNewWorkspace", "GET", f"{_WORKSPACE}/new", "Another workspace", show_new_workspace, "admin"
    ),
    workspace_page(
        "makeWorkspace", "POST", f"{_WORKSPACE}/new", "Make a workspace", make_another_workspace, "admin"
    ),
    workspace_page(
        "deleteWorkspacePage", "POST", f"{_WORKSPACE}/delete", "Delete it", delete_this_workspace, "admin"
    ),
]
