"""The contacts that can be reached in the next hours, by time zone."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from contactory.contacts.read.filter_places import written_offset
from contactory.local_time.openings import Schedule, local_time
from contactory.local_time.plan import Counts, first_hour, plan_hours
from contactory.local_time.zones import canonical_zone

HOURS = 24


class Hour(msgspec.Struct):
    """One of the next hours."""

    at: datetime
    available: int
    """Contacts that can be reached at some moment of the hour."""


class Band(msgspec.Struct):
    """Contacts with the same local time, hour by hour."""

    offset: str
    """The current offset from UTC: "UTC+05:30"; empty if the contacts may be in several places."""
    condition: str
    """The condition of the grid that finds them."""
    contacts: int
    zones: list[str]
    """The zones of the contacts under their default names, those with most contacts first."""
    hours: list[tuple[int | None, int]]
    """For each hour the local time (None for several places), and how many contacts can be reached in it."""


class Forecast(msgspec.Struct):
    """The next hours of a send window."""

    hours: list[Hour]
    bands: list[Band]
    contacts: int
    reachable: int
    """Contacts that can be reached at some time, not necessarily within these hours."""
    unavailable: dict[str, int]

    @property
    def most(self) -> int:
        """The largest number of contacts that can be reached in one hour."""
        return max(hour.available for hour in self.hours)

    @property
    def best(self) -> Hour:
        """The first hour with that number."""
        return max(self.hours, key=lambda hour: hour.available)


async def forecast_of(schedule: Schedule, counts: Counts, at: datetime) -> Forecast:
    """How many of the contacts can be reached in each of the next 24 hours; the first contains `at`."""
    first = datetime.fromtimestamp(first_hour(at), UTC)
    starts = [first + timedelta(hours=n) for n in range(HOURS)]
    open_in: Counter[tuple[tuple[str, ...], int]] = Counter()
    hours: list[Hour] = []
    for n, zones in enumerate(await plan_hours(schedule, counts, at, HOURS)):
        hours.append(Hour(starts[n], sum(each.available for each in zones)))
        for each in zones:
            open_in[tuple(each.timezones), n] += each.available
    groups: dict[timedelta | None, list[tuple[str, ...]]] = {}
    for zones in counts.by_zones:
        groups.setdefault(_offset(zones, at), []).append(zones)
    order = sorted(groups, key=lambda offset: (offset is None, offset or timedelta()))
    bands = [_band(offset, groups[offset], counts.by_zones, open_in, starts) for offset in order]
    return Forecast(hours, bands, counts.contacts, sum(counts.by_zones.values()), counts.unavailable)


def _offset(zones: Sequence[str], at: datetime) -> timedelta | None:
    """The offset of all the zones from UTC; None if they differ."""
    found = {local_time(zone, at.timestamp()).utcoffset() for zone in zones}
    return found.pop() if len(found) == 1 else None


def _band(
    offset: timedelta | None,
    groups: list[tuple[str, ...]],
    counts: dict[tuple[str, ...], int],
    open_in: Counter[tuple[tuple[str, ...], int]],
    starts: list[datetime],
) -> Band:
    largest: Counter[str] = Counter()
    for zones in groups:
        if len(zones) == 1:
            largest[canonical_zone(zones[0])] += counts[zones]
    names = [zone for zone, _ in largest.most_common()]
    clock = groups[0][0]
    hours = [
        (
            None if offset is None else local_time(clock, start.timestamp()).hour,
            sum(open_in[zones, n] for zones in groups),
        )
        for n, start in enumerate(starts)
    ]
    # A set of zones without a contact that is certainly in one of them is named by the first zone.
    contacts = sum(counts[zones] for zones in groups)
    if offset is None:
        return Band("", "clock:several:", contacts, names or [clock], hours)
    written = written_offset(offset)
    return Band(
        written.replace("-", "\N{MINUS SIGN}"), f"clock:is:{written}", contacts, names or [clock], hours
    )
