"""The operations on many contacts' rows: the list, and a contact's history."""

from itertools import chain
from typing import Any

from contactory.catalog.catalog import Catalog
from contactory.contacts.api.one import home, with_extras
from contactory.contacts.read.available import at_that_moment, reachable
from contactory.contacts.read.by_key import read_many
from contactory.contacts.read.cursors import CURSOR, SORTS, Cursor
from contactory.contacts.read.history import EVENT_CURSOR_PATTERN, history, parse_event_cursor
from contactory.contacts.read.listing import Filter, Page, count_contacts, list_contacts
from contactory.contacts.write.commands import show_all
from contactory.rules.checks import (
    BOOLEAN,
    ID,
    TIMESTAMP,
    Errors,
    Json,
    Rule,
    described,
    every_plus,
    integer,
    leading_plus,
    one_of,
)
from contactory.rules.errors import Forbidden, NotFound
from contactory.rules.invalid import Invalid
from contactory.values.email import EMAIL_ADDRESS, normalise_email
from contactory.values.names import NAME
from contactory.values.phones import PHONE_NUMBER, normalise_phone
from contactory.values.questions import AT, CHANNEL, WINDOW
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call
from contactory.web.paging import LIMIT, next_link


def _plain(value: Json) -> str:
    return str(value)


OFFSET = integer(0, 1_000_000_000, 0)
EVENT_CURSOR = Rule(parse_event_cursor, {"type": "string", "pattern": EVENT_CURSOR_PATTERN})
EMAIL_FILTER = Rule(_plain, EMAIL_ADDRESS, narrows=True, plus=every_plus)
PHONE_FILTER = Rule(_plain, PHONE_NUMBER, narrows=True, plus=leading_plus)
_TAGS = NAME._replace(many=True, narrows=True)
_TIME = TIMESTAMP._replace(narrows=True)
LIST_QUERY = {
    "workspaceId": ID,
    "limit": LIMIT,
    "offset": described(OFFSET, "How many contacts to pass over, from the cursor on where there is one."),
    "cursor": described(
        CURSOR, "Where to go on: take it from the Link header. It keeps the order of its list."
    ),
    "sort": described(one_of(*SORTS), "The order; createdAt unless given."),
    "email": EMAIL_FILTER,
    "phone": PHONE_FILTER,
    "tag": described(_TAGS, "Only contacts that carry the tag; several: all of them."),
    "anyTag": described(_TAGS, "Only contacts that carry the tag; several: at least one."),
    "notTag": described(_TAGS, "Only contacts without the tag; several: without all of them."),
    "createdAfter": _TIME,
    "createdBefore": _TIME,
    "updatedAfter": _TIME,
    "updatedBefore": _TIME,
    "count": described(BOOLEAN, "Say in X-Total-Count how many contacts the list has in all."),
    "include": one_of("timezones", "consent", "version")._replace(many=True),
    "availableNow": described(
        CHANNEL._replace(narrows=True), "Only contacts that may be contacted on this channel now."
    ),
    "availableAt": described(AT._replace(narrows=True), "Or at this moment, on `channel`."),
    "channel": described(CHANNEL, "The channel that availableAt is about."),
    "window": described(WINDOW, "The send window for availableNow and availableAt; else the default one."),
}

_TAG_FILTERS = ("tag", "anyTag", "notTag")


async def list_all(call: Call) -> Response:
    """A page of the workspace's contacts."""

    async def attempt(catalog: Catalog) -> Response:
        same = (catalog.workspace_id, catalog.version, call.request.query_string)
        shared = await call.app.lists.get(same, lambda: _list(call, catalog))
        return Response(shared.status, shared.body, list(shared.headers))

    return await call.by_catalog(call.query.get("workspaceId"), attempt)


async def _list(call: Call, catalog: Catalog) -> Response:
    query = call.query
    cursor: Cursor | None = query.get("cursor")
    sort = cursor.sort if cursor else query.get("sort", "createdAt")
    await call.app.catalogs.tag_ids(catalog, [tag for name in _TAG_FILTERS for tag in query.get(name, ())])
    wanted = _filter(call, catalog)
    include = query.get("include", ())
    async with call.connection() as conn:
        page = await list_contacts(
            conn, catalog, wanted, sort, query.get("limit", 20), query.get("offset", 0), cursor, include
        )
        total = await count_contacts(conn, catalog, wanted) if query.get("count") else None
    headers = next_link(call, page.next, at_that_moment(wanted.reachable))
    if total is not None:
        headers.append(("x-total-count", str(total)))
    return json_response(200, await _shown(call, page, catalog), headers)


def _filter(call: Call, catalog: Catalog) -> Filter:
    errors = Errors()
    every, some, none = ([catalog.aliases(tag) for tag in call.query.get(name, ())] for name in _TAG_FILTERS)
    wanted = Filter(
        tags=every,
        any_tag=[*chain.from_iterable(some)] if "anyTag" in call.query else None,
        not_tags=[*chain.from_iterable(none)],
        created_after=call.query.get("createdAfter"),
        created_before=call.query.get("createdBefore"),
        updated_after=call.query.get("updatedAfter"),
        updated_before=call.query.get("updatedBefore"),
    )
    wanted.phone, wanted.email_key = parse_address(call, catalog, errors)
    wanted.reachable = reachable(call.query, catalog, errors)
    errors.check()
    return wanted


def parse_address(call: Call, catalog: Catalog, errors: Errors) -> tuple[str | None, str | None]:
    """The phone and the key of the e-mail that the query asks for; what is wrong goes to `errors`."""
    phone = email_key = None
    try:
        if "email" in call.query:
            _, email_key = normalise_email(call.query["email"])
    except Invalid as error:
        errors.add_parameter("email", error)
    try:
        if "phone" in call.query:
            phone = normalise_phone(call.query["phone"], catalog.country)
    except Invalid as error:
        errors.add_parameter("phone", error)
    return phone, email_key


async def _shown(call: Call, page: Page, catalog: Catalog) -> list[Any]:
    contacts = await show_all(call, [(row["id"], row) for row in page.rows], catalog)
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
    """What was changed on a contact, newest first."""
    contact_id = call.path_id()
    deleted_too = "deleted" in call.query.get("include", ())
    if deleted_too and not call.actor.may("admin"):
        raise Forbidden("Only a key with the permission admin sees deleted contacts.")
    workspace_id = await home(call, contact_id)
    await call.catalog(workspace_id)
    async with call.connection() as conn:
        row = (await read_many(conn, [(workspace_id, contact_id)])).get((workspace_id, contact_id))
        if row is None or (row["deleted_at"] is not None and not deleted_too):
            raise NotFound
        events, following = await history(
            conn, workspace_id, contact_id, call.query.get("limit", 20), call.query.get("cursor")
        )
    return json_response(200, events, next_link(call, following))
