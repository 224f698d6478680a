"""Custom values: the text form in which each is kept, by the type of its field."""

import re
from datetime import date, datetime
from decimal import Decimal

from contactory.rules.checks import BLANK, Json, is_blank, without_leap_second
from contactory.rules.invalid import Invalid

MAX_TEXT = 10_000
MAX_DIGITS = 1_000
_MAX_EXPONENT = 308  # That of a double: what other programs can still read as a number.
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def kept_form(field_type: str, value: Json, next_type: str | None = None) -> str | None:
    """As text_form, and None where `value` clears: null, and an empty string but for text."""
    if value is None or (field_type != "text" and is_blank(value)):
        return None
    return text_form(field_type, value, next_type)


def text_form(field_type: str, value: Json, next_type: str | None = None) -> str:
    """The text that is kept for `value` (a JSON scalar, not null) in a field of this type.

    Where the field is to have another type next, the value must fit that one too. Raises Invalid.
    """
    if value is None or isinstance(value, dict | list):
        raise Invalid("wrong_type", "must be a string, a number, a boolean or null")
    form = _FORMS[field_type](value)
    return form if next_type is None else _FORMS[next_type](form)


def plain_number(number: int | Decimal) -> str:
    """A number without exponent, trailing zeros or a negative zero: `1e3` is `1000`, `250.0` is `250`."""
    if isinstance(number, int):
        digits = str(number)
    else:
        exponent = number.as_tuple().exponent
        # A number of a body is always finite, so its exponent is always an int.
        if number.adjusted() > _MAX_EXPONENT or not isinstance(exponent, int) or exponent < -MAX_DIGITS:
            raise Invalid("out_of_range", f"must be a number below 1e{_MAX_EXPONENT + 1}, not {number:.6E}")
        digits = format(number, "f")
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
    return "0" if digits == "-0" else digits


def _text(value: str | int | Decimal | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else plain_number(value)
    if len(text) > MAX_TEXT:
        raise Invalid("too_long", f"must have at most {MAX_TEXT} characters, not {len(text)}")
    return text


def _number(value: str | int | Decimal | bool) -> str:
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value) and len(value) <= MAX_DIGITS:
        value = Decimal(value)
    if isinstance(value, bool | str):
        raise Invalid("not_a_number", 'must be a number, or a string such as "-12.5"')
    text = plain_number(value)
    if len(text) > MAX_DIGITS:
        raise Invalid("too_long", f"must have at most {MAX_DIGITS} digits, not {len(text)}")
    return text


def _date(value: str | int | Decimal | bool) -> str:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
        if isinstance(value, str) and _DATE.match(value) and _moment(value).tzinfo is not None:
            return value[:10]
    except ValueError:
        pass
    raise Invalid("not_a_date", "must be a date that exists, as YYYY-MM-DD")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(without_leap_second(text).upper())


def _boolean(value: str | int | Decimal | bool) -> str:
    if value is True or value == "true":
        return "true"
    if value is False or value == "false":
        return "false"
    raise Invalid("not_a_boolean", "must be true or false")


_FORMS = {"text": _text, "number": _number, "date": _date, "boolean": _boolean}
TYPES = tuple(_FORMS)
SCHEMAS: dict[str, dict[str, object]] = {
    "text": {"type": ["string", "number", "boolean", "null"], "pattern": r"^[^\x00]{0,10000}$"},
    "number": {
        "anyOf": [
            {
                "type": ["number", "string", "null"],
                "pattern": rf"^-?0*[0-9]{{1,{_MAX_EXPONENT + 1}}}(?:\.[0-9]+)?$",
                "maxLength": MAX_DIGITS,
            },
            BLANK,
        ]
    },
    "date": {
        "anyOf": [
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            {"type": "null"},
            BLANK,
        ]
    },
    "boolean": {"anyOf": [{"enum": [True, False, "true", "false", None]}, BLANK]},
}
"""JSON Schema of what each type takes, for the API's description."""
