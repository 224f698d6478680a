"""The clocks of the time zones, from the `tzdata` package alone.

`zoneinfo.ZoneInfo(name)` would rather take the files of the operating system, which may be of another release
than the names that we accept.
"""

from functools import cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import tzdata

from contactory.timezones.zones import ZONES

_FILES = Path(tzdata.__file__).parent / "zoneinfo"


@cache
def clock(zone: str) -> ZoneInfo:
    """The clock of a zone of the database (`zones.is_zone`); the same object for all names of one clock."""
    return _read((_FILES / zone).read_bytes())


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
