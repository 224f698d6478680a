"""The operations on availability: whether contacts may be contacted."""

from datetime import UTC, datetime
from functools import partial

import msgspec

from contactory.availability.model import AvailabilityResult, AvailabilityResults, parse_many
from contactory.catalog.calls import by_catalog, in_query, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.catalog.windows import find_window
from contactory.contacts.api.one import workspace_in_path
from contactory.contacts.api.services import services_of
from contactory.contacts.identities import locate_many
from contactory.contacts.objections import objections_to
from contactory.contacts.read.available import subject_of
from contactory.contacts.read.by_key import read_many
from contactory.local_time.verdict import Availability, Judge, Subject
from contactory.rules.checks import Errors, Object
from contactory.rules.errors import NotFound, ProblemBody
from contactory.rules.invalid import Invalid
from contactory.values.phones import derive_zone, normalise_phone
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call


def _judge(catalog: Catalog, question: Object, errors: Errors, body: bool = False) -> Judge:
    """Raises ValidationProblem, also with the errors in `errors`."""
    channel: str = question["channel"]
    window = find_window(catalog, channel, question.get("window"), errors, body)
    errors.check()
    if window is None:
        raise errors.problem()
    return Judge(window.schedule, channel, question.get("at") or datetime.now(UTC))


@with_catalog(workspace_in_path)
async def get_contact_availability(call: Call, catalog: Catalog) -> Response:
    """May this contact be contacted on the channel, now or at a moment; if not, why, and when?

    For a deleted contact the answer is `deleted`.
    """
    row = await services_of(call).contacts.get(catalog.workspace_id, call.path_id())
    if row is None:
        raise NotFound
    judge = _judge(catalog, call.query, Errors())
    return json_response(200, judge.verdict(subject_of(row, call.query["channel"])))


@with_catalog(in_query)
async def get_phone_availability(call: Call, catalog: Catalog) -> Response:
    """May this phone be called or texted, now or at a moment; if not, why, and when?

    For the number of an active contact, the answer is that of the contact, with its consent; for any other
    number, it depends on its possible zones, and on the objections of deleted contacts that had it.
    """
    errors, phone = Errors(), ""
    try:
        phone = normalise_phone(call.query["phone"], catalog.country)
    except Invalid as error:
        errors.add_parameter("phone", error)
    judge = _judge(catalog, call.query, errors)
    return json_response(200, judge.verdict(await _phone_subject(call, catalog, phone)))


async def _phone_subject(call: Call, catalog: Catalog, phone: str) -> Subject:
    row = await services_of(call).contacts.by_phone(catalog.workspace_id, phone)
    if row is not None:
        return subject_of(row, call.query["channel"])
    derived = derive_zone(phone, catalog.timezone, catalog.country)
    zones = derived.zones or ((derived.timezone,) if derived.timezone else ())
    async with call.connection() as conn:
        consent = await objections_to(conn, catalog.workspace_id, phone)
    return Subject(derived.timezone, zones, derived.source, has_address=True, consent=consent)


async def get_availabilities(call: Call) -> Response:
    """May these contacts, up to 1,000, be contacted on the channel, now or at a moment?

    The answer has a result for each id, in the same order: 200 with the verdict, or 404 if the contact does
    not exist or the key cannot see it. An account-scoped key that does not name a workspace can ask for
    contacts of several; each is checked with a send window of its own workspace.
    """
    early = Errors()
    question = parse_many(call.body, early)
    ids: list[str] = question.get("ids", [])
    groups: dict[str | None, list[str]] = {question.get("workspaceId"): ids}
    knows_workspace = call.actor.workspace_id is not None or None not in groups
    if "channel" not in question or not knows_workspace:
        early.check()
    if not knows_workspace:
        groups = await _by_workspace(call, ids)
    verdicts: dict[str, Availability] = {}
    for workspace_id, some in groups.items():
        verdicts |= await by_catalog(call, workspace_id, partial(_verdicts, call, question, early, some))
    results = [_result(call, verdicts.get(each), each, index) for index, each in enumerate(ids)]
    return json_response(200, AvailabilityResults(results))


async def _by_workspace(call: Call, ids: list[str]) -> dict[str | None, list[str]]:
    async with call.connection() as conn:
        found = await locate_many(conn, call.actor, ids)
    groups: dict[str | None, list[str]] = {}
    for contact_id, workspace_id in found.items():
        groups.setdefault(workspace_id, []).append(contact_id)
    return groups


async def _verdicts(
    call: Call, question: Object, early: Errors, ids: list[str], catalog: Catalog
) -> dict[str, Availability]:
    """The verdicts by id; raises ValidationProblem with further errors and those found `early`."""
    errors = Errors()
    errors.found += early.found
    judge = _judge(catalog, question, errors, body=True)
    async with call.connection() as conn:
        rows = await read_many(conn, [(catalog.workspace_id, each) for each in dict.fromkeys(ids)])
    channel: str = question["channel"]
    return {each: judge.verdict(subject_of(row, channel)) for (_, each), row in rows.items()}


def _result(call: Call, verdict: Availability | None, contact_id: str, index: int) -> AvailabilityResult:
    if verdict is not None:
        return AvailabilityResult(contact_id, 200, verdict)
    problem = NotFound().body(f"{call.request.path}#/ids/{index}", call.request.request_id)
    return AvailabilityResult(contact_id, 404, problem=msgspec.convert(problem, ProblemBody))
