"""Text: any string; numbers and booleans are converted to text."""

from contactory.rules.invalid import Invalid
from contactory.values.compare import sql_contains, without_accents
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
from contactory.values.field_types.number import plain_number

MAX_TEXT = 10_000


def _parse(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else plain_number(value)
    if len(text) > MAX_TEXT:
        raise Invalid("too_long", f"must have at most {MAX_TEXT} characters, not {len(text)}")
    return text


def _is(place: str, value: str) -> Sql:
    return f"lower({place}) = lower({{}})", [value]


def _contains(place: str, value: str) -> Sql:
    return sql_contains(place, "{}"), [without_accents(value)]


TEXT = FieldType(
    name="text",
    title="Text",
    parse=_parse,
    keeps_blank=True,
    schema={"type": ["string", "number", "boolean", "null"], "pattern": r"^[^\x00]{0,10000}$"},
    operators={"is": Operator("is", _is), "contains": Operator("contains", _contains), **KNOWN},
    order=Order("lower({})".format, "text"),
    look=Look(Editor(widget="lines")),
    plain="",
    longest=MAX_TEXT,
)
