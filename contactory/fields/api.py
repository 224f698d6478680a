"""The operations on custom fields."""

import msgspec

from contactory.errors import Conflict
from contactory.fields import store
from contactory.fields.model import CustomField, FieldPatch
from contactory.fields.retype import TypeChange, key_in_change, refuse_misfits
from contactory.http import Response, json_response
from contactory.operations import Call


async def list_fields(call: Call) -> Response:
    """The workspace's fields, in its order."""
    catalog = await call.catalog(call.query.get("workspaceId"))
    async with call.connection() as conn:
        return json_response(200, await store.list_fields(conn, catalog.workspace_id))


async def create_field(call: Call) -> Response:
    """Makes a field."""
    body = call.body
    workspace_id = (await call.catalog(body.pop("workspaceId", None))).workspace_id
    call.changed_catalogs.add(workspace_id)
    async with call.transaction() as conn:
        field = await store.create_field(
            conn, workspace_id, FieldPatch(**body), call.app.settings.max_custom_fields
        )
    return json_response(201, field, [("location", f"/v1/custom-fields/{field.id}")])


async def get_field(call: Call) -> Response:
    """One field."""
    return json_response(200, await _field(call))


async def _field(call: Call) -> CustomField:
    async with call.connection() as conn:
        return await store.get_field(conn, call.actor, call.path_id())


async def update_field(call: Call) -> Response:
    """Changes only what is sent; a type only where every value fits it."""
    patch, field = FieldPatch(**call.body), await _field(call)
    call.changed_catalogs.add(field.workspace_id)
    async with call.connection() as conn:
        key = await key_in_change(conn, field, patch.type)
    try:
        if key is None or patch.type is None:
            changed = await _change(call, field, msgspec.structs.replace(patch, type=None))
        elif call.dry_run:
            async with call.connection() as conn:
                await refuse_misfits(conn, field.workspace_id, key, patch.type)
            changed = await _change(call, field, patch)
        else:
            # In transactions of its own: what it announces has to be seen by others before it can go on.
            change = TypeChange(
                call.app.db, field, key, patch, patch.type, call.actor, call.request.request_id
            )
            changed = await change.run()
    except Conflict as conflict:
        call.touched += [error.contact_id for error in conflict.errors if error.contact_id]
        raise
    return json_response(200, changed)


async def _change(call: Call, field: CustomField, patch: FieldPatch) -> CustomField:
    async with call.transaction() as conn:
        return await store.change_field(conn, field.workspace_id, field.id, patch)


async def delete_field(call: Call) -> Response:
    """Deletes a field and all its values."""
    field = await _field(call)
    call.changed_catalogs.add(field.workspace_id)
    async with call.transaction() as conn:
        await store.delete_field(conn, field.workspace_id, field.id)
    return Response(204)
