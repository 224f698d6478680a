"""The table of types, and custom values by the type of their field."""

from contactory.rules.checks import Json, is_blank
from contactory.rules.invalid import Invalid
from contactory.values.field_types.boolean import BOOLEAN
from contactory.values.field_types.date import DATE
from contactory.values.field_types.field_type import FieldType
from contactory.values.field_types.number import NUMBER
from contactory.values.field_types.text import TEXT
from contactory.values.field_types.unknown import unknown_type

FIELD_TYPES: dict[str, FieldType] = {each.name: each for each in (TEXT, NUMBER, DATE, BOOLEAN)}
"""By name, in the order of the API and the pages."""


def type_of(name: str) -> FieldType:
    """The type with that name; a type that this release does not know accepts no new values."""
    return FIELD_TYPES.get(name) or unknown_type(name)


def kept_form(field_type: str, value: Json, next_type: str | None = None) -> str | None:
    """Like text_form, but None if `value` clears: null, and for most types an empty string."""
    if value is None or (is_blank(value) and not type_of(field_type).keeps_blank):
        return None
    return text_form(field_type, value, next_type)


def text_form(field_type: str, value: Json, next_type: str | None = None) -> str:
    """The stored text of `value` (a JSON scalar, not null) in a field of this type.

    If the field will have another type next, the value must also fit that one. Raises Invalid.
    """
    if value is None or isinstance(value, dict | list):
        raise Invalid("wrong_type", "must be a string, a number, a boolean or null")
    form = type_of(field_type).parse(value)
    return form if next_type is None else type_of(next_type).parse(form)
