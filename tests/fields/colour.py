"""A type of custom field that only tests have: a colour, as #ff8800."""

import re

from contactory.rules.checks import BLANK
from contactory.rules.invalid import Invalid
from contactory.values.field_types.field_type import (
    KNOWN,
    Editor,
    FieldType,
    Look,
    Operator,
    Order,
    Scalar,
    Sql,
)

_COLOUR = re.compile("#[0-9A-Fa-f]{6}")


def _parse(value: Scalar) -> str:
    if isinstance(value, str) and _COLOUR.fullmatch(value):
        return value.lower()
    raise Invalid("not_a_colour", "must be a colour, as #ff8800")


def _is(place: str, value: str) -> Sql:
    return f"{place} = {{}}", [_parse(value)]


def _redder(place: str, value: str) -> Sql:
    return f"substr({place}, 2, 2) > {{}}", [_parse(value)[1:3]]


def _blue(place: str) -> str:
    return f"('x' || substr({place}, 6, 2))::bit(8)::integer"


COLOUR = FieldType(
    name="colour",
    title="Colour",
    parse=_parse,
    schema={"anyOf": [{"type": ["string", "null"], "pattern": f"^{_COLOUR.pattern}$"}, BLANK]},
    operators={"is": Operator("is", _is), "redder": Operator("has more red than", _redder), **KNOWN},
    order=Order(_blue, "integer", int),
    look=Look(Editor({"type": "text", "maxlength": "7", "placeholder": "#rrggbb"}), width=90),
    plain="^#[0-9a-f]{6}$",
)
