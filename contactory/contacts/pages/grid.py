"""The grid of contacts: its rows, their number, the layout of its columns, and saved views."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from contactory.base.ids import parse_id
from contactory.catalog.calls import catalogs_of, of_actor, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import (
    MOMENTS,
    Column,
    Placed,
    Saved,
    arranged,
    columns_of,
    value_of,
)
from contactory.contacts.model import Contact
from contactory.contacts.pages.layouts import read_layout, write_layout
from contactory.contacts.pages.saved_views import list_views
from contactory.contacts.pages.selection import SELECTION_QUERY, Selection, filter_of, selection_of_page
from contactory.contacts.pages.unread import unread_parameters
from contactory.contacts.read.counting import count_contacts, count_up_to
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.filter import shape_of
from contactory.contacts.read.filter_fields import comparisons_of
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.read.query import Page
from contactory.contacts.read.search import count_matches, query_of
from contactory.contacts.read.show import show_all
from contactory.contacts.read.sorted import Ordered, SortedCursor, list_ordered, parse_grid_cursor
from contactory.dashboard.html import see_other
from contactory.dashboard.inputs import DONE, TEXT
from contactory.dashboard.visits import done_of, html_page, html_part, page_path, visit_of, wants_page
from contactory.local_time.windows import CHANNEL_TITLES
from contactory.rules.checks import ID, Errors, Rule, integer
from contactory.rules.errors import TooSlow, ValidationProblem
from contactory.rules.invalid import Invalid, invalid_cursor
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.queries import parse_query

_HERE = "contacts"
PAGE_SIZE = 50
COUNTED = 10_000
SLOW = (
    "There are too many contacts for this search or order. Narrow the filter, or sort by another column: "
    "names, e-mails, phones, zones and dates are fast, custom fields and parts of words are not."
)
GRID_CURSOR = Rule(parse_grid_cursor, {"type": "string"})


def _mark(value: Any) -> str:
    """An id, or nothing: it only marks a view or offers an undo, so anything else is ignored."""
    return parse_id(value) or ""


_MARK = Rule(_mark, ID.schema)
COUNT_QUERY = {**SELECTION_QUERY, "exact": TEXT}
_DONE = {"purged": "Contact purged."}
GRID_QUERY = {**SELECTION_QUERY, "cursor": GRID_CURSOR, "view": _MARK, "deleted": _MARK, **DONE}
_MOST_COLUMNS = 600


class RefusedView(NamedTuple):
    """A view that was not saved: what was typed, and why not."""

    name: str
    shared: bool
    error: str


class RowShown(msgspec.Struct):
    """A row: the contact, and its columns with their values."""

    contact: Contact
    version: int
    cells: list[tuple[Placed, Any]]


@with_catalog(of_actor)
async def show_grid(call: Call, catalog: Catalog) -> Response:
    """The grid; for a script only the table, or its next rows."""
    selection = await selection_of_page(call, catalog)
    if call.query.get("column"):
        return see_other(page_path(call, f"{_HERE}?{selection.query()}"))
    return await grid_page(call, catalog, selection)


async def grid_page(
    call: Call,
    catalog: Catalog,
    selection: Selection,
    status: int = 200,
    refused: RefusedView | None = None,
) -> Response:
    """The grid with a selection; with `refused`, a view that was not saved."""
    layout = await layout_of(call, catalog)
    try:
        found = await _page(call, catalog, selection)
    except TooSlow:
        if not wants_page(call.request):
            raise TooSlow(SLOW) from None
        found, status = None, TooSlow.status
    shown = await _table(call, catalog, selection, layout, found)
    if not wants_page(call.request):
        return html_part(call, f"contacts/{'rows' if 'cursor' in call.query else 'grid'}.html", **shown)
    tools = await _tools(call, catalog)
    return await html_page(call, "contacts/list.html", status, refused=refused, **shown, **tools)


async def show_home(call: Call) -> Response:
    """Redirects from the path of the workspace to its contacts."""
    return see_other(page_path(call, _HERE))


async def layout_of(call: Call, catalog: Catalog) -> list[Placed]:
    """All columns, in the user's arrangement."""
    async with call.connection() as conn:
        saved = await read_layout(conn, catalog.workspace_id, visit_of(call).person.id)
    return arranged(columns_of(catalog), saved)


async def _page(call: Call, catalog: Catalog, selection: Selection) -> Page | Ordered:
    """A page of the contacts in their order; the first one for the cursor of another list.

    A script that has such a cursor already shows the first page, so it gets a ValidationProblem.
    """
    try:
        return await _page_after(call, catalog, selection, call.query.get("cursor"))
    except ValidationProblem as problem:
        if not (wants_page(call.request) and call.query.pop("cursor", None)):
            raise
        selection.unread += unread_parameters(problem.errors)
        return await _page_after(call, catalog, selection, None)


async def _page_after(
    call: Call, catalog: Catalog, selection: Selection, cursor: Cursor | SortedCursor | None
) -> Page | Ordered:
    by_moment = selection.column in MOMENTS
    if cursor is not None and (cursor.sort != selection.sort or isinstance(cursor, Cursor) != by_moment):
        raise _no_cursor(invalid_cursor())
    wanted = await filter_of(call, catalog, selection)
    async with call.connection(f"{selection.sort} {shape_of(wanted)}") as conn:
        if not isinstance(cursor, SortedCursor) and by_moment:
            return await list_contacts(conn, catalog, wanted, selection.sort, PAGE_SIZE, 0, cursor)
        place, way = (
            cursor if isinstance(cursor, SortedCursor) else None,
            "desc" if selection.descending else "asc",
        )
        try:
            return await list_ordered(conn, catalog, wanted, selection.column, way, PAGE_SIZE, place)
        except Invalid as error:
            raise _no_cursor(error) from None


