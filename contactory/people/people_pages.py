"""The pages of users: the list, and forms to invite, change and disable them."""

from typing import Any

from contactory.access import users
from contactory.access.links import LASTING, make_link, make_link_for
from contactory.access.user import EMAIL, NAME, ROLE, ROLES, User
from contactory.dashboard.html import errors_by_field, see_other
from contactory.dashboard.visits import done_of, html_page, page_path, visit_of
from contactory.rules.checks import ID, Errors, Form, Object
from contactory.rules.errors import Conflict, Forbidden, NotFound, Problem, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response
from contactory.web.operations import Call

_HERE = "settings/people"
_DONE = {
    "changed": "Saved. The change applies from the user's next click on, and unused links stop working.",
    "disabled": "User disabled and signed out everywhere.",
    "enabled": "User enabled, with the same password as before.",
}
_INVITATION = Form({"email": EMAIL, "name": NAME, "role": ROLE}, ("email", "role"))
_CHANGE = Form({"role": ROLE}, ("role",))
SEES = {
    "owner": "Everything, and can create other owners. An account has at least one.",
    "admin": "Also sees deleted contacts, purges contacts, and manages keys and users.",
    "editor": "Creates, changes and deletes contacts, and manages send windows.",
    "viewer": "Sees everything, but cannot change anything.",
}


async def show_people(call: Call) -> Response:
    """The users, and a form to invite one."""
    return await _list(call)


async def _list(call: Call, status: int = 200, **values: Any) -> Response:
    person = visit_of(call).person
    async with call.connection() as conn:
        people = await users.list_users(conn, person)
        workspaces = await users.list_workspaces_of(conn, person)
    shown: dict[str, Any] = {"link": None, "typed": {}, "chosen": [], "errors": {}, **values}
    return await html_page(
        call,
        "people/people.html",
        status,
        here=page_path(call, _HERE),
        people=[user for user in people if user.status != "disabled"],
        disabled=[user for user in people if user.status == "disabled"],
        names={workspace_id: name for workspace_id, name, _ in workspaces},
        roles=roles(person),
        sees=SEES,
        **shown,
    )


def roles(person: User) -> list[str]:
    """The roles that a user may give."""
    return [role for role in ROLES if person.why_not_give(role, person.limited, person.workspace_ids) is None]


def _values(call: Call, form: Form, known: User | None = None) -> tuple[Object, list[str] | None]:
    """The form's values, and the chosen workspaces (None: all). Raises ValidationProblem.

    The form of `known`, a user without a workspace, may have none.
    """
    visit, errors = visit_of(call), Errors()
    typed = {name: visit.value(name) for name in form.rules if visit.value(name).strip()}
    values = form.collect(typed, errors)
    some = visit.value("limited") == "true" or visit.person.limited
    chosen: list[str] = []
    for sent in visit.form.get("workspace", []) if some else []:
        try:
            chosen.append(ID.parse(sent))
        except Invalid as error:
            errors.add(error, "workspace")
    if some and not chosen and not (known and known.limited and not known.workspace_ids):
        errors.add(Invalid("required", "Choose at least one workspace"), "workspace")
    errors.check()
    return values, sorted(set(chosen)) if some else None


async def invite(call: Call) -> Response:
    """Creates a user without a password, and the link to choose one.

    The link is only in this answer: a redirect would put it into an address.
    """
    visit = visit_of(call)
    try:
        values, workspace_ids = _values(call, _INVITATION)
        async with call.transaction() as conn:
            made = await users.create_user(
                conn,
                call.actor.account_id,
                values["email"],
                name=values.get("name", values["email"][0]),
                role=values["role"],
                workspace_ids=workspace_ids,
                by=visit.person,
            )
            path = await make_link(conn, "invite", made.account_id, made.id)
    except (ValidationProblem, Conflict, Forbidden, NotFound) as problem:
        return await _list(
            call,
            problem.status,
            typed=visit.texts,
            chosen=visit.form.get("workspace", []),
            errors=errors_by_field(problem),
        )
    return await _list(call, link=_link(call, made, path))


def _link(call: Call, user: User, path: str) -> dict[str, Any]:
    """A link for the page: its user, its address, and for how many days it works."""
    kind = path.split("/")[1]
    return {"user": user, "url": call.url(path), "kind": kind, "days": LASTING[kind].days}


async def show_person(call: Call) -> Response:
    """A user's role, workspaces and access."""
    return await _person(call, done=done_of(call, _DONE))


async def _person(call: Call, status: int = 200, **values: Any) -> Response:
    person, user_id = visit_of(call).person, call.path_id()
    async with call.connection() as conn:
        found = await users.find_user(conn, person, user_id)
        workspaces = await users.list_workspaces_of(conn, person)
    shown: dict[str, Any] = {"link": None, "typed": {}, "errors": {}, "done": "", **values}
    limited, chosen = found.limited, found.workspace_ids
    if shown["typed"]:
        limited, chosen = visit_of(call).value("limited") == "true", visit_of(call).form.get("workspace", [])
    return await html_page(
        call,
        "people/person.html",
        status,
        here=page_path(call, _HERE),
        found=found,
        known=workspaces,
        limited=limited,
        chosen=chosen,
        why_not=person.why_not_change(found),
        roles=roles(person),
        sees=SEES,
        **shown,
    )


async def change_person(call: Call) -> Response:
    """Changes a user's role or workspaces."""
    user_id = call.path_id()
    async with call.connection() as conn:
        known = await users.find_user(conn, visit_of(call).person, user_id)
    try:
        values, workspace_ids = _values(call, _CHANGE, known)
        async with call.transaction() as conn:
            await users.change_user(
                conn,
                call.actor.account_id,
                user_id,
                role=values["role"],
                workspace_ids=workspace_ids,
                by=visit_of(call).person,
            )
    except (ValidationProblem, Conflict, Forbidden) as problem:
        return await _refused(call, problem)
    return see_other(page_path(call, f"{_HERE}/{user_id}?done=changed"))


async def _refused(call: Call, problem: Problem) -> Response:
    return await _person(call, problem.status, typed=visit_of(call).texts, errors=errors_by_field(problem))


async def make_person_link(call: Call) -> Response:
    """A link to choose a password; it is only in this answer."""
    try:
        async with call.transaction() as conn:
            found, path = await make_link_for(
                conn, call.actor.account_id, call.path_id(), by=visit_of(call).person
            )
    except (Conflict, Forbidden) as problem:
        return await _refused(call, problem)
    return await _person(call, link=_link(call, found, path))


async def disable_person(call: Call) -> Response:
    """Disables a user and signs them out everywhere."""
    return await _switch(call, users.disable_user, "disabled")


async def enable_person(call: Call) -> Response:
    """Enables a user again."""
    return await _switch(call, users.enable_user, "enabled")


async def _switch(call: Call, switch: Any, done: str) -> Response:
    user_id = call.path_id()
    try:
        async with call.transaction() as conn:
            await switch(conn, call.actor.account_id, user_id, visit_of(call).person)
    except (Conflict, Forbidden) as problem:
        return await _refused(call, problem)
    return see_other(page_path(call, f"{_HERE}/{user_id}?done={done}"))
