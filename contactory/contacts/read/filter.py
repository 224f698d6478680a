"""Filters of the grid: conditions on columns, as text in the URL and as SQL.

A condition reads `column:operator:value`, as `tags:has:vip` or `field-12:least:500`, and all must hold.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CUSTOM, Column, columns_of
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email
from contactory.values.field_types.date import DATE
from contactory.values.field_types.field_type import KNOWN, Operator, Sql
from contactory.values.field_types.text import TEXT
from contactory.values.phones import normalise_phone


class Comparison(NamedTuple):
    """What may be asked of a column, in words."""

    words: str
    valueless: bool = False
    """It compares with nothing."""


def _comparisons(operators: Mapping[str, Operator]) -> dict[str, Comparison]:
    return {name: Comparison(operator.words, operator.valueless) for name, operator in operators.items()}


_KNOWN, _TEXT = _comparisons(KNOWN), _comparisons(TEXT.operators)
_COMPARISONS: dict[str, dict[str, Comparison]] = {
    "email": _TEXT,
    "phone": _TEXT,
    "zone": {"is": Comparison("is"), **_KNOWN},
    "tags": {"has": Comparison("have"), "lacks": Comparison("lack"), **_KNOWN},
    "moment": {"from": Comparison("on or after"), "before": Comparison("before")},
}
"""By the kinds of columns that are not types of custom fields."""


def comparisons_of(column: Column) -> dict[str, Comparison]:
    """What may be asked of a column, by the name in the URL."""
    return _comparisons(column.type.operators) if column.type else _COMPARISONS[column.kind]


class Condition(msgspec.Struct, frozen=True):
    """One condition."""

    column: Column
    operator: str
    value: str

    @property
    def text(self) -> str:
        """The condition as the URL carries it."""
        return f"{self.column.key}:{self.operator}:{self.value}"

    @property
    def words(self) -> str:
        """How it is said, without the value."""
        return f"{self.column.title} {comparisons_of(self.column)[self.operator].words}"


def parse_condition(text: str, catalog: Catalog) -> Condition:
    """The condition that the URL carries. Raises Invalid."""
    key, _, rest = text.partition(":")
    operator, _, value = rest.partition(":")
    column = next((c for c in columns_of(catalog) if c.key == key), None)
    if column is None:
        raise Invalid("unknown_filter", "This filter is about a field that there is not, or no longer")
    comparison = comparisons_of(column).get(operator)
    if comparison is None:
        raise Invalid("unknown_filter", f"This filter asks something of {column.title} that cannot be asked")
    condition = Condition(column, operator, "" if comparison.valueless else value.strip())
    if not comparison.valueless and not condition.value:
        raise Invalid("required", f"Say which {column.title} the filter is to look for")
    condition_sql(condition, catalog)
    return condition


def condition_sql(condition: Condition, catalog: Catalog) -> Sql:
    """The condition on the contacts `c` of a list. Raises Invalid where its value is none."""
    column = condition.column
    if column.kind == "tags":
        return _of_tags(condition, catalog)
    place, key = _PLACES.get(column.key, ("(c.fields ->> {})", [column.key.removeprefix(CUSTOM)]))
    operator = (column.type.operators if column.type else KNOWN).get(condition.operator)
    if operator is not None:
        sql, values = operator.condition(place, condition.value)
        return sql, [*key, *values]
    return _COMPARED[column.kind](place, condition, catalog)


_PLACES: dict[str, Sql] = {
    "firstName": ("c.first_name", []),
    "lastName": ("c.last_name", []),
    "email": ("c.email", []),
    "phone": ("c.phone", []),
    "timezone": ("c.timezone", []),
    "createdAt": ("c.created_at", []),
    "updatedAt": ("c.updated_at", []),
}


def _of_tags(condition: Condition, catalog: Catalog) -> Sql:
    if condition.operator in ("has", "lacks"):
        not_ = "not " if condition.operator == "lacks" else ""
        return f"{not_}c.tag_ids && {{}}::bigint[]", [catalog.aliases(condition.value)]
    not_ = "not " if condition.operator == "empty" else ""
    shown = [tag_id for tag_id, name in catalog.tag_names.items() if name is not None]
    return f"{not_}c.tag_ids && {{}}::bigint[]", [shown]


def _email(place: str, condition: Condition, catalog: Catalog) -> Sql:
    if condition.operator == "is":
        return "c.email_key = {}", [normalise_email(condition.value)[1]]
    return TEXT.operators[condition.operator].condition(place, condition.value)


def _phone(place: str, condition: Condition, catalog: Catalog) -> Sql:
    if condition.operator == "is":
        return f"{place} = {{}}", [normalise_phone(condition.value, catalog.country)]
    return f"strpos({place}, {{}}) > 0", ["".join(filter(str.isdigit, condition.value)) or condition.value]


def _zone(place: str, condition: Condition, catalog: Catalog) -> Sql:
    return f"{place} = {{}}", [condition.value]


def _moment(place: str, condition: Condition, catalog: Catalog) -> Sql:
    return f"{place} {'>=' if condition.operator == 'from' else '<'} {{}}", [_midnight(condition.value)]


def _midnight(value: str) -> datetime:
    return datetime.fromisoformat(DATE.parse(value)).replace(tzinfo=UTC)


_COMPARED: dict[str, Callable[[str, Condition, Catalog], Sql]] = {
    "email": _email,
    "phone": _phone,
    "zone": _zone,
    "moment": _moment,
}


def updated_since(conditions: list[Condition]) -> datetime | None:
    """The latest moment after which all conditions want the last change to be: those have an index."""
    moments = [
        _midnight(condition.value)
        for condition in conditions
        if condition.column.key == "updatedAt" and condition.operator == "from"
    ]
    return max(moments) - timedelta(microseconds=1) if moments else None
