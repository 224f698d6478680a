"""The operations on workspaces."""

import msgspec

from contactory.checks import Errors, Form, Object, quote
from contactory.errors import FieldError, Forbidden, NotFound
from contactory.http import Response, json_response
from contactory.invalid import Invalid
from contactory.operations import Call
from contactory.paging import page_response, page_size
from contactory.workspaces import store
from contactory.workspaces.model import FIELDS, MODE, Workspace, attributes, take_phone

CREATE = Form({"mode": MODE, **FIELDS}, required=("name",))
UPDATE = Form(FIELDS, some=True)


def visible(call: Call) -> str:
    """The id in the path. Raises NotFound where it is not the workspace of a workspace-scoped key."""
    workspace_id = call.path_id()
    if call.actor.workspace_id not in (None, workspace_id):
        raise NotFound
    return workspace_id


def need_account_key(call: Call) -> None:
    """Raises Forbidden for a workspace-scoped key."""
    if call.actor.workspace_id is not None:
        raise Forbidden(
            "This API key is scoped to one workspace; the operation needs one of the whole account."
        )


async def list_workspaces(call: Call) -> Response:
    """The workspaces that the key can see."""
    actor = call.actor
    async with call.connection() as conn:
        if actor.workspace_id is not None:
            own = await store.get_workspace(conn, actor.account_id, actor.mode, actor.workspace_id)
            return json_response(200, [own])
        found = await store.list_workspaces(
            conn, actor.account_id, actor.mode, after=call.query.get("cursor"), limit=page_size(call)
        )
    return page_response(call, found)


async def create_workspace(call: Call) -> Response:
    """Makes a workspace in the key's mode."""
    need_account_key(call)
    errors = Errors()
    values = CREATE.collect(call.body, errors)
    take_phone(values, None, errors)
    mode = values.pop("mode", call.actor.mode)
    errors.check()
    if mode != call.actor.mode:
        where = FieldError(
            "/mode", None, "wrong_mode", f"must be {call.actor.mode}, the mode of this API key"
        )
        raise Forbidden("An API key makes workspaces of its own mode.", [where])
    account_id = call.actor.account_id
    async with call.transaction() as conn:
        made_id = await store.create_workspace(conn, account_id, mode=mode, **attributes(values))
        made = await store.get_workspace(conn, account_id, mode, made_id)
    return json_response(201, made, [("location", f"/v1/workspaces/{made.id}")])


async def get_workspace(call: Call) -> Response:
    """One workspace."""
    workspace_id = visible(call)
    async with call.connection() as conn:
        found = await store.get_workspace(conn, call.actor.account_id, call.actor.mode, workspace_id)
    return json_response(200, found)


async def update_workspace(call: Call) -> Response:
    """Changes only what is sent."""
    actor, workspace_id = call.actor, visible(call)
    call.changed_catalogs.add(workspace_id)
    async with call.transaction() as conn:
        stored = await store.get_workspace(conn, actor.account_id, actor.mode, workspace_id, lock=True)
        wanted = msgspec.structs.replace(stored, **_changes(call.body, stored))
        changed = await store.update_workspace(conn, stored, wanted)
    return json_response(200, changed)


def _changes(body: Object, stored: Workspace) -> Object:
    errors = Errors()
    if body.pop("mode", None) is not None:
        detail = f"mode is fixed when a workspace is made: this one is {quote(stored.mode)}"
        errors.add(Invalid("fixed", detail), "mode")
    values = UPDATE.collect(body, errors)
    take_phone(values, stored.country, errors)
    errors.check()
    return attributes(values)


async def delete_workspace(call: Call) -> Response:
    """Deletes a workspace, and with it everything that it holds."""
    need_account_key(call)
    workspace_id = visible(call)
    call.changed_catalogs.add(workspace_id)
    async with call.transaction() as conn:
        revoked = await store.delete_workspace(conn, call.actor.account_id, call.actor.mode, workspace_id)
    for key_id in revoked:
        call.app.keys.forget(key_id)
    return Response(204)
