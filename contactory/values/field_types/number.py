"""Numbers, in decimal notation and with every digit."""

import re
from decimal import Decimal

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

MAX_DIGITS = 1_000
_MAX_EXPONENT = 308  # The maximum of a double, so that other programs can read the number.
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def plain_number(number: int | Decimal) -> str:
    """A number without exponent, trailing zeros or a negative zero: `1e3` is `1000`, `250.0` is `250`."""
    if isinstance(number, int):
        digits = str(number)
    else:
        exponent = number.as_tuple().exponent
        # Numbers in a body are always finite, so the exponent is an int.
        if number.adjusted() > _MAX_EXPONENT or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
            raise Invalid("out_of_range", f"must be a number below 1e{_MAX_EXPONENT + 1}, not {number:.6E}")
        digits = format(number, "f")
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def _parse(value: Scalar) -> str:
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value) and len(value) <= MAX_DIGITS:
        value = Decimal(value)
    if isinstance(value, bool | str):
        raise Invalid("not_a_number", 'must be a number, or a string such as "-12.5"')
    text = plain_number(value)
    if len(text) > MAX_DIGITS:
        raise Invalid("too_long", f"must have at most {MAX_DIGITS} digits, not {len(text)}")
    return text


def _compared(words: str, sign: str) -> Operator:
    def condition(place: str, value: str) -> Sql:
        return f"{place}::numeric {sign} {{}}", [Decimal(_parse(value))]

    return Operator(words, condition)


def _key_of_cursor(text: str) -> Decimal:
    return Decimal(plain_number(Decimal(text)))


NUMBER = FieldType(
    name="number",
    title="Number",
    parse=_parse,
    schema={
        "anyOf": [
            {
                "type": ["number", "string", "null"],
                "pattern": rf"^-?0*[0-9]{{1,{_MAX_EXPONENT + 1}}}(?:\.[0-9]+)?$",
                "maxLength": MAX_DIGITS,
            },
            BLANK,
        ]
    },
    operators={
        "is": _compared("is", "="),
        "least": _compared("is at least", ">="),
        "most": _compared("is at most", "<="),
        **KNOWN,
    },
    order=Order("{}::numeric".format, "numeric", _key_of_cursor),
    look=Look(Editor({"type": "text", "inputmode": "decimal"}), width=110, classes="digits at-end"),
    plain=r"^(0|-?(0|[1-9][0-9]*)\.[0-9]*[1-9]|-?[1-9][0-9]*)$",
    longest=MAX_DIGITS,
)
