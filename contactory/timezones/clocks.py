"""The clocks of the time zones, from the `tzdata` package alone.

`zoneinfo.ZoneInfo(name)` would rather take the files of the operating system, which may be of another release
than the names that we accept.
"""

from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import tzdata

_FILES = Path(tzdata.__file__).parent / "zoneinfo"


@cache  # There are some 600.
def clock(zone: str) -> ZoneInfo:
    """The clock of a zone of the database (`zones.is_zone`)."""
    with (_FILES / zone).open("rb") as file:
        return ZoneInfo.from_file(file, key=zone)
