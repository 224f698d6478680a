"""The plan: for how many contacts a send window opens, hour by hour."""

from datetime import UTC, datetime

from contactory.catalog.calls import catalogs_of, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.read.counting import count_by_zones
from contactory.contacts.read.filter import shape_of, tag_names
from contactory.contacts.read.filter_json import PLAN_FILTER, parse_plan_filter
from contactory.local_time.plan import Plan, count, write_plan
from contactory.local_time.windows import SendWindow
from contactory.rules.checks import Errors, Form, Object, described, unchecked
from contactory.rules.invalid import Invalid
from contactory.send_windows import store
from contactory.send_windows.api import window_in_path
from contactory.values.questions import AT, CHANNEL
from contactory.web.messages import JSON, Response
from contactory.web.operations import Call

PLAN = Form(
    {
        "channel": described(
            CHANNEL, "The channel of the contact; default: the first channel of the window."
        ),
        "at": described(AT, "The start of the plan, in the years 2000 to 2099; default: now."),
        "filter": unchecked(PLAN_FILTER),
    }
)


async def _workspace_of_window(call: Call) -> str:
    workspace_id, _ = await window_in_path(call)
    return workspace_id


@with_catalog(_workspace_of_window)
async def plan_window(call: Call, catalog: Catalog) -> Response:
    """Counts, for each hour of the seven days from now or `at` on, how many contacts become available in it
    and how many are available at some moment of it, in total and by zones.

    The first hour is the current one, and counts from that moment on. The answer is sent hour by hour.
    """
    async with call.connection() as conn:
        window = await store.get_window(conn, catalog.workspace_id, call.path_id())
    errors = Errors()
    question = PLAN.collect(call.body, errors)
    channel = _channel(question, window, errors)
    wanted = parse_plan_filter(question.get("filter", {}), catalog, errors, "filter")
    errors.check()
    await catalogs_of(call).tag_ids(catalog, tag_names(wanted), call.conn)
    at = question.get("at") or datetime.now(UTC)
    async with call.connection(f"zones {shape_of(wanted)}") as conn:
        counts = count(await count_by_zones(conn, catalog, channel, wanted))
    plan = Plan(window.id, channel, at, counts.contacts, counts.unavailable, [])
    return Response(200, headers=[("content-type", JSON)], stream=write_plan(plan, window.schedule, counts))


def _channel(question: Object, window: SendWindow, errors: Errors) -> str:
    channel: str = question.get("channel", window.channels[0])
    if channel not in window.channels:
        detail = f"is not a channel of the send window, which is for {' and '.join(window.channels)}"
        errors.add(Invalid("wrong_channel", detail), "channel")
    return channel
