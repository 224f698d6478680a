"""Filters in URLs: the conditions of the grid, and the parameters of the API's list.

A condition of the grid has the form `column:operator:value`, for example `tags:has:vip` or
`field-12:least:500`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from contactory.base.ids import parse_number
from contactory.catalog.catalog import Catalog
from contactory.contacts.columns import columns_of
from contactory.contacts.read.available import parse_available
from contactory.contacts.read.filter import And, Compare, Filter, available
from contactory.contacts.read.filter_fields import comparisons_of, linked_of, unknown_field
from contactory.contacts.read.filter_words import question, title_of
from contactory.contacts.read.operator import Operators
from contactory.rules.checks import Errors, quote
from contactory.rules.invalid import UNREADABLE, Invalid
from contactory.values.email import normalise_email
from contactory.values.phones import normalise_phone


class Condition(msgspec.Struct, frozen=True):
    """A condition of the grid."""

    compare: Compare
    text: str
    """As the URL has it."""
    words: str
    """In words, without the value."""
    value: str
    """As the user typed it."""


class Parts(NamedTuple):
    """A condition of a URL in its parts; a tag has its current name."""

    key: str
    operator: str
    value: str


TAG = "tag"
"""The key of a condition that has the number of a tag and its name: `tag:has:12:vip`.

The link of a view has such conditions, so that it finds the tag under a new name, or what it was merged into.
"""
LONGEST_VALUE = 300


def parts_of(text: str, catalog: Catalog) -> Parts:
    """The parts of a condition in a URL."""
    key, _, rest = text.partition(":")
    name, _, value = rest.partition(":")
    if key != TAG:
        return Parts(key, name, value)
    number, _, kept = value.partition(":")
    tag_id = parse_number(number)
    current = None if tag_id is None else catalog.tag_names.get(tag_id)
    return Parts("tags", name, current or kept)


def parse_condition(text: str, catalog: Catalog) -> Condition:
    """The condition in a URL. Raises Invalid."""
    if UNREADABLE in text:
        raise Invalid("invalid_encoding", "The address is damaged: this filter is not readable text")
    key, name, value = parts_of(text, catalog)
    title, operators = comparisons_in(key, catalog)
    operator = operators.get(name)
    if operator is None:
        raise Invalid("unknown_filter", f"This comparison is not possible for {title}")
    value = value.strip() if operator.parse else ""
    if operator.parse and not value:
        raise Invalid("required", f"Enter a value for {title}")
    if len(value) > LONGEST_VALUE:
        raise Invalid("wrong_length", f"The value has more than {LONGEST_VALUE} characters")
    if text.startswith(f"{TAG}:") and value not in catalog.tag_ids:
        raise Invalid("unknown_value", f"The tag {quote(value)} does not exist any more")
    compare = Compare(key, name, operator.parse(value, catalog) if operator.parse else None)
    return Condition(compare, f"{key}:{name}:{value}", question(compare, catalog), value)


def comparisons_in(key: str, catalog: Catalog) -> tuple[str, Operators]:
    """The title of a column or of what pages link to, and its comparisons. Raises Invalid."""
    column = next((c for c in columns_of(catalog) if c.key == key), None)
    if column is not None:
        return column.title, comparisons_of(column)
    if linked := linked_of(key):
        return title_of(key, catalog), linked
    raise unknown_field()


_TIMES = {
    "createdAfter": ("createdAt", "after"),
    "createdBefore": ("createdAt", "before"),
    "updatedAfter": ("updatedAt", "after"),
    "updatedBefore": ("updatedAt", "before"),
}


def parse_list_filter(query: Mapping[str, Any], catalog: Catalog, errors: Errors) -> Filter:
    """The filter of the API's list; errors go to `errors`."""
    return And(tuple(_of_list(query, catalog, errors)))


def _of_list(query: Mapping[str, Any], catalog: Catalog, errors: Errors) -> Iterator[Compare]:
    phone, email_key = parse_address(query, catalog, errors)
    if email_key is not None:
        yield Compare("email", "is", email_key)
    if phone is not None:
        yield Compare("phone", "is", phone)
    for tag in query.get("tag", ()):
        yield Compare("tags", "has", (tag,))
    for name, operator in (("anyTag", "has"), ("notTag", "lacks")):
        if name in query:
            yield Compare("tags", operator, (*query[name],))
    for name, (field, operator) in _TIMES.items():
        if name in query:
            yield Compare(field, operator, query[name])
    asked = parse_available(query, catalog, errors)
    if asked is not None:
        yield available(asked, now="availableAt" not in query)


def parse_address(
    query: Mapping[str, Any], catalog: Catalog, errors: Errors
) -> tuple[str | None, str | None]:
    """The phone and the key of the e-mail in a query; errors go to `errors`."""
    phone = email_key = None
    try:
        if "email" in query:
            _, email_key = normalise_email(query["email"])
    except Invalid as error:
        errors.add_parameter("email", error)
    try:
        if "phone" in query:
            phone = normalise_phone(query["phone"], catalog.country)
    except Invalid as error:
        errors.add_parameter("phone", error)
    return phone, email_key
