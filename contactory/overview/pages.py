"""The overview: a page that appears at once, and blocks that load when they are counted."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from contactory.catalog.calls import of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.catalog.windows import find_window
from contactory.contacts.columns import in_words, title_of
from contactory.contacts.read.counting import Count, count_by_zones, count_or_estimate
from contactory.contacts.read.filter import EVERYTHING
from contactory.contacts.read.history import recent
from contactory.dashboard.visits import html_page, html_part, wants_page
from contactory.local_time.plan import Counts, count
from contactory.local_time.windows import CHANNEL_TITLES, CHANNELS, SendWindow
from contactory.overview import store
from contactory.overview.forecast import forecast_of
from contactory.overview.store import CountCache
from contactory.rules.checks import Errors, one_of
from contactory.values.questions import CHANNEL, WINDOW
from contactory.web.messages import Response
from contactory.web.operations import Call, Handler, Operation

TAGS = 12
CHANGES = 12
PERIODS = ("30", "90", "365")
GROWTH_QUERY = {"days": one_of(*PERIODS)}
REACH_QUERY = {"channel": CHANNEL, "window": WINDOW}
Shown = dict[str, Any]
Block = Callable[[Call, Catalog], Awaitable[Shown]]


@with_catalog(of_actor)
async def show_overview(call: Call, catalog: Catalog) -> Response:
    """The page; with `whole`, for browsers without scripts, it contains its blocks."""
    async with call.connection() as conn:
        begun = await store.how_begun(conn, catalog)
    shown: Shown = {
        "begun": begun,
        "few": store.FEW,
        "origin": call.url(""),
        "whole": False,
        **_here(call),
    }
    if "whole" in call.query and begun.contacts:
        shown["whole"] = True
        for block in BLOCKS.values():
            shown |= await block(call, catalog)
    return await html_page(call, "overview/page.html", **shown)


def _here(call: Call) -> Shown:
    return {"home": f"/w/{call.actor.workspace_id}"}


async def growth(call: Call, catalog: Catalog) -> Shown:
    """The number of contacts, and how many were created on each of the last days."""
    workspace_id, days = catalog.workspace_id, int(call.query.get("days", PERIODS[1]))
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)

    async def find() -> tuple[Count, dict[date, int]]:
        async with call.app.db.connection(call.work.use) as conn:
            total = await count_or_estimate(conn, catalog, EVERYTHING)
            return total, await store.count_by_day(conn, workspace_id, first)

    total, by_day = await call.app.part(CountCache).get((workspace_id, "growth", first.isoformat()), find)
    rows = [(first + timedelta(days=n), by_day.get(first + timedelta(days=n), 0)) for n in range(days)]
    return {"total": total, "days": days, "periods": [*map(int, PERIODS)], "rows": rows, **_here(call)}


async def tags(call: Call, catalog: Catalog) -> Shown:
    """The most frequent tags."""

    async def find() -> list[tuple[str, int]]:
        async with call.app.db.connection(call.work.use) as conn:
            return await store.count_by_tag(conn, catalog, TAGS)

    found = await call.app.part(CountCache).get((catalog.workspace_id, "tags"), find)
    return {"tags": found, "all_tags": len(catalog.tag_ids), **_here(call)}


async def reach(call: Call, catalog: Catalog) -> Shown:
    """How many contacts can be reached in each of the next hours."""
    usable = {c: [w for w in catalog.windows.values() if c in w.channels] for c in CHANNELS}
    channels = {channel: title for channel, title in CHANNEL_TITLES.items() if usable[channel]}
    channel = call.query.get("channel")
    channel = channel if channel in channels else next(iter(channels))
    window = _window(call, catalog, channel)

    async def find() -> Counts:
        async with call.app.db.connection(call.work.use) as conn:
            return count(await count_by_zones(conn, catalog, channel, EVERYTHING))

    counts = await call.app.part(CountCache).get((catalog.workspace_id, "zones", channel), find)
    return {
        "forecast": await forecast_of(window.schedule, counts, datetime.now(UTC)),
        "channel": channel,
        "channels": channels,
        "window": window,
        "windows": usable[channel],
        **_here(call),
    }


def _window(call: Call, catalog: Catalog, channel: str) -> SendWindow:
    """The requested window; without one, or if it is not for the channel, the default one."""
    named = catalog.windows.get(call.query.get("window", ""))
    if named is not None and channel in named.channels:
        return named
    errors = Errors()
    found = find_window(catalog, channel, None, errors)
    if found is None:
        raise errors.problem()
    return found


async def activity(call: Call, catalog: Catalog) -> Shown:
    """The recent activity."""
    async with call.connection() as conn:
        changes = await recent(conn, catalog.workspace_id, CHANGES, deleted_too=call.actor.may("admin"))
    return {"changes": changes, "title_of": title_of, "in_words": in_words, **_here(call)}


BLOCKS: dict[str, Block] = {"growth": growth, "tags": tags, "reach": reach, "activity": activity}


def _block(name: str, block: Block) -> Handler:
    @with_catalog(of_actor)
    async def show(call: Call, catalog: Catalog) -> Response:
        """One block, for a script; the whole page if a browser requests it."""
        if wants_page(call.request):
            call.query["whole"] = "1"
            return await show_overview(call)
        return html_part(call, f"overview/{name}.html", **await block(call, catalog))

    return show


def _row(name: str, path: str, summary: str, handler: Any, **more: Any) -> Operation:
    where = f"/w/{{workspaceId}}/overview{path}"
    return Operation(
        id=name,
        method="GET",
        path=where,
        summary=summary,
        handler=handler,
        permission="read",
        page=True,
        **more,
    )


OVERVIEW_PAGES = [
    _row("showOverview", "", "The overview", show_overview, query={"whole": one_of("1")}),
    _row("showGrowth", "/growth", "New contacts by day", _block("growth", growth), query=GROWTH_QUERY),
    _row("showTopTags", "/tags", "By tag", _block("tags", tags)),
    _row("showReach", "/reach", "Availability in the next hours", _block("reach", reach), query=REACH_QUERY),
    _row("showActivity", "/activity", "Recent activity", _block("activity", activity)),
]
