"""The operations on workspaces."""

from functools import partial

import msgspec

from contactory.access.keys import Keys
from contactory.catalog.calls import changing_catalog
from contactory.rules.checks import Errors, Form, Object, quote
from contactory.rules.errors import Conflict, FieldError, Forbidden, NotFound
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import page_response, page_size
from contactory.workspaces import store
from contactory.workspaces.model import FIELDS, MODE, Workspace, attributes, take_phone

CREATE = Form({"mode": MODE, **FIELDS}, required=("name",))
UPDATE = Form(FIELDS, some=True)


def visible(call: Call) -> str:
    """The id in the path. Raises NotFound if it is not the workspace of a workspace-scoped key."""
    workspace_id = call.path_id()
    if call.actor.workspace_id not in (None, workspace_id):
        raise NotFound
    return workspace_id


def need_account_key(call: Call) -> None:
    """Raises Forbidden for a workspace-scoped key."""
    if call.actor.workspace_id is not None:
        raise Forbidden(
            "This API key is scoped to one workspace; the operation needs a key of the whole account."
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
    """Creates a workspace in the key's mode."""
    need_account_key(call)
    values = checked_new(call.body)
    mode = values.pop("mode", call.actor.mode)
    if mode != call.actor.mode:
        where = FieldError(
            "/mode", None, "wrong_mode", f"must be {call.actor.mode}, the mode of this API key"
        )
        raise Forbidden("An API key can create only workspaces of its own mode.", [where])
    made = await make_workspace(call, mode, values)
    return json_response(201, made, [("location", call.url(f"/v1/workspaces/{made.id}"))])


def checked_new(body: Object) -> Object:
    """The values of a new workspace. Raises ValidationProblem."""
    errors = Errors()
    values = CREATE.collect(body, errors)
    take_phone(values, None, errors)
    errors.check()
    return values


async def make_workspace(call: Call, mode: str, values: Object) -> Workspace:
    """Creates a workspace from the values of `checked_new`."""
    account_id = call.actor.account_id
    async with call.transaction() as conn:
        made_id = await store.create_workspace(conn, account_id, mode=mode, **attributes(values))
        return await store.get_workspace(conn, account_id, mode, made_id)


async def get_workspace(call: Call) -> Response:
    """One workspace."""
    workspace_id = visible(call)
    async with call.connection() as conn:
        found = await store.get_workspace(conn, call.actor.account_id, call.actor.mode, workspace_id)
    return json_response(200, found)


async def update_workspace(call: Call) -> Response:
    """Changes only what is sent."""
    return json_response(200, await change_workspace(call, visible(call), call.body))


async def change_workspace(call: Call, workspace_id: str, body: Object, seen: str | None = None) -> Workspace:
    """Changes the fields in `body`; with `seen` only if the workspace has not been changed since then.

    Raises ValidationProblem, NotFound, and Conflict if it has been changed since.
    """
    actor = call.actor
    async with changing_catalog(call, workspace_id) as conn:
        stored = await store.get_workspace(conn, actor.account_id, actor.mode, workspace_id, lock=True)
        if seen is not None and seen != stored.updated_at.isoformat():
            raise Conflict(_MOVED)
        wanted = msgspec.structs.replace(stored, **_changes(body, stored))
        return await store.update_workspace(conn, stored, wanted)


_MOVED = (
    "Another user has changed this workspace in the meantime. The current value is below each value that "
    "differs: check them, and save again."
)


def _changes(body: Object, stored: Workspace) -> Object:
    errors = Errors()
    if body.pop("mode", None) is not None:
        detail = f"mode cannot be changed: this workspace is {quote(stored.mode)}"
        errors.add(Invalid("fixed", detail), "mode")
    values = UPDATE.collect(body, errors)
    take_phone(values, stored.country, errors)
    errors.check()
    return attributes(values)


async def delete_workspace(call: Call) -> Response:
    """Deletes a workspace with everything in it."""
    need_account_key(call)
    await remove_workspace(call, visible(call))
    return Response(204)


async def remove_workspace(call: Call, workspace_id: str) -> None:
    """Deletes a workspace; its keys are refused from then on. Raises NotFound."""
    async with changing_catalog(call, workspace_id) as conn:
        revoked = await store.delete_workspace(conn, call.actor.account_id, call.actor.mode, workspace_id)
    for key_id in revoked:
        call.after_commit(partial(call.app.part(Keys).forget, key_id))
