"""The settings of custom fields: the ordered list, and a page to rename, retype or delete a field."""

from typing import Any

from contactory.dashboard.html import errors_by_field, see_other, status_of
from contactory.dashboard.inputs import DONE, confirms, touched
from contactory.dashboard.visits import (
    done_of,
    html_page,
    html_page_or_part,
    html_part,
    page_path,
    visit_of,
    wants_page,
)
from contactory.fields import store
from contactory.fields.api import change_field, field_of, make_field, remove_field
from contactory.fields.model import CREATE, UPDATE, CustomField, FieldPatch
from contactory.rules.checks import ID, quote
from contactory.rules.errors import Conflict, FieldError, Problem, ValidationProblem
from contactory.values.field_types.registry import FIELD_TYPES, type_of
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call, workspace_page

_HERE = "settings/custom-fields"
_MESSAGES = {
    "made": "Field created.",
    "saved": "Field saved.",
    "moved": "Field moved.",
    "deleted": "Field deleted.",
}


def _titles(*fields: CustomField) -> dict[str, str]:
    """The titles of the types: those that a field can get, and those of the given fields."""
    names = [*FIELD_TYPES, *(field.type for field in fields)]
    return {name: type_of(name).title for name in names}


async def show_fields(call: Call) -> Response:
    """The fields, in their order."""
    return await _list_page(call)


async def _list_page(
    call: Call, typed: dict[str, str] | None = None, problem: Problem | None = None
) -> Response:
    async with call.connection() as conn:
        fields = await store.list_fields(conn, call.workspace_id)
    shown: dict[str, Any] = {
        "fields": fields,
        "titles": _titles(*fields),
        "offered": _titles(),
        "typed": typed or {"name": "", "type": next(iter(FIELD_TYPES))},
        "errors": errors_by_field(problem),
        "done": done_of(call, _MESSAGES),
        "message": None,
        "counted": store.COUNTED,
        "here": page_path(call, _HERE),
    }
    return await html_page(call, "fields/list.html", status_of(problem), **shown)


async def count_values(call: Call) -> Response:
    """The number of contacts with a value, for each of a few fields; for a script."""
    async with call.connection() as conn:
        return json_response(200, await store.count_values(conn, call.workspace_id, call.query.get("of", [])))


async def make_field_page(call: Call) -> Response:
    """Creates a field."""
    typed = {name: visit_of(call).value(name) for name in ("name", "type")}
    try:
        await make_field(call, call.workspace_id, FieldPatch(**CREATE.parse(typed)))
    except (ValidationProblem, Conflict) as problem:
        return await _list_page(call, typed, problem)
    return see_other(page_path(call, f"{_HERE}?done=made"))


async def show_field(call: Call) -> Response:
    """One field: its name and type."""
    field = await field_of(call)
    return await _field_page(call, field, {"name": field.name, "type": field.type})


async def _field_page(
    call: Call, field: CustomField, typed: dict[str, str], problem: Problem | None = None
) -> Response:
    misfits = [error for error in problem.errors if error.contact_id] if problem else []
    errors = errors_by_field(problem)
    if problem and misfits:
        errors = {"type": problem.detail}
    shown = {"field": field, "titles": _titles(field), "typed": typed, "errors": errors, "misfits": misfits}
    status = status_of(problem)
    return await html_page_or_part(
        call, "fields/field.html", "fields/edit.html", status, here=page_path(call, _HERE), **shown
    )


async def save_field(call: Call) -> Response:
    """Renames a field, or changes its type if every value fits it."""
    field = await field_of(call)
    known = {"name": field.name, "type": field.type}
    typed = {name: text for name, text in visit_of(call).texts.items() if name in known}
    changes = touched(typed, known)
    if typed and not changes:
        return _done(call, "saved", field)
    try:
        changed = await change_field(call, field, FieldPatch(**UPDATE.parse({**changes})))
    except (ValidationProblem, Conflict) as problem:
        return await _field_page(call, field, known | typed, problem)
    return _done(call, "saved", changed)


def _done(call: Call, done: str, *fields: CustomField) -> Response:
    """Redirects to the list; for a script the current rows and a message."""
    if wants_page(call.request):
        return see_other(page_path(call, f"{_HERE}?done={done}"))
    titles = _titles(*fields)
    return html_part(
        call,
        "fields/rows.html",
        fields=fields,
        titles=titles,
        message=_MESSAGES[done],
        here=page_path(call, _HERE),
    )


async def move_field(call: Call) -> Response:
    """Moves a field to another position, counted from 0."""
    field, sent = await field_of(call), visit_of(call).value("to")
    number = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else sent
    await change_field(call, field, FieldPatch(**UPDATE.parse({"position": number})))
    return see_other(page_path(call, f"{_HERE}?done=moved")) if wants_page(call.request) else Response(204)


async def ask_to_delete(call: Call) -> Response:
    """Shows what the deletion of a field would delete."""
    return await _delete_page(call, await field_of(call))


async def _delete_page(call: Call, field: CustomField, problem: Problem | None = None) -> Response:
    async with call.connection() as conn:
        counts = await store.count_values(conn, field.workspace_id, [field.id])
    shown = {
        "field": field,
        "count": counts.get(field.id, 0),
        "errors": errors_by_field(problem),
    }
    status = status_of(problem)
    return await html_page_or_part(
        call, "fields/delete.html", "fields/confirm.html", status, here=page_path(call, _HERE), **shown
    )


async def delete_field(call: Call) -> Response:
    """Deletes a field and its values, if its name was typed."""
    field = await field_of(call)
    try:
        _check_name(field, visit_of(call).value("name"))
    except ValidationProblem as problem:
        return await _delete_page(call, field, problem)
    await remove_field(call, field)
    return _done(call, "deleted")


def _check_name(field: CustomField, typed: str) -> None:
    if not confirms(typed, field.name):
        detail = f"Nothing was deleted: type {quote(field.name)} to delete the field"
        raise ValidationProblem(detail, [FieldError("/name", None, "unknown_value", detail)])


_FIELDS, _FIELD = "settings/custom-fields", "settings/custom-fields/{id}"
_COUNT_QUERY = {"of": ID._replace(many=True)}
FIELD_PAGES = [
    workspace_page("showFields", "GET", _FIELDS, "Show the custom fields", show_fields, query=DONE),
    workspace_page(
        "countValues", "GET", f"{_FIELDS}/counts", "Count values", count_values, query=_COUNT_QUERY
    ),
    workspace_page("makeField", "POST", _FIELDS, "Create a custom field", make_field_page, "write"),
    workspace_page("showField", "GET", _FIELD, "A custom field", show_field, "write"),
    workspace_page("saveField", "POST", _FIELD, "Change a custom field", save_field, "write"),
    workspace_page("moveField", "POST", f"{_FIELD}/position", "Move a custom field", move_field, "write"),
    workspace_page("askToDeleteField", "GET", f"{_FIELD}/delete", "What goes", ask_to_delete, "admin"),
    workspace_page("deleteFieldPage", "POST", f"{_FIELD}/delete", "Delete a field", delete_field, "admin"),
]
