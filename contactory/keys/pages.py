"""The page of API keys: the list, and forms to create and revoke keys."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from contactory.access.keys import Keys
from contactory.access.users import refuse_access
from contactory.dashboard.html import errors_by_field, see_other
from contactory.dashboard.inputs import DONE
from contactory.dashboard.visits import done_of, html_page, page_path, visit_of
from contactory.keys import store
from contactory.keys.model import DEFAULT_NAME, FIELDS, SCOPE, ApiKey, KnownKey, NewApiKey
from contactory.rules.checks import Form, Json, Object
from contactory.rules.errors import Conflict, Forbidden, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call, Operation

_HERE = "settings/api-keys"
_PATH = "/w/{workspaceId}/settings/api-keys"
_FORM = Form({name: rule for name, rule in FIELDS.items() if name != "workspaceId"} | {"scope": SCOPE})
_DONE = {"revoked": "API key revoked."}
NOT_YOURS = "Only users who see every workspace can create a key of the whole account."


def _of_account(call: Call) -> bool:
    """Whether the user may manage keys of the whole account, like an account-scoped key."""
    return not visit_of(call).person.limited


async def show_keys(call: Call) -> Response:
    """The keys of the workspace and of the account, and a form for a new one."""
    return await _show(call, done=done_of(call, _DONE))


async def _show(call: Call, status: int = 200, **values: Any) -> Response:
    actor, now = call.actor, datetime.now(UTC)
    async with call.connection() as conn:
        known = await store.list_known_keys(
            conn, actor.account_id, actor.mode, actor.workspace_id or "", of_account=_of_account(call)
        )
    shown: dict[str, Any] = {"made": None, "curl": "", "typed": {}, "errors": {}, "done": "", **values}
    return await html_page(
        call,
        "keys/keys.html",
        status,
        here=page_path(call, _HERE),
        keys=[key for key in known if _works(key, now)],
        ended=[key for key in known if not _works(key, now)],
        of_account=_of_account(call),
        **shown,
    )


def _works(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


async def make_key(call: Call) -> Response:
    """Creates a key. Its secret is only in this answer, which is not stored; so this is not a redirect."""
    visit = visit_of(call)
    try:
        made = await _make(call, _FORM.parse(_sent(call)))
    except (ValidationProblem, Conflict) as problem:
        typed = {name: visit.value(name) for name in visit.form}
        return await _show(call, problem.status, typed=typed, errors=errors_by_field(problem))
    return await _show(call, made=made, curl=_curl(call, made))


def _sent(call: Call) -> Object:
    """The form in the shape of the API, without empty values."""
    sent: Object = {name: values[-1] for name, values in visit_of(call).form.items() if values[-1].strip()}
    if "expiresAt" in sent:
        sent["expiresAt"] += "T23:59:59Z"
    for name in ("rateLimit", "rateBurst"):
        if name in sent:
            sent[name] = _number(sent[name])
    return sent


def _number(text: str) -> Json:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return text
    return found if found.is_finite() else text


async def _make(call: Call, values: Object) -> NewApiKey:
    actor, scope = call.actor, values.get("scope", "workspace")
    if scope == "account" and not _of_account(call):
        raise Forbidden(NOT_YOURS)
    workspace_id = actor.workspace_id if scope == "workspace" else None
    async with call.transaction() as conn:
        await store.refuse_past(conn, values.get("expiresAt"))
        await refuse_access(conn, visit_of(call).person, workspace_id)
        return await store.create_key(
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


def _curl(call: Call, made: NewApiKey) -> str:
    """A command that uses the key, to paste into a terminal."""
    which = f"&workspaceId={call.actor.workspace_id}" if made.workspace_id is None else ""
    where = call.url(f"/v1/contacts?limit=1{which}")
    return f'curl -s "{where}" -H "Authorization: Bearer {made.key}"'


async def revoke_key(call: Call) -> Response:
    """Revokes a key on the page. Raises NotFound."""
    actor, key_id = call.actor, call.path_id()
    async with call.connection() as conn:
        found: KnownKey = await store.find_known_key(
            conn,
            actor.account_id,
            actor.mode,
            actor.workspace_id or "",
            key_id,
            of_account=_of_account(call),
        )
        await store.revoke_key(conn, found.account_id, found.mode, found.workspace_id, key_id)
    call.after_commit(partial(call.app.part(Keys).forget, key_id))
    return see_other(page_path(call, f"{_HERE}?done=revoked"))


KEY_PAGES = [
    Operation(
        id="showApiKeys",
        method="GET",
        path=_PATH,
        summary="Show the API keys",
        permission="admin",
        handler=show_keys,
        query=DONE,
        page=True,
    ),
    Operation(
        id="makeApiKey",
        method="POST",
        path=_PATH,
        summary="Create an API key",
        permission="admin",
        handler=make_key,
        page=True,
    ),
    Operation(
        id="revokeApiKeyPage",
        method="POST",
        path=f"{_PATH}/{{id}}/revoke",
        summary="Revoke an API key",
        permission="admin",
        handler=revoke_key,
        page=True,
    ),
]
