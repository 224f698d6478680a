"""The fields of a contact that a filter knows, each with its comparisons.

The comparisons of a custom field are those of its type, in values/field_types.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import CUSTOM, Column
from contactory.contacts.consent import CHANNELS, DO_NOT_CONTACT
from contactory.contacts.read.filter_places import CLOCK, REACH, names_of_zone, parse_zone
from contactory.contacts.read.operator import Operator, Operators
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email
from contactory.values.field_types import field_type
from contactory.values.field_types.date import DATE
from contactory.values.field_types.field_type import KNOWN, Sql
from contactory.values.field_types.registry import type_of
from contactory.values.field_types.text import TEXT
from contactory.values.phones import normalise_phone


class Field(NamedTuple):
    """A built-in field."""

    place: str
    """The SQL expression for it in the row of a contact `c`."""
    offered: Operators
    """The comparisons that the grid offers, in the order of its menu."""
    further: Operators = {}
    """Comparisons that the grid does not offer."""
    linked: Operators = {}
    """Comparisons that only links to the grid use, from a page that counts such contacts."""


def _same(value: Any, catalog: Catalog) -> Any:
    return value


def _compared(
    words: str,
    sql: str,
    parse: Callable[[str, Catalog], Any] | None = None,
    bind: Callable[[Any, Catalog], Any] = _same,
) -> Operator:
    """A comparison by `sql`, which has `{place}` and then `{value}`; `bind` makes the argument."""

    def condition(place: str, value: Any, catalog: Catalog) -> Sql:
        return sql.format(place=place, value="{}"), [bind(value, catalog)]

    return Operator(words, condition, parse)


def _of_type(operator: field_type.Operator) -> Operator:
    """A comparison of a type of custom fields. Its values are text, as a user types them."""

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


_KNOWN = {name: _of_type(operator) for name, operator in KNOWN.items()}
_TEXT = {name: _of_type(operator) for name, operator in TEXT.operators.items()}
_EMAIL = {**_TEXT, "is": _compared("is", "c.email_key = {value}", _email_key)}
_PHONE = {
    "is": _compared("is", "{place} = {value}", _phone),
    "contains": _compared("contains", "strpos({place}, {value}) > 0", _digits),
    **_KNOWN,
}
_ZONE = {"is": _compared("is", "{place} = any({value}::text[])", parse_zone, names_of_zone), **_KNOWN}
_ANY_TAG = "{place} && {value}::bigint[]"
# From the table: the catalogue need not know the tags that other processes have just created.
_SHOWN = "{} && array(select t.id from tags t where t.workspace_id = $1 and t.deleted_at is null)"


def _tagged(place: str, value: None, catalog: Catalog) -> Sql:
    return _SHOWN.format(place), []


def _untagged(place: str, value: None, catalog: Catalog) -> Sql:
    return f"not {_SHOWN.format(place)}", []


# Of one or several names: the contact has at least one of them, or lacks them all.
_TAGS = {
    "has": _compared("have", _ANY_TAG, _one_tag, _aliases),
    "lacks": _compared("lack", f"not {_ANY_TAG}", _one_tag, _aliases),
    "filled": Operator("is filled in", _tagged),
    "empty": Operator("is empty", _untagged),
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
    # For all matches: the index of the words finds them.
    "finds": _compared(
        "match the search",
        """{place} in (select s.contact_id from contact_search s
                         where s.workspace_id = $1 and s.words @@ {value}::tsquery)""",
    ),
    # For the first matches in an order. As a value, not a join, so that the scan stops after a page.
    "meets": _compared(
        "match the search",
        """(select s.words @@ {value}::tsquery from contact_search s
             where s.workspace_id = $1 and s.workspace_id = c.workspace_id and s.contact_id = {place})""",
    ),
}
_EXACTLY = _compared("is exactly", "{place} = {value}")
"""Of a custom value, in its stored form."""

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
    "clock": Field("", {}, {}, CLOCK),
    "reach": Field("", {}, {}, REACH),
    **{
        f"consent.{name}": Field(f"coalesce(c.consent -> '{name}' ->> 'status', 'unknown')", {}, _CONSENT)
        for name in CHANNELS
    },
    f"consent.{DO_NOT_CONTACT}": Field(
        f"coalesce((c.consent ->> '{DO_NOT_CONTACT}')::boolean, false)", {}, _CONSENT
    ),
}
"""The built-in fields by their names."""


def linked_of(field: str) -> Operators:
    """The comparisons of a field that only links to the grid use; none of an unknown field."""
    return FIELDS[field].linked if field in FIELDS else {}


def comparisons_of(column: Column) -> Operators:
    """The comparisons that the grid offers for a column, by their names in the URL."""
    if column.custom and column.type:
        return {name: _of_type(operator) for name, operator in column.type.operators.items()}
    return FIELDS[column.key].offered


def operator_of(field: str, name: str, catalog: Catalog) -> tuple[Sql, Operator]:
    """The SQL expression of a field, and its comparison of that name.

    Raises Invalid for a custom field that does not exist, and KeyError for a comparison that the field lacks.
    """
    if field in FIELDS:
        place, offered, further, linked = FIELDS[field]
        return (place, []), offered.get(name) or linked.get(name) or further[name]
    number = field.removeprefix(CUSTOM)
    custom = catalog.fields_by_num.get(number)
    if custom is None:
        raise unknown_field()
    operators = type_of(custom.type).operators
    return ("(c.fields ->> {})", [number]), _EXACTLY if name == "exactly" else _of_type(operators[name])


def unknown_field() -> Invalid:
    """The error for a filter on a field that does not exist."""
    return Invalid("unknown_filter", "The field of this filter does not exist: remove the filter")
