"""The contacts of the grid: from the URL to the filter of a list."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from contactory.catalog.calls import catalogs_of
from contactory.catalog.catalog import Catalog, Stale
from contactory.contacts.columns import Column, columns_of
from contactory.contacts.pages.unread import Unread, UnreadParts, unread_parameters, widens
from contactory.contacts.read.available import AvailableAt, parse_available
from contactory.contacts.read.filter import And, Compare, Filter, available, tag_names
from contactory.contacts.read.filter_url import TAG, Condition, parse_condition, parts_of
from contactory.contacts.read.filter_words import availability
from contactory.contacts.read.search import matches, query_of, search
from contactory.dashboard.inputs import TEXT
from contactory.dashboard.visits import visit_of
from contactory.local_time.windows import CHANNELS
from contactory.rules.checks import Errors, Object, Rule, every_plus, leading_plus, quote
from contactory.rules.errors import ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.operations import Call

MOST_CONDITIONS = 20
DEFAULT_SORT = "-createdAt"
_WIDER = (
    "A filter of this list cannot be read, so the list may have more contacts than you want. Correct or "
    "remove the filter first."
)


_CONDITION = re.compile(r"([^:%]+(?::|%3A)[^:%]+(?::|%3A))(.*)", re.IGNORECASE)
_NO_SPACES = ("email", "timezone", "clock")


def _meant_plus(text: str) -> str:
    """Values never begin with a space, and an e-mail or a zone never contains one."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        return text
    keep = every_plus if found[1].startswith(_NO_SPACES) else leading_plus
    return found[1] + keep(found[2])


_WHOLE = Rule(str, TEXT.schema)
"""A text that is not cut off: a part of a value could match more contacts."""
SELECTION_QUERY: Mapping[str, Rule] = {
    "q": TEXT,
    "where": _WHOLE._replace(many=True, plus=_meant_plus),
    "sort": TEXT,
    "availableNow": TEXT,
    "window": TEXT,
    # The id of the window, in the link of a view: the window may have a new name.
    "windowId": TEXT,
    # One more condition, in the form of a page without scripts.
    "column": TEXT,
    "operator": TEXT,
    "value": _WHOLE,
}


class Selection(msgspec.Struct):
    """The selection and order of the grid."""

    q: str
    conditions: list[Condition]
    column: Column
    """The column to sort by."""
    descending: bool
    channel: str = ""
    """The channel for availability now, as it was sent; empty without that filter."""
    window: str = ""
    """The send window for availability now; empty for the default one."""
    available_at: AvailableAt | None = None
    unread: list[Unread] = []
    """The parts of the address that cannot be read."""

    @property
    def sort(self) -> str:
        """The order in the form of the URL."""
        return f"{'-' if self.descending else ''}{self.column.key}"

    def turned(self, column: Column) -> str:
        """The order behind the head of a column: latest first for times, ascending for texts."""
        descending = not self.descending if column == self.column else column.kind == "moment"
        return f"{'-' if descending else ''}{column.key}"

    @property
    def available(self) -> str:
        """The channel for availability now; empty without that filter, or if it cannot be read."""
        return self.available_at.channel if self.available_at else ""

    @property
    def available_words(self) -> str:
        """The same in words, without the window."""
        return availability(self.available_at, now=True) if self.available_at else ""

    @property
    def named(self) -> dict[str, str]:
        """The parameters of the URL besides the conditions."""
        sort = "" if self.sort == DEFAULT_SORT else self.sort
        given = {"q": self.q, "sort": sort, "availableNow": self.channel, "window": self.window}
        return {name: value for name, value in given.items() if value}

    @property
    def conditions_sent(self) -> list[str]:
        """The texts of all conditions, also of those that cannot be read."""
        return [each.text for each in self.conditions] + [each.text for each in self.unread if each.text]

    def query(self, *, without: Condition | Unread | None = None, **changed: str) -> str:
        """The query of the URL for this selection, without one condition, or with `changed` parameters."""
        named = [(name, value) for name, value in {**self.named, **changed}.items() if value]
        left = without.text if without else ""
        return urlencode([*named, *(("where", text) for text in self.conditions_sent if text != left)])

    @property
    def widened(self) -> bool:
        """Whether it may have more contacts than the user wants, because a filter cannot be read."""
        return widens(self.unread)

    def refuse_wider(self) -> None:
        """Raises ValidationProblem if a change of all its contacts may change too many."""
        if self.widened:
            raise ValidationProblem(_WIDER)

    @property
    def narrowed(self) -> bool:
        """Whether it may exclude contacts."""
        return bool(self.q.strip() or self.conditions or self.available_at)


