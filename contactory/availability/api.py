"""The operations that ask whether somebody may be contacted."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from contactory.availability.model import (
    AvailabilityResult,
    AvailabilityResults,
    find_window,
    parse_many,
    subject_of,
)
from contactory.availability.verdict import Judge, Subject
from contactory.catalog import Catalog
from contactory.checks import Errors, Object
from contactory.contacts.api import home
from contactory.contacts.objections import objections_to
from contactory.contacts.rows import read_many
from contactory.errors import NotFound, ProblemBody
from contactory.http import Response, json_response
from contactory.invalid import Invalid
from contactory.operations import Call
from contactory.timezones.phones import derive_zone, normalise_phone


def _judge(catalog: Catalog, question: Object, errors: Errors, body: bool = False) -> Judge:
    """Raises ValidationProblem with all that is in `errors` too."""
    channel: str = question["channel"]
    window = find_window(catalog, channel, question.get("window"), errors, body)
    errors.check()
    if window is None:
        raise errors.problem()
    return Judge(window.schedule, channel, question.get("at") or datetime.now(UTC))


async def get_contact_availability(call: Call) -> Response:
    """May this contact be contacted on the channel, now or at a moment; if not, why, and when?

    A contact that was deleted is answered too: `deleted`.
    """
    contact_id = call.path_id()
    workspace_id = await home(call, contact_id)
    row = await call.app.contacts.get(workspace_id, contact_id)
    if row is None:
        raise NotFound

    async def attempt(catalog: Catalog) -> Response:
        judge = _judge(catalog, call.query, Errors())
        return json_response(200, judge.verdict(subject_of(row, call.query["channel"])))

    return await call.by_catalog(workspace_id, attempt)


async def get_phone_availability(call: Call) -> Response:
    """May this phone be called or texted, now or at a moment; if not, why, and when?

    The number of an active contact is answered as for that contact, with its consent; any other one by the
    zones that it could lie in, and the objections of deleted contacts that had it.
    """

    async def attempt(catalog: Catalog) -> Response:
        errors, phone = Errors(), ""
        try:
            phone = normalise_phone(call.query["phone"], catalog.country)
        except Invalid as error:
            errors.add_parameter("phone", error)
        judge = _judge(catalog, call.query, errors)
        return json_response(200, judge.verdict(await _phone_subject(call, catalog, phone)))

    return await call.by_catalog(call.query.get("workspaceId"), attempt)


async def _phone_subject(call: Call, catalog: Catalog, phone: str) -> Subject:
    row = await call.app.contacts.by_phone(catalog.workspace_id, phone)
    if row is not None:
        return subject_of(row, call.query["channel"])
    derived = derive_zone(phone, catalog.timezone, catalog.country)
    zones = derived.zones or ((derived.timezone,) if derived.timezone else ())
    async with call.connection() as conn:
        consent = await objections_to(conn, catalog.workspace_id, phone)
    return Subject(derived.timezone, zones, derived.source, has_address=True, consent=consent)


async def get_availabilities(call: Call) -> Response:
    """May these contacts, up to 1,000, be contacted on the channel, now or at a moment?

    The answer has a result for each id, in their order: 200 with the verdict, or 404 where there is no such
    contact, or none that the key can see.
    """
    early = Errors()
    question = parse_many(call.body, early)
    knows_workspace = call.actor.workspace_id is not None or "workspaceId" in question
    if "channel" not in question or not knows_workspace:
        early.check()

    async def attempt(catalog: Catalog) -> Response:
        errors = Errors()
        errors.found += early.found
        judge = _judge(catalog, question, errors, body=True)
        return json_response(200, await _results(call, catalog, judge, question))

    return await call.by_catalog(question.get("workspaceId"), attempt)


async def _results(call: Call, catalog: Catalog, judge: Judge, question: Object) -> AvailabilityResults:
    workspace_id, ids, channel = catalog.workspace_id, question["ids"], question["channel"]
    async with call.connection() as conn:
        rows = await read_many(conn, [(workspace_id, contact_id) for contact_id in dict.fromkeys(ids)])
    return AvailabilityResults(
        [
            _result(call, judge, rows.get((workspace_id, contact_id)), contact_id, channel, index)
            for index, contact_id in enumerate(ids)
        ]
    )


def _result(
    call: Call, judge: Judge, row: Any, contact_id: str, channel: str, index: int
) -> AvailabilityResult:
    if row is not None:
        return AvailabilityResult(contact_id, 200, judge.verdict(subject_of(row, channel)))
    problem = NotFound().body(f"{call.request.path}#/ids/{index}", call.request.request_id)
    return AvailabilityResult(contact_id, 404, problem=msgspec.convert(problem, ProblemBody))
