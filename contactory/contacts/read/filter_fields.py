"""What can be asked of a contact: its fields, by kinds, and for each kind the comparisons that it knows."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import CHANNELS
from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email
from contactory.values.field_types import text_form
from contactory.values.phones import normalise_phone


class Operator(NamedTuple):
    """One comparison."""

    words: str
    """How it is said, between the name of the field and the value."""
    sql: str
    """With `{place}` for what is compared, and `{value}` for what it is compared with. It may be null where
    the contact has no value."""
    parse: Callable[[str, Catalog], Any] | None = None
    """The value from what was typed, which is not empty; raises Invalid. None where it takes no value."""
    bind: Callable[[Any, Catalog], Any] | None = None
    """What the statement takes for the value, unless it is that itself."""


def _typed(text: str, catalog: Catalog) -> str:
    return text


def _email_key(text: str, catalog: Catalog) -> str:
    return normalise_email(text)[1]


def _phone(text: str, catalog: Catalog) -> str:
    return normalise_phone(text, catalog.country)


def _digits(text: str, catalog: Catalog) -> str:
    return "".join(filter(str.isdigit, text)) or text


def _tag(text: str, catalog: Catalog) -> tuple[str, ...]:
    return (text,)


def _aliases(names: tuple[str, ...], catalog: Catalog) -> list[int]:
    return [tag_id for name in names for tag_id in catalog.aliases(name)]


def _all_tags(value: None, catalog: Catalog) -> list[int]:
    return [tag_id for tag_id, name in catalog.tag_names.items() if name is not None]


def _number(text: str, catalog: Catalog) -> Decimal:
    return Decimal(text_form("number", text))


def _date(text: str, catalog: Catalog) -> str:
    return text_form("date", text)


def _boolean(text: str, catalog: Catalog) -> str:
    return text_form("boolean", text)


def _midnight(text: str, catalog: Catalog) -> datetime:
    day = date.fromisoformat(text_form("date", text))
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


_IS_NULL = "{place} is null"
_FILLED = {
    "filled": Operator("is filled in", "{place} is not null"),
    "empty": Operator("is empty", _IS_NULL),
}
_CONTAINS = Operator("contains", "strpos(lower({place}), lower({value})) > 0", _typed)
_ANY_TAG = "{place} && {value}::bigint[]"
OPERATORS: dict[str, dict[str, Operator]] = {
    "text": {
        "is": Operator("is", "lower({place}) = lower({value})", _typed),
        "contains": _CONTAINS,
        **_FILLED,
    },
    "email": {"is": Operator("is", "c.email_key = {value}", _email_key), "contains": _CONTAINS, **_FILLED},
    "phone": {
        "is": Operator("is", "{place} = {value}", _phone),
        "contains": Operator("contains", "strpos({place}, {value}) > 0", _digits),
        **_FILLED,
    },
    "zone": {"is": Operator("is", "{place} = {value}", _typed), **_FILLED},
    # The value is one or several names: at least one of them, or none.
    "tags": {
        "has": Operator("have", _ANY_TAG, _tag, _aliases),
        "lacks": Operator("lack", f"not {_ANY_TAG}", _tag, _aliases),
        "filled": Operator("is filled in", _ANY_TAG, bind=_all_tags),
        "empty": Operator("is empty", f"not {_ANY_TAG}", bind=_all_tags),
    },
    "number": {
        "is": Operator("is", "({place})::numeric = {value}", _number),
        "least": Operator("is at least", "({place})::numeric >= {value}", _number),
        "most": Operator("is at most", "({place})::numeric <= {value}", _number),
        **_FILLED,
    },
    "date": {
        "is": Operator("is", '{place} = {value} collate "C"', _date),
        "from": Operator("is on or after", '{place} >= {value} collate "C"', _date),
        "before": Operator("is before", '{place} < {value} collate "C"', _date),
        **_FILLED,
    },
    "boolean": {"is": Operator("is", "{place} = {value}", _boolean), **_FILLED},
    "moment": {
        "from": Operator("on or after", "{place} >= {value}", _midnight),
        "before": Operator("before", "{place} < {value}", _midnight),
    },
}
"""By the kind of field, what the grid offers, in its order."""
_FURTHER: dict[str, dict[str, Operator]] = {
    "moment": {
        "after": Operator("after", "{place} > {value}"),
        "until": Operator("not after", "{place} <= {value}"),
        **_FILLED,
    },
    "id": {"in": Operator("is one of", "{place} = any({value}::text[]::uuid[])")},
    "consent": {"is": Operator("is", "{place} = {value}")},
    "search": {
        # For all that match: the index of the words leads to them.
        "finds": Operator(
            "match the search",
            """{place} in (select s.contact_id from contact_search s
                         where s.workspace_id = $1 and s.words @@ {value}::tsquery)""",
        ),
        # For the first ones of an order. As a value and no join, so that the walk stops after a page.
        "meets": Operator(
            "match the search",
            """(select s.words @@ {value}::tsquery from contact_search s
             where s.workspace_id = $1 and s.workspace_id = c.workspace_id and s.contact_id = {place})""",
        ),
    },
}
"""What is asked by programs alone."""
_EXACTLY = {"exactly": Operator("is exactly", "{place} = {value}")}
"""Of a custom value of any type, as it is kept."""

FIELDS: dict[str, tuple[str, str]] = {
    "id": ("id", "c.id"),
    "firstName": ("text", "c.first_name"),
    "lastName": ("text", "c.last_name"),
    "email": ("email", "c.email"),
    "phone": ("phone", "c.phone"),
    "tags": ("tags", "c.tag_ids"),
    "timezone": ("zone", "c.timezone"),
    "createdAt": ("moment", "c.created_at"),
    "updatedAt": ("moment", "c.updated_at"),
    "deletedAt": ("moment", "c.deleted_at"),
    "search": ("search", "c.id"),
    **{
        f"consent.{name}": ("consent", f"coalesce(c.consent #>> '{{{name},status}}', 'unknown')")
        for name in CHANNELS
    },
    "consent.doNotContact": ("consent", "coalesce((c.consent ->> 'doNotContact')::boolean, false)"),
}
"""The kind of each built-in field, and where it stands."""
CUSTOM = "field-"


def place_of(field: str, catalog: Catalog, arg: Callable[[Any], str]) -> tuple[str, str]:
    """The kind of a field, and where it stands. Raises Invalid for a custom field that there is not."""
    if field in FIELDS:
        return FIELDS[field]
    number = field.removeprefix(CUSTOM)
    custom = catalog.fields_by_num.get(number)
    if custom is None:
        raise unknown_field()
    return custom.type, f"c.fields ->> {arg(number)}"


def operator_of(kind: str, name: str) -> Operator:
    """What a comparison of that name asks of a field of that kind."""
    return (OPERATORS.get(kind, {}) | _FURTHER.get(kind, _EXACTLY))[name]


def unknown_field() -> Invalid:
    """A filter names a field that is not there."""
    return Invalid("unknown_filter", "This filter is about a field that there is not, or no longer")
