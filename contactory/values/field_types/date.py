"""Calendar dates; a timestamp is cut to its date."""

import re
from datetime import date, datetime

from contactory.rules.checks import BLANK, without_leap_second
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

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _parse(value: Scalar) -> str:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
        if isinstance(value, str) and _DATE.match(value) and _moment(value).tzinfo is not None:
            return value[:10]
    except ValueError:
        pass
    raise Invalid("not_a_date", "must be a real date in the form YYYY-MM-DD")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(without_leap_second(text).upper())


def _compared(words: str, sign: str) -> Operator:
    def condition(place: str, value: str) -> Sql:
        return f'{place} {sign} {{}} collate "C"', [_parse(value)]

    return Operator(words, condition)


DATE = FieldType(
    name="date",
    title="Date",
    parse=_parse,
    schema={
        "anyOf": [
            {"type": "string", "format": "date"},
            {"type": "string", "format": "date-time"},
            {"type": "null"},
            BLANK,
        ]
    },
    operators={
        "is": _compared("is", "="),
        "from": _compared("is on or after", ">="),
        "before": _compared("is before", "<"),
        **KNOWN,
    },
    order=Order('{} collate "C"'.format, "text"),
    look=Look(Editor({"type": "date"}), width=130, classes="digits"),
    plain=r"^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
)
