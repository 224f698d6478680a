"""Comparisons by place: the time zone under any of its names, and the groups that pages count by local time.

A contact whose phone could be in several zones has one local time only if it is the same in all of them.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.available import DENIED, DO_NOT_CONTACT, NO_ADDRESS
from contactory.contacts.read.operator import Operator
from contactory.local_time.clocks import offsets_at
from contactory.local_time.zones import names_of_place, spelt_zone, suggest_zone
from contactory.rules.checks import quote
from contactory.rules.invalid import Invalid
from contactory.values.field_types.field_type import Sql
from contactory.values.questions import CHANNEL

_OFFSET = re.compile(r"UTC([+-])(\d\d):(\d\d)")


def parse_zone(text: str, catalog: Catalog) -> str:
    """The zone that `text` names. Raises Invalid."""
    zone = spelt_zone(text)
    if zone is None:
        raise Invalid(
            "unknown_timezone", f"{quote(text)} is not an IANA time zone", partial(suggest_zone, text)
        )
    return zone


def names_of_zone(zone: str, catalog: Catalog) -> list[str]:
    """All names under which contacts may have the zone."""
    return [*names_of_place(zone)]


def written_offset(offset: timedelta) -> str:
    """An offset from UTC as the filter has it: `UTC+05:30`."""
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset(text: str, catalog: Catalog) -> str:
    if not _OFFSET.fullmatch(text):
        raise Invalid("unknown_value", f"{quote(text)} is not an offset from UTC such as UTC+05:30")
    return text


def _channel(text: str, catalog: Catalog) -> str:
    return CHANNEL.parse(text)


def _at_offset(place: str, value: str, catalog: Catalog) -> Sql:
    offsets = offsets_at(datetime.now(UTC))
    zones = [zone for zone, offset in offsets.items() if written_offset(offset) == value]
    keys = msgspec.json.encode(dict.fromkeys(zones, 1)).decode()
    # The first part can use an index: the zone of a contact is one of its possible zones.
    return "(c.timezone = any({}::text[]) and (c.timezones is null or {}::jsonb ?& c.timezones))", [
        zones,
        keys,
    ]


def _at_several(place: str, value: None, catalog: Catalog) -> Sql:
    offsets = {zone: written_offset(offset) for zone, offset in offsets_at(datetime.now(UTC)).items()}
    known = msgspec.json.encode(offsets).decode()
    several = """(c.timezones is not null and {}::jsonb ?& c.timezones
        and (select count(distinct {}::jsonb ->> z.name) from unnest(c.timezones) as z (name)) > 1)"""
    return several, [known, known]


def _can_be_reached(place: str, value: Any, catalog: Catalog) -> Sql:
    never = f"{NO_ADDRESS[value]} or {DO_NOT_CONTACT} or {DENIED[value]}"
    return f"not ({_escaped(never)})", []


def _escaped(sql: str) -> str:
    """SQL without arguments, for the form in which `{}` is an argument."""
    return sql.replace("{", "{{").replace("}", "}}")


CLOCK = {
    "is": Operator("is now", _at_offset, _offset),
    "several": Operator("differs now between the possible time zones", _at_several),
}
"""Comparisons of the current local time."""
REACH = {"can": Operator("by", _can_be_reached, _channel)}
"""Comparisons of what prevents a contact from being reached at any time."""
