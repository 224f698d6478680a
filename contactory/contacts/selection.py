"""Which contacts the grid shows: what the URL says, and how it is put to the database."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from contactory.catalog import Catalog
from contactory.checks import Errors, Object, Rule, one_of
from contactory.contacts.cursors import SORTS
from contactory.contacts.filters import Condition, condition_sql, parse_condition, updated_since
from contactory.contacts.listing import Filter
from contactory.contacts.search import matches, query_of, search
from contactory.invalid import Invalid
from contactory.operations import Call

MOST_CONDITIONS = 20
_LONGEST = 300


def _typed(value: Any) -> str:
    return str(value)[:_LONGEST]


TEXT = Rule(_typed, {"type": "string"})
SELECTION_QUERY: Mapping[str, Rule] = {
    "q": TEXT,
    "where": TEXT._replace(many=True),
    "sort": one_of(*SORTS),
    # A further condition, as a form without scripts sends it.
    "column": TEXT,
    "operator": TEXT,
    "value": TEXT,
}


class Selection(msgspec.Struct):
    """What the grid is to show."""

    q: str
    conditions: list[Condition]
    sort: str = "-createdAt"

    def query(self, *, without: Condition | None = None, **changed: str) -> str:
        """The query of the URL that says the same, but for one condition less, or what is `changed`."""
        given = {"q": self.q, "sort": "" if self.sort == "-createdAt" else self.sort, **changed}
        named = [(name, value) for name, value in given.items() if value]
        return urlencode([*named, *(("where", c.text) for c in self.conditions if c != without)])

    @property
    def narrowed(self) -> bool:
        """Whether it may leave any contact out."""
        return bool(self.q.strip() or self.conditions)


def selection_of(query: Object, catalog: Catalog) -> Selection:
    """The selection that a URL or a form describes. Raises ValidationProblem."""
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
    errors.check()
    return Selection(query.get("q", ""), [*conditions.values()], query.get("sort", "-createdAt"))


async def filter_of(
    call: Call, catalog: Catalog, selection: Selection, *, all_of_them: bool = False
) -> Filter:
    """The selection as the list of contacts takes it; `all_of_them` as in search.matches."""
    tags = [c.value for c in selection.conditions if c.column.kind == "tags" and c.value]
    await call.app.catalogs.tag_ids(catalog, tags, call.conn)
    conditions = [condition_sql(condition, catalog) for condition in selection.conditions]
    query = query_of(catalog.workspace_id, selection.q)
    if query:
        async with call.connection() as conn:
            ids = await search(conn, catalog.workspace_id, query)
            conditions.append(matches(query, ids, all_of_them=all_of_them))
    return Filter(conditions=conditions, updated_after=updated_since(selection.conditions))
