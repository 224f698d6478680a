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
    """When a zone's clock is next put forward or back, and what it shows from then on."""

    at: datetime
    offset: str
    abbreviation: str


class ZoneListed(msgspec.Struct, rename="camel"):
    """A name of the time zone database, and what its clock shows now."""

    name: str
    offset: str
    abbreviation: str
    alias_of: str | None
    """The name of the same place that is written by default; None where this is it."""
    aliases: list[str]
    """Other names of the same place; of an alias, none."""
    next_change: ClockChange | None


def _clock(zone: ZoneInfo, now: datetime) -> tuple[str, str, ClockChange | None]:
    change = next_change(zone, now)
    shown = ClockChange(change.at, show_offset(change.offset), change.abbreviation) if change else None
    return show_offset(offset_of(zone, now)), abbreviation(zone, now), shown


def time_zones(now: datetime) -> list[ZoneListed]:
    """Every accepted name, in order, as of `now`. It takes some 50 ms."""
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
    """Until when `zones` says what is so: to the first change of a clock, and an hour at most."""
    return min([zone.next_change.at for zone in zones if zone.next_change] + [now + _REFRESH])


def _keys(text: str) -> set[str]:
    """What to look for in names: a space is an underscore, or a plus sign of the URL (as in GMT+5)."""
    folded = text.casefold()
    return {"_".join(folded.split()), folded.replace(" ", "+")}


def matching(zones: Sequence[ZoneListed], text: str) -> list[ZoneListed]:
    """Those whose name, or another name of the same place, has `text` in it, in any case."""
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
        "description": "Part of a name, in any case: only zones that have it in their name or in that of an "
        "alias, and no aliases.",
    },
    narrows=True,
)
