"""A time zone as the API shows it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from contactory.local_time.transitions import abbreviation, next_change, offset_of, show_offset
from contactory.local_time.zones import ZONES, canonical_zone, zone_info
from contactory.rules.checks import SOMETHING, Json, Rule
from contactory.rules.invalid import Invalid


class ClockChange(msgspec.Struct):
    """The next change of a zone's clock, and the offset after it."""

    at: datetime
    offset: str
    abbreviation: str


class ZoneListed(msgspec.Struct, rename="camel"):
    """A name of the time zone database, with its current offset."""

    name: str
    offset: str
    abbreviation: str
    alias_of: str | None
    """The default name of the same place; None if this is the default name."""
    aliases: list[str]
    """Other names of the same place; empty for an alias."""
    next_change: ClockChange | None


def _clock(zone: ZoneInfo, now: datetime) -> tuple[str, str, ClockChange | None]:
    change = next_change(zone, now)
    shown = ClockChange(change.at, show_offset(change.offset), change.abbreviation) if change else None
    return show_offset(offset_of(zone, now)), abbreviation(zone, now), shown


def time_zones(now: datetime) -> list[ZoneListed]:
    """Every accepted name, in order, at `now`. This takes about 50 ms."""
    aliases: dict[str, list[str]] = {}
    for name in sorted(ZONES):
        aliases.setdefault(canonical_zone(name), []).append(name)
    found: list[ZoneListed] = []
    for place, names in aliases.items():
        zone = zone_info(place)
        if zone is None:
            continue
        offset, short, change = _clock(zone, now)
        for name in names:
            own = name == place
            others = [other for other in names if other != place] if own else []
            found.append(ZoneListed(name, offset, short, None if own else place, others, change))
    return sorted(found, key=lambda zone: zone.name)


_REFRESH = timedelta(hours=1)


def valid_until(zones: Sequence[ZoneListed], now: datetime) -> datetime:
    """Until when `zones` is valid: until the first change of a clock, and for an hour at most."""
    return min([zone.next_change.at for zone in zones if zone.next_change] + [now + _REFRESH])


def _keys(text: str) -> set[str]:
    """The text to search in names: a space means an underscore, or a plus sign of the URL (as in GMT+5)."""
    folded = text.casefold()
    return {"_".join(folded.split()), folded.replace(" ", "+")}


def matching(zones: Sequence[ZoneListed], text: str) -> list[ZoneListed]:
    """The zones whose name, or another name of the same place, contains `text`, ignoring case."""
    keys = _keys(text)
    places = {
        zone.alias_of or zone.name for zone in zones if any(key in zone.name.casefold() for key in keys)
    }
    return [zone for zone in zones if zone.alias_of is None and zone.name in places]


def _search(value: Json) -> str:
    if len(value) > 64:
        raise Invalid("wrong_length", "must have at most 64 characters")
    return value


SEARCH = Rule(
    _search,
    {
        "type": "string",
        "maxLength": 64,
        "pattern": SOMETHING,
        "description": "A part of a name, in upper or lower case. The answer has the zones with it in their "
        "name or in an alias, without the aliases.",
    },
    narrows=True,
)
