"""The operations on API keys."""

from functools import partial

from contactory.access.keys import Keys
from contactory.catalog.calls import workspace_of
from contactory.keys import store
from contactory.keys.model import DEFAULT_NAME, FIELDS
from contactory.rules.checks import Form
from contactory.rules.errors import FieldError, ValidationProblem
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import page_response, page_size

CREATE = Form(FIELDS)


async def list_keys(call: Call) -> Response:
    """The keys that the caller may revoke, and revoked ones."""
    actor, cursor = call.actor, call.query.get("cursor")
    async with call.connection() as conn:
        found = await store.list_keys(
            conn, actor.account_id, actor.mode, actor.workspace_id, after=cursor, limit=page_size(call)
        )
    return page_response(call, found)


async def create_key(call: Call) -> Response:
    """Creates a key of the caller's mode: for a workspace, or by an account-scoped key for the account."""
    actor, values = call.actor, call.body
    workspace_id: str | None = values.get("workspaceId")
    if "workspaceId" in values and not (workspace_id or actor.workspace_id):
        # An empty value, which forms send for an empty field, must not mean every workspace.
        detail = (
            "workspaceId is empty: send the id of a workspace, or leave it out for a key of the whole account"
        )
        raise ValidationProblem(errors=[FieldError("/workspaceId", None, "required", detail)])
    if workspace_id or actor.workspace_id:
        workspace_id = await workspace_of(call, workspace_id)
    async with call.transaction() as conn:
        await store.refuse_past(conn, values.get("expiresAt"))
        made = await store.create_key(
            conn,
            actor.account_id,
            workspace_id,
            name=values.get("name", DEFAULT_NAME),
            mode=actor.mode,
            permission=values.get("permission", "write"),
            expires_at=values.get("expiresAt"),
            rate_limit=values.get("rateLimit"),
            rate_burst=values.get("rateBurst"),
            made_by=actor,
        )
    return json_response(201, made)


async def revoke_key(call: Call) -> Response:
    """Revokes a key; a revoked key stays revoked."""
    actor, key_id = call.actor, call.path_id()
    async with call.connection() as conn:
        await store.revoke_key(conn, actor.account_id, actor.mode, actor.workspace_id, key_id)
    call.after_commit(partial(call.app.part(Keys).forget, key_id))
    return Response(204)
