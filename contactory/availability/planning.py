"""The operation that plans: how many contacts a send window opens for, hour by hour."""

from datetime import UTC, datetime
from typing import Any, cast

from contactory.catalog.catalog import Catalog
from contactory.contacts.model import parse_fields
from contactory.contacts.read.available import PlanFilter, count_by_zones
from contactory.contacts.schemas import CUSTOM_FIELDS
from contactory.local_time.plan import Plan, count, write_plan
from contactory.local_time.windows import SendWindow
from contactory.rules.checks import Errors, Form, Json, Object, described, ids_schema, parse_ids, unchecked
from contactory.rules.invalid import Invalid
from contactory.send_windows import store
from contactory.send_windows.api import home
from contactory.values.names import NAME, display_name
from contactory.values.questions import AT, CHANNEL
from contactory.web.messages import JSON, Response
from contactory.web.operations import Call

MOST_IDS = 10_000
MOST_TAGS = 100


_FILTER: Object = {
    "title": "PlanFilter",
    "type": "object",
    "properties": {
        "tag": {
            "anyOf": [
                NAME.schema,
                {"type": "array", "items": NAME.schema, "minItems": 1, "maxItems": MOST_TAGS},
            ],
            "description": "Only contacts that carry the tag; several: all of them.",
        },
        "customFields": {
            **CUSTOM_FIELDS,
            "description": "Only contacts with these values; null: with none. All that are given must hold.",
        },
        "ids": {**ids_schema(MOST_IDS), "description": "Only these contacts."},
    },
    "additionalProperties": False,
    "description": "Which contacts it is about; all of the workspace, unless given.",
}
PLAN = Form(
    {
        "channel": described(CHANNEL, "How to contact; the first channel of the window, unless given."),
        "at": described(
            AT, "The moment from which on to count, in the years 2000 to 2099; now, unless given."
        ),
        "filter": unchecked(_FILTER),
    }
)


async def plan_window(call: Call) -> Response:
    """Counts, for each hour of the seven days from now or `at` on, how many contacts become available in it
    and how many are available at some moment of it, in all and by zones.

    The first hour is the one that runs then, and counts from that moment on. The answer is sent hour by hour.
    """
    early = Errors()
    question = PLAN.collect(call.body, early)
    workspace_id, window_id = await home(call)
    async with call.connection() as conn:
        window = await store.get_window(conn, workspace_id, window_id)

    async def attempt(catalog: Catalog) -> Response:
        errors = Errors()
        errors.found += early.found
        channel = _channel(question, window, errors)
        given: Json = question.get("filter", {})
        await call.app.catalogs.tag_ids(catalog, _names(given), call.conn)
        wanted = _parse_filter(given, catalog, errors)
        errors.check()
        return await _plan(call, window, channel, question.get("at") or datetime.now(UTC), wanted)

    return await call.by_catalog(workspace_id, attempt)


async def _plan(call: Call, window: SendWindow, channel: str, at: datetime, wanted: PlanFilter) -> Response:
    async with call.connection() as conn:
        counts = count(await count_by_zones(conn, window.workspace_id, channel, wanted))
    plan = Plan(window.id, channel, at, counts.contacts, counts.unavailable, [])
    return Response(200, headers=[("content-type", JSON)], stream=write_plan(plan, window.schedule, counts))


def _channel(question: Object, window: SendWindow, errors: Errors) -> str:
    channel: str = question.get("channel", window.channels[0])
    if channel not in window.channels:
        detail = f"is none of the send window, which is for {' and '.join(window.channels)}"
        errors.add(Invalid("wrong_channel", detail), "channel")
    return channel


def _names(given: Json) -> list[str]:
    """The tags that a filter names well."""
    tags: Any = cast(Object, given).get("tag", []) if isinstance(given, dict) else []
    items = cast("list[Json]", tags if isinstance(tags, list) else [tags])
    return [each for each in items if isinstance(each, str)]


def _parse_filter(given: Json, catalog: Catalog, errors: Errors) -> PlanFilter:
    wanted = PlanFilter()
    if not isinstance(given, dict):
        errors.add(Invalid("wrong_type", "must be an object with tag, customFields or ids"), "filter")
        return wanted
    for name, value in cast(Object, given).items():
        if name == "tag":
            wanted.tags = _parse_tags(value, catalog, errors)
        elif name == "customFields":
            wanted.fields = parse_fields(value, catalog, errors, "filter", name)
        elif name == "ids":
            wanted.ids = parse_ids(value, errors, MOST_IDS, "filter", name)
        else:
            errors.unknown(name, ("tag", "customFields", "ids"), "field", "filter", name)
    return wanted


def _parse_tags(value: Json, catalog: Catalog, errors: Errors) -> list[list[int]]:
    items = cast("list[Json]", value if isinstance(value, list) else [value])
    if not 1 <= len(items) <= MOST_TAGS:
        detail = f"must be a tag, or 1 to {MOST_TAGS} of them, not {len(items)}"
        errors.add(Invalid("too_many_tags" if items else "required", detail), "filter", "tag")
        return []
    found: list[list[int]] = []
    for index, item in enumerate(items):
        try:
            found.append(catalog.aliases(display_name(item)))
        except Invalid as error:
            errors.add(error, "filter", "tag", *([index] if isinstance(value, list) else []))
    return found