def _no_cursor(error: Invalid) -> ValidationProblem:
    errors = Errors()
    errors.add_parameter("cursor", error)
    return errors.problem()


async def _table(
    call: Call, catalog: Catalog, selection: Selection, layout: list[Placed], found: Page | Ordered | None
) -> dict[str, Any]:
    """The values of the table; if `found` is None, the table says that it took too long."""
    following = None
    if found and found.next:
        following = page_path(call, f"{_HERE}?{selection.query()}&{urlencode({'cursor': found.next.text()})}")
    return {
        "layout": layout,
        "columns": [placed for placed in layout if placed.shown],
        "selection": selection,
        "rows": await rows_shown(call, catalog, found.rows if found else [], layout),
        "slow": "" if found else SLOW,
        "following": following,
        "begun": "cursor" not in call.query,
        "whole": wants_page(call.request),
        "here": page_path(call, _HERE),
    }


async def _tools(call: Call, catalog: Catalog) -> dict[str, Any]:
    """The values of the part above the table."""
    async with call.connection() as conn:
        views = await list_views(conn, catalog.workspace_id, visit_of(call).person.id)
    return {
        "views": views,
        "view": call.query.get("view"),
        "deleted": call.query.get("deleted"),
        "done": done_of(call, _DONE),
        "groups": {column.group: column for column in columns_of(catalog)},
        "comparisons_of": comparisons_of,
        "channels": CHANNEL_TITLES,
        "windows": [*catalog.windows.values()],
    }


async def rows_shown(call: Call, catalog: Catalog, rows: list[Any], layout: list[Placed]) -> list[RowShown]:
    """The rows of contacts for the grid."""
    contacts = await show_all(catalogs_of(call), catalog, rows)
    return [row_of(contact, row["version"], layout) for contact, row in zip(contacts, rows, strict=True)]


def row_of(contact: Contact, version: int, layout: list[Placed]) -> RowShown:
    """One contact as a row."""
    cells = [(placed, value_of(contact, placed.column)) for placed in layout if placed.shown]
    return RowShown(contact, version, cells)


@with_catalog(of_actor)
async def count_grid(call: Call, catalog: Catalog) -> Response:
    """The total number of contacts in the grid, up to a limit, or with `exact` without; for a script."""
    selection = await selection_of_page(call, catalog)
    if "exact" in call.query:
        selection.refuse_wider()
        wanted = await filter_of(call, catalog, selection)
        async with call.connection(f"exact {shape_of(wanted)}") as conn:
            return json_response(200, {"count": await count_contacts(conn, catalog, wanted)})
    query = query_of(catalog.workspace_id, selection.q)
    wanted = await filter_of(call, catalog, selection, all_of_them=True)
    try:
        async with call.connection(shape_of(wanted)) as conn:
            if query and not selection.conditions and not selection.available_at:
                found = await count_matches(conn, catalog.workspace_id, query, COUNTED)
            else:
                found = await count_up_to(conn, catalog, wanted, COUNTED)
    except TooSlow:
        found = None  # The grid reports this too, and says what to do.
    return html_part(call, "contacts/count.html", count=found, most=COUNTED)


# The layout.


@with_catalog(of_actor)
async def save_layout(call: Call, catalog: Catalog) -> Response:
    """Saves the user's arrangement of the columns."""
    visit = visit_of(call)
    columns = _sent_layout(call, columns_of(catalog))
    async with call.connection() as conn:
        await write_layout(conn, catalog.workspace_id, visit.person.id, columns)
    if wants_page(call.request):
        return see_other(_back(call))
    return Response(204)


def _back(call: Call) -> str:
    query = visit_of(call).value("back")
    good = query and query.isascii() and query.isprintable()
    return page_path(call, f"{_HERE}?{query}" if good else _HERE)


def _sent_layout(call: Call, columns: list[Column]) -> list[Saved]:
    form = visit_of(call).form
    if "reset" in form:
        return []
    known = {column.key for column in columns}
    shown, pinned = set(form.get("shown", ())), set(form.get("pinned", ()))
    widths = {key: width for key, _, width in (sent.rpartition(":") for sent in form.get("width", ()))}
    order = [key for key in dict.fromkeys(form.get("order", ())) if key in known][:_MOST_COLUMNS]
    _move(order, visit_of(call).value("up"), visit_of(call).value("down"))
    return [Saved(key, _width(widths.get(key)), key in shown, key in pinned) for key in order]


def _move(order: list[str], up: str, down: str) -> None:
    key, step = (up, -1) if up else (down, 1)
    if key in order:
        at = order.index(key)
        order.insert(max(0, at + step), order.pop(at))


def _width(sent: str | None) -> int | None:
    try:
        return integer(1, 10_000).parse(int(sent)) if sent else None
    except (Invalid, ValueError):
        return None


SELECTED = ("q", "where", "sort", "availableNow", "window", "windowId")


def selected(query: str) -> dict[str, Any]:
    """The parameters of a grid's address that select contacts."""
    given = {name: values for name, values in parse_query(query).items() if name in SELECTED}
    return {name: values if name == "where" else values[-1] for name, values in given.items()}
