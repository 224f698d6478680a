"""The operations that return lists: the list of contacts, and a contact's history."""

from typing import Any

from contactory.catalog.calls import catalogs_of, in_query, with_catalog, workspace_of
from contactory.catalog.catalog import Catalog
from contactory.contacts.api.one import includes_deleted, workspace_in_path
from contactory.contacts.api.services import services_of
from contactory.contacts.read.available import at_that_moment
from contactory.contacts.read.by_key import read_many
from contactory.contacts.read.counting import count_or_estimate
from contactory.contacts.read.cursors import CURSOR, SORTS, Cursor
from contactory.contacts.read.filter import Clauses, Filter, shape_of, tag_names
from contactory.contacts.read.filter_url import parse_list_filter
from contactory.contacts.read.history import EVENT_CURSOR_PATTERN, history, parse_event_cursor
from contactory.contacts.read.listing import list_contacts
from contactory.contacts.read.plain import plain_page
from contactory.contacts.read.query import Page
from contactory.contacts.read.show import show_all, with_extras
from contactory.rules.checks import (
    BOOLEAN,
    ID,
    TIMESTAMP,
    Errors,
    Json,
    Object,
    Rule,
    described,
    inner_plus,
    integer,
    leading_plus,
    one_of,
)
from contactory.rules.errors import NotFound
from contactory.rules.invalid import Invalid
from contactory.values.email import EMAIL_ADDRESS
from contactory.values.names import NAME
from contactory.values.phones import PHONE_NUMBER
from contactory.values.questions import AT, CHANNEL, WINDOW
from contactory.web.messages import JSON, Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import LIMIT, next_link

_JSON = ("content-type", JSON)
_MOST_SKIPPED = 10_000
_FIRST_OFFSET = integer(0, _MOST_SKIPPED, 0)


def _offset(value: Json) -> int:
    try:
        return _FIRST_OFFSET.parse(value)
    except Invalid as error:
        detail = f"{error.detail}; to read further, follow the cursor in the Link header of each page"
        raise Invalid(error.code, detail) from None


OFFSET = Rule(_offset, _FIRST_OFFSET.schema)
EVENT_CURSOR = Rule(parse_event_cursor, {"type": "string", "pattern": EVENT_CURSOR_PATTERN})
EMAIL_FILTER = Rule(str, EMAIL_ADDRESS, narrows=True, plus=inner_plus)
PHONE_FILTER = Rule(str, PHONE_NUMBER, narrows=True, plus=leading_plus)
_TAGS = NAME._replace(many=True, narrows=True)
_TIME = TIMESTAMP._replace(narrows=True)
LIST_QUERY = {
    "workspaceId": ID,
    "limit": LIMIT,
    "offset": described(OFFSET, "How many contacts to skip, after the cursor if there is one."),
    "cursor": described(
        CURSOR, "The start of the next page, from the Link header. It keeps the order of its list."
    ),
    "sort": described(one_of(*SORTS), "The order; default: createdAt."),
    "email": EMAIL_FILTER,
    "phone": PHONE_FILTER,
    "tag": described(_TAGS, "Only contacts with the tag; several: with all of them."),
    "anyTag": described(_TAGS, "Only contacts with the tag; several: with at least one."),
    "notTag": described(_TAGS, "Only contacts without the tag; several: without any of them."),
    "createdAfter": _TIME,
    "createdBefore": _TIME,
    "updatedAfter": _TIME,
    "updatedBefore": _TIME,
    "count": described(
        BOOLEAN,
        "Add X-Total-Count with the total number of contacts in the list: exact up to 100,000, above that an "
        "estimate, with X-Total-Count-Exact: false.",
    ),
    "include": one_of("timezones", "consent", "version")._replace(many=True),
    "availableNow": described(
        CHANNEL._replace(narrows=True), "Only contacts that may be contacted on this channel now."
    ),
    "availableAt": described(
        AT._replace(narrows=True), "Only contacts that may be contacted at this moment, on `channel`."
    ),
    "channel": described(CHANNEL, "The channel of availableAt."),
    "window": described(
        WINDOW, "The send window for availableNow and availableAt; default: the default window."
    ),
}


@with_catalog(in_query)
async def list_all(call: Call, catalog: Catalog) -> Response:
    """A page of the workspace's contacts."""
    cursor: Cursor | None = call.query.get("cursor")
    sort: str = cursor.sort if cursor else call.query.get("sort", "createdAt")
    plain = plain_page(call.query, catalog.workspace_id, sort)
    if plain is not None:
        shown = await services_of(call).pages.get(plain, catalog)
        asked = (call.url(call.request.path), call.request.query_string)
        if shown.asked != asked:
            shown.asked, shown.links = asked, next_link(call, shown.next)
        return Response(200, shown.body, [_JSON, *shown.links])
    # With the server's address as the client knows it, because the links in the answer begin with it.
    same = (catalog.workspace_id, catalog.version, call.url(""), call.request.query_string)
    shared = await services_of(call).lists.get(same, lambda: _list(call, catalog, sort, cursor))
    return Response(shared.status, shared.body, list(shared.headers))


async def _list(call: Call, catalog: Catalog, sort: str, cursor: Cursor | None) -> Response:
    query, errors = call.query, Errors()
    wanted = parse_list_filter(query, catalog, errors)
    errors.check()
    await catalogs_of(call).tag_ids(catalog, tag_names(wanted))
    include = query.get("include", ())
    async with call.connection(_kind(query, sort, wanted)) as conn:
        page = await list_contacts(
            conn, catalog, wanted, sort, query.get("limit", 20), query.get("offset", 0), cursor, include
        )
        total = await count_or_estimate(conn, catalog, wanted) if query.get("count") else None
    headers = next_link(call, page.next, at_that_moment(Clauses(wanted).available_at))
    if total is not None:
        headers.append(("x-total-count", str(total.value)))
        if not total.exact:
            headers.append(("x-total-count-exact", "false"))
    return json_response(200, await _shown(call, page, catalog), headers)


def _kind(query: Object, sort: str, wanted: Filter) -> str:
    """What decides how long a list takes, for the share of the connections."""
    more = [name for name in ("count", "offset") if query.get(name)]
    return " ".join([sort, *more, shape_of(wanted)])


async def _shown(call: Call, page: Page, catalog: Catalog) -> list[Any]:
    contacts = await show_all(catalogs_of(call), catalog, page.rows)
    include = set(call.query.get("include", ()))
    if not include:
        return contacts
    return [with_extras(contact, row, include) for contact, row in zip(contacts, page.rows, strict=True)]


HISTORY_QUERY = {
    "limit": LIMIT,
    "cursor": EVENT_CURSOR,
    "include": one_of("deleted")._replace(many=True),
}


async def get_history(call: Call) -> Response:
    """The changes of a contact, newest first."""
    contact_id = call.path_id()
    deleted_too = includes_deleted(call)
    workspace_id = await workspace_of(call, await workspace_in_path(call))
    async with call.connection() as conn:
        row = (await read_many(conn, [(workspace_id, contact_id)])).get((workspace_id, contact_id))
        if row is None or (row["deleted_at"] is not None and not deleted_too):
            raise NotFound
        events, following = await history(
            conn, workspace_id, contact_id, call.query.get("limit", 20), call.query.get("cursor")
        )
    return json_response(200, events, next_link(call, following))