async def selection_in(call: Call, catalog: Catalog, query: Object) -> Selection:
    """The selection of a URL or a form; what cannot be read is in its `unread`."""
    parts = (parts_of(text, catalog) for text in query.get("where", ()) if text.startswith(f"{TAG}:"))
    # Other processes may have just created them.
    await catalogs_of(call).tag_ids(catalog, [part.value for part in parts], call.conn)
    return _selection_of(query, catalog)


async def selection_of_page(call: Call, catalog: Catalog) -> Selection:
    """The selection in the address of a page. Raises Stale if another catalogue may be able to read it."""
    selection = await selection_in(call, catalog, call.query)
    selection.unread += unread_parameters(visit_of(call).unread)
    if selection.unread and await catalogs_of(call).newest(catalog, call.conn) is not catalog:
        raise Stale
    return selection


def _selection_of(query: Object, catalog: Catalog) -> Selection:
    unread, conditions = UnreadParts(), dict[str, Condition]()
    texts: list[str] = [*query.get("where", ())]
    if query.get("column"):
        texts.append(f"{query['column']}:{query.get('operator', '')}:{query.get('value', '')}")
    for text in dict.fromkeys(texts):
        try:
            condition = parse_condition(text, catalog)
            if len(conditions.keys() | {condition.text}) > MOST_CONDITIONS:
                raise Invalid(
                    "too_many", f"At most {MOST_CONDITIONS} filters are possible: remove another one"
                )
            conditions[condition.text] = condition
        except Invalid as error:
            unread.add_condition(text, error, catalog)
    column, descending = _order(query.get("sort") or DEFAULT_SORT, catalog, unread)
    channel, window = query.get("availableNow", ""), _window(query, catalog)
    asked = _available(channel, window, catalog, unread) if channel else None
    return Selection(
        query.get("q", ""),
        [*conditions.values()],
        column,
        descending,
        channel,
        window if channel else "",
        asked,
        unread.found,
    )


def _order(sort: str, catalog: Catalog, unread: UnreadParts) -> tuple[Column, bool]:
    key = sort.removeprefix("-")
    column = next((c for c in columns_of(catalog) if c.key == key and c.sortable), None)
    if column is not None:
        return column, sort.startswith("-")
    detail = "The order is by a field that does not exist any more, so the newest contacts come first"
    unread.add("sort", Invalid("unknown_order", detail), "")
    return _order(DEFAULT_SORT, catalog, unread)


def _window(query: Object, catalog: Catalog) -> str:
    """The name of the send window, the current one if its id is known."""
    known = (window.name for window in catalog.windows.values() if window.id == query.get("windowId"))
    return next(known, query.get("window", ""))


def _available(channel: str, window: str, catalog: Catalog, unread: UnreadParts) -> AvailableAt | None:
    errors, found = Errors(), None
    if channel in CHANNELS:
        asked = {"availableNow": channel, **({"window": window} if window else {})}
        found = parse_available(asked, catalog, errors)
    else:
        detail = f"{quote(channel)} is not a channel: choose {', '.join(CHANNELS)}"
        errors.add_parameter("availableNow", Invalid("unknown_value", detail))
    unread.add_available(errors.found, f"{channel} by {window}" if window else channel)
    return found


async def filter_of(
    call: Call, catalog: Catalog, selection: Selection, *, all_of_them: bool = False
) -> Filter:
    """The selection as a filter for the list of contacts; `all_of_them` as in search.matches."""
    parts: list[Compare] = [condition.compare for condition in selection.conditions]
    query = query_of(catalog.workspace_id, selection.q)
    if query:
        async with call.connection("search") as conn:
            ids = await search(conn, catalog.workspace_id, query)
            parts.append(matches(query, ids, all_of_them=all_of_them))
    if selection.available_at:
        parts.append(available(selection.available_at, now=True))
    wanted = And((*parts,))
    await catalogs_of(call).tag_ids(catalog, tag_names(wanted), call.conn)
    return wanted
