"""Many operations in one request: each stands alone, in the order given."""

import asyncio
from typing import Any, cast

import msgspec

from contactory.catalog import Catalog
from contactory.checks import ID, Errors, Form, Json, Object, Rule, quote
from contactory.contacts.api import home, parse_upsert
from contactory.contacts.change import Change, Outcome
from contactory.contacts.model import Contact, parse_values
from contactory.contacts.purging import address_ids
from contactory.contacts.shapes import BATCH_ITEM
from contactory.contacts.statement import DELETE
from contactory.contacts.store import lock
from contactory.contacts.writing import create, learn, new_change, refuse, show_all, upsert, write
from contactory.db import Row, Violation
from contactory.errors import NotFound, Problem, ProblemBody
from contactory.http import Response, json_response
from contactory.ids import parse_id
from contactory.invalid import Invalid
from contactory.operations import Call, Stale

MOST = 1000


class Result(msgspec.Struct, omit_defaults=True):
    """What became of one operation: the status it would have had alone, and its contact or problem."""

    status: int
    contact: Contact | None = None
    problem: ProblemBody | None = None


class Results(msgspec.Struct):
    """What became of the operations of a batch, in their order."""

    results: list[Result]


_KINDS = ("create", "upsert", "update", "delete")
_NAMES = {"op": None, "id": None, "data": None, "ifMatch": None}.keys()


def _as_is(value: Json) -> Json:
    return value


_OPERATIONS = {"type": "array", "items": BATCH_ITEM, "minItems": 1, "maxItems": MOST}
FORM = Form({"workspaceId": ID, "operations": Rule(_as_is, _OPERATIONS)}, required=("operations",))


async def batch(call: Call) -> Response:
    """Runs up to a thousand operations; the answer has a result for each, in order."""
    body = call.body
    operations, workspace_id = _operations(call, body)
    catalog = await call.catalog(workspace_id)
    if call.conn is not None:
        await lock(call.conn, workspace_id or call.actor.workspace_id or "", _ids(operations))
    results: list[Any] = []
    for wave in _waves(operations):
        if call.conn is None and _kind(wave[0]) == "update":
            results += await _update_all(call, catalog, wave, len(results))
        elif call.conn is not None:
            results += [
                await _result(call, workspace_id, operation, len(results) + i)
                for i, operation in enumerate(wave)
            ]
        else:
            start = len(results)
            results += await asyncio.gather(
                *(_result(call, workspace_id, operation, start + i) for i, operation in enumerate(wave))
            )
    return json_response(200, {"results": results})


def _operations(call: Call, body: Object) -> tuple[list[Json], str | None]:
    errors = Errors()
    workspace_id = None
    for name in body.keys() - {"workspaceId", "operations"}:
        errors.unknown(name, ("workspaceId", "operations"), "field", name)
    try:
        workspace_id = ID.parse(body["workspaceId"]) if "workspaceId" in body else None
    except Invalid as error:
        errors.add(error, "workspaceId")
    operations = body.get("operations")
    if not isinstance(operations, list) or not operations:
        errors.add(Invalid("required", f"must be an array of 1 to {MOST} operations"), "operations")
    elif len(cast("list[Json]", operations)) > MOST:
        errors.add(Invalid("too_many", f"must have at most {MOST} operations"), "operations")
    errors.check()
    return cast("list[Json]", operations), workspace_id


def _ids(operations: list[Json]) -> list[str]:
    """The contacts that the operations name."""
    named = [parse_id(cast(Object, o).get("id")) for o in operations if isinstance(o, dict)]
    return [contact_id for contact_id in named if contact_id]


def _waves(operations: list[Json]) -> list[list[Json]]:
    """Consecutive operations that may run at once without being told from running in order."""
    waves: list[list[Json]] = []
    kind: object = None
    seen: set[str] = set()
    for operation in operations:
        handles = _handles(operation)
        op = _kind(operation)
        if not waves or op != kind or handles & seen or (op == "update" and handles):
            waves.append([])
            seen = set()
        waves[-1].append(operation)
        seen |= handles
        kind = None if op == "update" and handles else op
    return waves


def _kind(operation: Json) -> object:
    return cast(Object, operation).get("op") if isinstance(operation, dict) else None


def _handles(operation: Json) -> set[str]:
    """The phone and e-mail that an operation gives, by which it can meet another one."""
    data: Json = cast(Object, operation).get("data") if isinstance(operation, dict) else None
    if not isinstance(data, dict):
        return set()
    sent = cast(Object, data)
    return {
        "".join(c for c in str(sent[name]).casefold() if c.isalnum())
        for name in ("phone", "email")
        if name in sent
    }


