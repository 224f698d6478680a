"""Clocks that several names share: a result for one name is valid for all."""

from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from zoneinfo import ZoneInfo

from contactory.local_time.transitions import offset_of
from contactory.local_time.zones import ZONES, zone_file


@cache
def clock(zone: str) -> ZoneInfo:
    """The clock of a zone in the database (`zones.is_zone`); the same object for all names of one clock."""
    return _read(zone_file(zone).read_bytes())


@cache
def _read(data: bytes) -> ZoneInfo:
    return ZoneInfo.from_file(BytesIO(data))


@cache
def clocks() -> dict[ZoneInfo, list[str]]:
    """Every clock, with the names of the zones that have it. The first call takes a tenth of a second."""
    found: dict[ZoneInfo, list[str]] = {}
    for zone in sorted(ZONES):
        found.setdefault(clock(zone), []).append(zone)
    return found


def offsets_at(moment: datetime) -> dict[str, timedelta]:
    """The offset from UTC of every zone of the database at a moment."""
    return {name: offset_of(zone, moment) for zone, names in clocks().items() for name in names}
