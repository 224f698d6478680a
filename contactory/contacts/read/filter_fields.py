"""What can be asked of a contact: its fields, and the comparisons that each of them knows.

What can be asked of a custom field stands with its type, in values/field_types.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CUSTOM, Column
from contactory.contacts.consent import CHANNELS, DO_NOT_CONTACT
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email
from contactory.values.field_types import field_type
from contactory.values.field_types.date import DATE
from contactory.values.field_types.field_type import KNOWN, Sql
from contactory.values.field_types.registry import type_of
from contactory.values.field_types.text import TEXT
from contactory.values.phones import normalise_phone


class Operator(NamedTuple):
    """One comparison."""

    words: str
    """How it is said, between the name of the field and the value."""
    condition: Callable[[str, Any, Catalog], Sql]
    """The condition on what stands in the given place, and a value. It may be null where there is none."""
    parse: Callable[[str, Catalog], Any] | None = None
    """The value from what was typed, which is not empty; raises Invalid. None where it takes no value."""

    @property
    def valueless(self) -> bool:
        """It compares with nothing."""
        return self.parse is None


Operators = Mapping[str, Operator]


class Field(NamedTuple):
    """A built-in field."""

    place: str
    """Where it stands in the row of a contact `c`."""
    offered: Operators
    """What the grid offers, in its order."""
    further: Operators = {}
    """What is asked by programs alone."""


def _same(value: Any, catalog: Catalog) -> Any:
    return value


def _compared(
    words: str,
    sql: str,
    parse: Callable[[str, Catalog], Any] | None = None,
    bind: Callable[[Any, Catalog], Any] = _same,
) -> Operator:
    """A comparison by `sql`, which has `{place}` and then `{value}`; `bind` makes what the driver takes."""

    def condition(place: str, value: Any, catalog: Catalog) -> Sql:
        return sql.format(place=place, value="{}"), [bind(value, catalog)]

    return Operator(words, condition, parse)


def _of_type(operator: field_type.Operator) -> Operator:
    """A comparison that a type of custom fields knows. Its values are texts as they are typed."""

    def condition(place: str, value: Any, catalog: Catalog) -> Sql:
        return operator.condition(place, value or "")

    def parse(text: str, catalog: Catalog) -> str:
        operator.condition("", text)
        return text

    return Operator(operator.words, condition, None if operator.valueless else parse)


def _email_key(text: str, catalog: Catalog) -> str:
    return normalise_email(text)[1]


def _phone(text: str, catalog: Catalog) -> str:
    return normalise_phone(text, catalog.country)


def _digits(text: str, catalog: Catalog) -> str:
    return "".join(filter(str.isdigit, text)) or text


def _midnight(text: str, catalog: Catalog) -> datetime:
    return datetime.fromisoformat(DATE.parse(text)).replace(tzinfo=UTC)


def _one_tag(text: str, catalog: Catalog) -> tuple[str, ...]:
    return (text,)


def _aliases(names: tuple[str, ...], catalog: Catalog) -> list[int]:
    return [tag_id for name in names for tag_id in catalog.aliases(name)]


def _all_tags(value: None, catalog: Catalog) -> list[int]:
    return [tag_id for tag_id, name in catalog.tag_names.items() if name is not None]


_KNOWN = {name: _of_type(operator) for name, operator in KNOWN.items()}
_TEXT = {name: _of_type(operator) for name, operator in TEXT.operators.items()}
_EMAIL = {**_TEXT, "is": _compared("is", "c.email_key = {value}", _email_key)}
_PHONE = {
    "is": _compared("is", "{place} = {value}", _phone),
    "contains": _compared("contains", "strpos({place}, {value}) > 0", _digits),
    **_KNOWN,
}
_ZONE = {"is": _compared("is", "{place} = {value}", _same), **_KNOWN}
_ANY_TAG = "{place} && {value}::bigint[]"
# The value is one name or several: at least one of them, or none.
_TAGS = {
    "has": _compared("have", _ANY_TAG, _one_tag, _aliases),
    "lacks": _compared("lack", f"not {_ANY_TAG}", _one_tag, _aliases),
    "filled": _compared("is filled in", _ANY_TAG, bind=_all_tags),
    "empty": _compared("is empty", f"not {_ANY_TAG}", bind=_all_tags),
}
_MOMENT = {
    "from": _compared("on or after", "{place} >= {value}", _midnight),
    "before": _compared("before", "{place} < {value}", _midnight),
}
_MOMENT_FURTHER = {
    "after": _compared("after", "{place} > {value}"),
    "until": _compared("not after", "{place} <= {value}"),
}
_CONSENT = {"is": _compared("is", "{place} = {value}")}
_SEARCH = {
    # For all that match: the index of the words leads to them.
    "finds": _compared(
        "match the search",
        """{place} in (select s.contact_id from contact_search s
                         where s.workspace_id = $1 and s.words @@ {value}::tsquery)""",
    ),
    # For the first ones of an order. As a value and no join, so that the walk stops after a page.
    "meets": _compared(
        "match the search",
        """(select s.words @@ {value}::tsquery from contact_search s
             where s.workspace_id = $1 and s.workspace_id = c.workspace_id and s.contact_id = {place})""",
    ),
}
_EXACTLY = _compared("is exactly", "{place} = {value}")
"""Of a custom value, as it is kept."""

FIELDS: dict[str, Field] = {
    "firstName": Field("c.first_name", _TEXT),
    "lastName": Field("c.last_name", _TEXT),
    "email": Field("c.email", _EMAIL),
    "phone": Field("c.phone", _PHONE),
    "tags": Field("c.tag_ids", _TAGS),
    "timezone": Field("c.timezone", _ZONE),
    "createdAt": Field("c.created_at", _MOMENT, _MOMENT_FURTHER),
    "updatedAt": Field("c.updated_at", _MOMENT, _MOMENT_FURTHER),
    "deletedAt": Field("c.deleted_at", {}, _MOMENT | _MOMENT_FURTHER | _KNOWN),
    "id": Field("c.id", {}, {"in": _compared("is one of", "{place} = any({value}::text[]::uuid[])")}),
    "search": Field("c.id", {}, _SEARCH),
    **{
        f"consent.{name}": Field(f"coalesce(c.consent -> '{name}' ->> 'status', 'unknown')", {}, _CONSENT)
        for name in CHANNELS
    },
    f"consent.{DO_NOT_CONTACT}": Field(
        f"coalesce((c.consent ->> '{DO_NOT_CONTACT}')::boolean, false)", {}, _CONSENT
    ),
}
"""The built-in fields by their names."""


def comparisons_of(column: Column) -> Operators:
    """What may be asked of a column of the grid, by the name in the URL."""
    if column.custom:
        return {name: _of_type(operator) for name, operator in type_of(column.kind).operators.items()}
    return FIELDS[column.key].offered


def operator_of(field: str, name: str, catalog: Catalog) -> tuple[Sql, Operator]:
    """Where a field stands, and what a comparison of that name asks of it.

    Raises Invalid for a custom field that there is not, and KeyError for a comparison that it does not know.
    """
    if field in FIELDS:
        place, offered, further = FIELDS[field]
        return (place, []), offered.get(name) or further[name]
    number = field.removeprefix(CUSTOM)
    custom = catalog.fields_by_num.get(number)
    if custom is None:
        raise unknown_field()
    operators = type_of(custom.type).operators
    return ("(c.fields ->> {})", [number]), _EXACTLY if name == "exactly" else _of_type(operators[name])


def unknown_field() -> Invalid:
    """A filter names a field that is not there."""
    return Invalid("unknown_filter", "This filter is about a field that there is not, or no longer")
