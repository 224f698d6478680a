"""Filters of the grid: conditions on columns, as text in the URL and as SQL.

A condition reads `column:operator:value`, as `tags:has:vip` or `field-12:least:500`, and all must hold.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import Column, columns_of
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email
from contactory.values.field_types import text_form
from contactory.values.phones import normalise_phone

Sql = tuple[str, list[Any]]
_WORDS = {"is": "is", "contains": "contains", "filled": "is filled in", "empty": "is empty"}
_RANGE = {"is": "is", "least": "is at least", "most": "is at most"}
_KNOWN = {"filled": "is filled in", "empty": "is empty"}
OPERATORS: dict[str, dict[str, str]] = {
    "text": _WORDS,
    "email": _WORDS,
    "phone": _WORDS,
    "zone": {"is": "is", **_KNOWN},
    "tags": {"has": "have", "lacks": "lack", **_KNOWN},
    "number": {**_RANGE, **_KNOWN},
    "date": {"is": "is", "from": "is on or after", "before": "is before", **_KNOWN},
    "boolean": {"is": "is", **_KNOWN},
    "moment": {"from": "on or after", "before": "before"},
}
"""By the kind of column, what may be asked of it, and how that is said."""
VALUELESS = ("filled", "empty")


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
        return f"{self.column.title} {OPERATORS[self.column.kind][self.operator]}"


def parse_condition(text: str, catalog: Catalog) -> Condition:
    """The condition that the URL carries. Raises Invalid."""
    key, _, rest = text.partition(":")
    operator, _, value = rest.partition(":")
    column = next((c for c in columns_of(catalog) if c.key == key), None)
    if column is None:
        raise Invalid("unknown_filter", "This filter is about a field that there is not, or no longer")
    if operator not in OPERATORS[column.kind]:
        raise Invalid("unknown_filter", f"This filter asks something of {column.title} that cannot be asked")
    condition = Condition(column, operator, "" if operator in VALUELESS else value.strip())
    if operator not in VALUELESS and not condition.value:
        raise Invalid("required", f"Say which {column.title} the filter is to look for")
    condition_sql(condition, catalog)
    return condition


def condition_sql(condition: Condition, catalog: Catalog) -> Sql:
    """The condition on the contacts `c` of a list. Raises Invalid where its value is none."""
    column = condition.column
    if column.kind == "tags":
        return _of_tags(condition, catalog)
    place, values = _PLACES.get(column.key, ("c.fields ->> {}", [column.key.removeprefix("field-")]))
    if condition.operator in VALUELESS:
        return f"{place} is {'not ' if condition.operator == 'filled' else ''}null", values
    sql, value = _COMPARED[column.kind](place, condition, catalog)
    return sql, [*values, value]


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


def _text(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    if condition.operator == "contains":
        return f"strpos(lower({place}), lower({{}})) > 0", condition.value
    return f"lower({place}) = lower({{}})", condition.value


def _email(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    if condition.operator == "is":
        return "c.email_key = {}", normalise_email(condition.value)[1]
    return _text(place, condition, catalog)


def _phone(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    if condition.operator == "is":
        return f"{place} = {{}}", normalise_phone(condition.value, catalog.country)
    return f"strpos({place}, {{}}) > 0", "".join(filter(str.isdigit, condition.value)) or condition.value


def _zone(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    return f"{place} = {{}}", condition.value


def _number(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    sign = {"is": "=", "least": ">=", "most": "<="}[condition.operator]
    return f"({place})::numeric {sign} {{}}", Decimal(text_form("number", condition.value))


def _date(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    sign = {"is": "=", "from": ">=", "before": "<"}[condition.operator]
    return f'{place} {sign} {{}} collate "C"', text_form("date", condition.value)


def _boolean(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    return f"{place} = {{}}", text_form("boolean", condition.value)


def _moment(place: str, condition: Condition, catalog: Catalog) -> tuple[str, Any]:
    day = date.fromisoformat(text_form("date", condition.value))
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return f"{place} {'>=' if condition.operator == 'from' else '<'} {{}}", moment


_COMPARED: dict[str, Callable[[str, Condition, Catalog], tuple[str, Any]]] = {
    "text": _text,
    "email": _email,
    "phone": _phone,
    "zone": _zone,
    "number": _number,
    "date": _date,
    "boolean": _boolean,
    "moment": _moment,
}


def updated_since(conditions: list[Condition]) -> datetime | None:
    """The latest moment after which all conditions want the last change to be: those have an index."""
    days = [
        date.fromisoformat(text_form("date", condition.value))
        for condition in conditions
        if condition.column.key == "updatedAt" and condition.operator == "from"
    ]
    if not days:
        return None
    latest = max(days)
    moment = datetime(latest.year, latest.month, latest.day, tzinfo=UTC)
    return moment - timedelta(microseconds=1)
