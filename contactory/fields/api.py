"""The operations on custom fields."""

import msgspec

from contactory.catalog.calls import catalogs_of, changing_catalog, workspace_of
from contactory.fields import store
from contactory.fields.model import CustomField, FieldPatch
from contactory.fields.retype import TypeChange, key_in_change, refuse_misfits
from contactory.rules.errors import Conflict
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call


async def list_fields(call: Call) -> Response:
    """The workspace's fields, in its order."""
    workspace_id = await workspace_of(call, call.query.get("workspaceId"))
    async with call.connection() as conn:
        return json_response(200, await store.list_fields(conn, workspace_id))


async def create_field(call: Call) -> Response:
    """Creates a field."""
    body = call.body
    workspace_id = await workspace_of(call, body.pop("workspaceId", None))
    field = await make_field(call, workspace_id, FieldPatch(**body))
    return json_response(201, field, [("location", call.url(f"/v1/custom-fields/{field.id}"))])


async def make_field(call: Call, workspace_id: str, given: FieldPatch) -> CustomField:
    """Creates a field of a workspace. Raises Conflict."""
    async with changing_catalog(call, workspace_id) as conn:
        return await store.create_field(conn, workspace_id, given, call.app.settings.max_custom_fields)


async def get_field(call: Call) -> Response:
    """One field."""
    return json_response(200, await field_of(call))


async def field_of(call: Call) -> CustomField:
    """The field in the path. Raises NotFound."""
    async with call.connection() as conn:
        return await store.get_field(conn, call.actor, call.path_id())


async def update_field(call: Call) -> Response:
    """Changes only what is sent; a type only if every value fits it."""
    return json_response(200, await change_field(call, await field_of(call), FieldPatch(**call.body)))


async def change_field(call: Call, field: CustomField, patch: FieldPatch) -> CustomField:
    """Changes the fields in `patch`. Raises Conflict with contacts whose values do not fit a new type."""
    async with call.connection() as conn:
        key = await key_in_change(conn, field, patch.type)
    try:
        if key is None or patch.type is None:
            return await _change(call, field, msgspec.structs.replace(patch, type=None))
        if call.dry_run:
            async with call.connection() as conn:
                await refuse_misfits(conn, field.workspace_id, key, patch.type)
            return await _change(call, field, patch)
        # In its own transactions: others must see its announcement before it can continue.
        change = TypeChange(call.app.db, field, key, patch, patch.type, call.actor, call.request.request_id)
        try:
            return await change.run()
        finally:
            catalogs_of(call).forget(field.workspace_id)  # It has committed, whatever the result of the call.
    except Conflict as conflict:
        call.touched += [error.contact_id for error in conflict.errors if error.contact_id]
        raise


async def _change(call: Call, field: CustomField, patch: FieldPatch) -> CustomField:
    async with changing_catalog(call, field.workspace_id) as conn:
        return await store.change_field(conn, field.workspace_id, field.id, patch)


async def delete_field(call: Call) -> Response:
    """Deletes a field and all its values."""
    await remove_field(call, await field_of(call))
    return Response(204)


async def remove_field(call: Call, field: CustomField) -> None:
    """Deletes a field and its values. Raises NotFound."""
    async with changing_catalog(call, field.workspace_id) as conn:
        await store.delete_field(conn, field.workspace_id, field.id)
