"""The operations on send windows."""

from contactory.catalog.calls import changing_catalog, workspace_of
from contactory.catalog.catalog import read_windows
from contactory.rules.checks import WORKSPACE_ID, Errors, Object, is_blank
from contactory.rules.invalid import Invalid
from contactory.send_windows import store
from contactory.send_windows.model import PRESET, parse_window, presets
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call


async def list_windows(call: Call) -> Response:
    """The workspace's send windows, by name."""
    workspace_id = await workspace_of(call, call.query.get("workspaceId"))
    async with call.connection() as conn:
        return json_response(200, await read_windows(conn, workspace_id))


async def list_presets(call: Call) -> Response:
    """Hours that laws allow, each with its source, as a start for a send window. Not legal advice."""
    return json_response(200, list(presets().values()))


async def create_window(call: Call) -> Response:
    """Creates a send window, from a preset if one is named."""
    body, errors = call.body, Errors()
    sent = {name: body.pop(name) for name in ("workspaceId", "preset") if name in body}
    steering: Object = {}
    for name, rule in (("workspaceId", WORKSPACE_ID), ("preset", PRESET)):
        try:
            if name in sent:
                steering[name] = rule.parse(sent[name])
        except Invalid as error:
            errors.add(error, name)
    values = _completed(parse_window(body, errors), body, sent, steering, errors)
    if call.actor.workspace_id is not None or not is_blank(sent.get("workspaceId", "")):
        errors.check()
    workspace_id = await workspace_of(call, steering.get("workspaceId"))
    errors.check()
    return await _created(call, workspace_id, values)


def _completed(values: Object, body: Object, sent: Object, steering: Object, errors: Errors) -> Object:
    """The sent values, with those of the preset for the others; adds missing ones to `errors`."""
    preset = presets().get(steering.get("preset", ""))
    if preset is not None:
        return {"name": preset.name, "channels": preset.channels, "days": preset.days, **values}
    for name in ("name", "channels", "days"):
        if name not in body and "preset" not in sent:
            errors.add(Invalid("required", "is required, unless a preset is named"), name)
    return values


async def _created(call: Call, workspace_id: str, values: Object) -> Response:
    async with changing_catalog(call, workspace_id) as conn:
        most = call.app.settings.max_send_windows
        window = await store.create_window(conn, workspace_id, values, most)
    return json_response(201, window, [("location", call.url(f"/v1/send-windows/{window.id}"))])


async def window_in_path(call: Call) -> tuple[str, str]:
    """The workspace of the send window in the path, and the window's id. Raises NotFound."""
    window_id = call.path_id()
    async with call.connection() as conn:
        return await store.visible_workspace_of(conn, call.actor, window_id), window_id


async def get_window(call: Call) -> Response:
    """One send window."""
    workspace_id, window_id = await window_in_path(call)
    async with call.connection() as conn:
        return json_response(200, await store.get_window(conn, workspace_id, window_id))


async def update_window(call: Call) -> Response:
    """Changes only what is sent; lists are replaced."""
    errors = Errors()
    body = call.body
    values = parse_window(body, errors)
    if not body:
        errors.add(Invalid("no_fields", "At least one field must be provided"))
    errors.check()
    workspace_id, window_id = await window_in_path(call)
    async with changing_catalog(call, workspace_id) as conn:
        return json_response(200, await store.change_window(conn, workspace_id, window_id, values))


async def delete_window(call: Call) -> Response:
    """Deletes a send window; not the default one, until another one is the default."""
    workspace_id, window_id = await window_in_path(call)
    async with changing_catalog(call, workspace_id) as conn:
        await store.delete_window(conn, workspace_id, window_id)
    return Response(204)