async def _update_all(call: Call, catalog: Catalog, wave: list[Json], start: int) -> list[Object]:
    """Consecutive updates, put to the writer together: a task for each would cost more than its change."""
    put = [_put(call, catalog, operation) for operation in wave]
    results: list[Object | None] = [None] * len(wave)
    changed: dict[int, tuple[str, Row]] = {}
    for index, waiting in enumerate(put):
        try:
            if waiting is not None:
                change, future = waiting
                outcome = await future
                refuse(outcome)
                learn(call, change, outcome, catalog)
                changed[index] = (change.contact_id, outcome.row)
        except (Stale, Violation):
            continue  # To be tried the longer way.
        except Problem as problem:
            results[index] = _problem(call, problem, start + index)
    contacts = await show_all(call, list(changed.values()), catalog)
    for index, contact in zip(changed, contacts, strict=True):
        results[index] = {"status": 200, "contact": contact}
    return [
        result or await _result(call, catalog.workspace_id, operation, start + index)
        for index, (operation, result) in enumerate(zip(wave, results, strict=True))
    ]


def _put(call: Call, catalog: Catalog, operation: Json) -> "tuple[Change, asyncio.Future[Outcome]] | None":
    """An update on its way; None where anything is wrong with it, which is for the longer way to tell."""
    try:
        _, contact_id, data, if_match = _checked(operation)
        errors = Errors()
        change = new_change(call, catalog, contact_id)
        change.take(parse_values(data, catalog, errors, "data"), catalog)
        change.if_match = if_match
        return None if errors.found else (change, call.app.changes.put(change))
    except Problem:
        return None


async def _result(call: Call, workspace_id: str | None, operation: Json, index: int) -> Object:
    try:
        return await _run(call, workspace_id, operation)
    except Problem as problem:
        call.touched += [*call.named, *_ids([operation])]
        return _problem(call, problem, index)
    finally:
        call.named = []


def _problem(call: Call, problem: Problem, index: int) -> Object:
    body = problem.body(f"{call.request.path}#/operations/{index}", call.request.request_id)
    return {"status": problem.status, "problem": body}


async def _run(call: Call, workspace_id: str | None, operation: Json) -> Object:
    kind, contact_id, data, if_match = _checked(operation)

    async def attempt(catalog: Catalog) -> Object:
        errors = Errors()
        if kind == "delete":
            change = new_change(call, catalog, contact_id, DELETE)
            change.if_match = if_match
            await write(call, change, catalog)
            return {"status": 204}
        sent = dict(data)
        preserve = sent.pop("preserveExisting", False) if kind == "upsert" else False
        if not isinstance(preserve, bool):
            errors.add(Invalid("wrong_type", "must be true or false"), "data", "preserveExisting")
        parse = parse_upsert if kind == "upsert" else parse_values
        values = parse(sent, catalog, errors, "data")
        call.named = address_ids(catalog.workspace_id, values.phone, values.email_key)
        errors.check()
        if kind == "update":
            change = new_change(call, catalog, contact_id)
            change.take(values, catalog)
            change.if_match = if_match
            result = await write(call, change, catalog)
        elif kind == "create":
            result = await create(call, values, catalog)
        else:
            result = await upsert(call, values, catalog, bool(preserve))
        return {"status": 201 if result.created else 200, "contact": result.contact}

    where = await _workspace_of(call, workspace_id, contact_id) if contact_id else workspace_id
    return await call.by_catalog(where, attempt)


async def _workspace_of(call: Call, workspace_id: str | None, contact_id: str) -> str:
    found = await home(call, contact_id)
    if workspace_id is not None and found != workspace_id:
        raise NotFound
    return found


def _checked(operation: Json) -> tuple[str, str, Object, list[int] | None]:
    """An operation's kind, contact, data and If-Match. Raises ValidationProblem or NotFound."""
    errors = Errors()
    if not isinstance(operation, dict):
        errors.add(Invalid("wrong_type", "must be an object"))
        raise errors.problem()
    sent = cast(Object, operation)
    kind = sent.get("op")
    if kind not in _KINDS:
        errors.add(Invalid("unknown_value", f"must be one of {', '.join(_KINDS)}"), "op")
    by_id = kind in ("update", "delete")
    for name in sent.keys() - _NAMES:
        errors.unknown(name, _NAMES, "field", name)
    if by_id and "id" not in sent:
        errors.add(Invalid("required", f"is required for {kind}"), "id")
    if not by_id and "id" in sent and kind in _KINDS:
        errors.add(Invalid("not_here", f"goes with no {kind}"), "id")
    data = sent.get("data", {})
    if not isinstance(data, dict) or (kind != "delete" and "data" not in sent):
        errors.add(Invalid("required", "must be an object with the contact's fields"), "data")
    if_match = _if_match(sent, by_id, errors)
    errors.check()
    contact_id = parse_id(sent.get("id"))
    if by_id and contact_id is None:
        raise NotFound
    return cast(str, kind), contact_id or "", cast(Object, data), if_match


def _if_match(sent: Object, by_id: bool, errors: Errors) -> list[int] | None:
    """A version, as a number or as an ETag."""
    given = sent.get("ifMatch")
    if given is None:
        return None
    text = str(given).strip('"') if isinstance(given, str | int) and not isinstance(given, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        errors.add(
            Invalid("invalid_version", f"{quote(str(given)[:40])} is no version of a contact"), "ifMatch"
        )
    elif not by_id:
        errors.add(Invalid("not_here", "goes with update and delete only"), "ifMatch")
    return [int(text)] if not errors.found else None
