"""The release of the numbering plans of all countries in the package `phonenumbers`."""

import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import phonenumbers

PLANS_VERSION: str = phonenumbers.__version__
"""The release of the plans, such as "9.0.43"."""

# A release and its day. The area codes in main_zones.toml were checked with this release.
_CHECKED, _CAME_OUT = "9.0.43", date(2026, 11, 6)
_YEAR = timedelta(days=365)
_COPYRIGHT = re.compile(r"Copyright \(C\) \d{4}-(\d{4})")


@cache
def plans_since() -> date:
    """The earliest possible day of the release of the plans.

    The package contains only its year, in the copyright. So this is the first day of that year, or the day of
    the known release if the package is not older than that.
    """
    year = _COPYRIGHT.search(Path(phonenumbers.__file__).read_text("utf-8"))
    since = date(int(year[1]), 1, 1) if year else date.min
    return max(since, _CAME_OUT) if _numbers(PLANS_VERSION) >= _numbers(_CHECKED) else since


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def plans_are_old(today: date) -> bool:
    """Whether the plans may be more than a year old, so that new area codes may have been opened since."""
    return today - plans_since() > _YEAR
