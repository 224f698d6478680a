"""A time zone as a value in a request."""

from functools import partial

from contactory.local_time.zones import ZONES, is_zone, suggest_zone
from contactory.rules.checks import Json, Rule, quote
from contactory.rules.invalid import Invalid


def parse_timezone(value: Json) -> str | None:
    """The name of a zone; null clears. Raises Invalid."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string or null")
    if not value.strip():
        raise Invalid("unknown_timezone", f"{quote(value)} is not an IANA time zone; to clear, send null")
    if not is_zone(value):
        detail = f"{quote(value)} is not an IANA time zone"
        raise Invalid("unknown_timezone", detail, partial(suggest_zone, value))
    return value


TIMEZONE = Rule(
    parse_timezone,
    {
        "title": "TimeZone",
        "type": ["string", "null"],
        "enum": [*sorted(ZONES), None],
        "description": "A name of the IANA time zone database; null clears.",
        "examples": ["America/Los_Angeles"],
    },
)
