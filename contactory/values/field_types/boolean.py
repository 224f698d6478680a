"""True or false."""

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


def _parse(value: Scalar) -> str:
    if value is True or value == "true":
        return "true"
    if value is False or value == "false":
        return "false"
    raise Invalid("not_a_boolean", "must be true or false")


def _is(place: str, value: str) -> Sql:
    return f"{place} = {{}}", [_parse(value)]


BOOLEAN = FieldType(
    name="boolean",
    title="Yes or no",
    parse=_parse,
    schema={"anyOf": [{"enum": [True, False, "true", "false", None]}, BLANK]},
    operators={"is": Operator("is", _is), **KNOWN},
    order=Order(str, "text"),
    look=Look(Editor(choices=(("true", "Yes"), ("false", "No"))), width=110),
    plain="^(true|false)$",
)
