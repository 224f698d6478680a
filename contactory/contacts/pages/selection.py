"""The contacts of the grid: from the URL to the filter of a list."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from contactory.catalog.calls import catalogs_of
from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import BUILT_IN, Column, columns_of
from contactory.contacts.read.available import AvailableAt, parse_available
from contactory.contacts.read.filter import And, Compare, Filter, available, tag_names
from contactory.contacts.read.filter_url import Condition, parse_condition
from contactory.contacts.read.filter_words import availability
from contactory.contacts.read.search import matches, query_of, search
from contactory.dashboard.inputs import TEXT
from contactory.rules.checks import Errors, Object, Rule, every_plus, leading_plus
from contactory.rules.invalid import Invalid
from contactory.values.questions import CHANNEL
from contactory.web.operations import Call

MOST_CONDITIONS = 20
DEFAULT_SORT = "-createdAt"


_CONDITION = re.compile(r"([^:%]+(?::|%3A)[^:%]+(?::|%3A))(.*)", re.IGNORECASE)
_NO_SPACES = ("email", "timezone", "clock")


def _meant_plus(text: str) -> str:
    """Values never begin with a space, and an e-mail or a zone never contains one."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        return text
    keep = every_plus if found[1].startswith(_NO_SPACES) else leading_plus
    return found[1] + keep(found[2])


SELECTION_QUERY: Mapping[str, Rule] = {
    "q": TEXT,
    "where": TEXT._replace(many=True, plus=_meant_plus),
    "sort": TEXT,
    "availableNow": TEXT,
    "window": TEXT,
    # One more condition, in the form of a page without scripts.
    "column": TEXT,
    "operator": TEXT,
    "value": TEXT,
}


class Selection(msgspec.Struct):
    """The selection and order of the grid."""

    q: str
    conditions: list[Condition]
    column: Column
    """The column to sort by."""
    descending: bool
    window: str = ""
    """The send window for availability now; empty for the default one."""
    available_at: AvailableAt | None = None

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
        """The channel for availability now; empty without that filter."""
        return self.available_at.channel if self.available_at else ""

    @property
    def available_words(self) -> str:
        """The same in words, without the window."""
        return availability(self.available_at, now=True) if self.available_at else ""

    @property
    def named(self) -> dict[str, str]:
        """The parameters of the URL besides the conditions."""
        sort = "" if self.sort == DEFAULT_SORT else self.sort
        given = {"q": self.q, "sort": sort, "availableNow": self.available, "window": self.window}
        return {name: value for name, value in given.items() if value}

    def query(self, *, without: Condition | None = None, **changed: str) -> str:
        """The query of the URL for this selection, without one condition, or with `changed` parameters."""
        named = [(name, value) for name, value in {**self.named, **changed}.items() if value]
        return urlencode([*named, *(("where", c.text) for c in self.conditions if c != without)])

    @property
    def narrowed(self) -> bool:
        """Whether it may exclude contacts."""
        return bool(self.q.strip() or self.conditions or self.available_at)


def selection_of(query: Object, catalog: Catalog) -> Selection:
    """The selection of a URL or a form. Raises ValidationProblem."""
    errors, conditions = Errors(), dict[str, Condition]()
    texts: list[str] = [*query.get("where", ())]
    if query.get("column"):
        texts.append(f"{query['column']}:{query.get('operator', '')}:{query.get('value', '')}")
    if len(texts) > MOST_CONDITIONS:
        errors.add_parameter("where", Invalid("too_many", f"may be given {MOST_CONDITIONS} times at most"))
    for text in texts[:MOST_CONDITIONS]:
        try:
            condition = parse_condition(text, catalog)
            conditions[condition.text] = condition
        except Invalid as error:
            errors.add_parameter("where", error)
    column, descending = _order(query.get("sort") or DEFAULT_SORT, catalog, errors)
    asked, window = _available(query, catalog, errors)
    errors.check()
    return Selection(query.get("q", ""), [*conditions.values()], column, descending, window, asked)


def _order(sort: str, catalog: Catalog, errors: Errors) -> tuple[Column, bool]:
    key = sort.removeprefix("-")
    column = next((c for c in columns_of(catalog) if c.key == key and c.sortable), None)
    if column is None:
        detail = "The order is by a field that does not exist, or does not exist any more"
        errors.add_parameter("sort", Invalid("unknown_order", detail))
    return column or BUILT_IN[0], sort.startswith("-")


def _available(query: Object, catalog: Catalog, errors: Errors) -> tuple[AvailableAt | None, str]:
    channel, window = query.get("availableNow"), query.get("window") or ""
    if not channel:
        return None, ""
    try:
        asked = {"availableNow": CHANNEL.parse(channel), **({"window": window} if window else {})}
        return parse_available(asked, catalog, errors), window
    except Invalid as error:
        errors.add_parameter("availableNow", error)
        return None, ""


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
