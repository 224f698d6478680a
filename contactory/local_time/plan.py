"""The plan of a send window: how many contacts become available, and are available, in each hour of a week.

The input is the number of contacts for each set of zones that they could be in, so that the clocks are read
once per set of zones, not per contact.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

import msgspec

from contactory.local_time.openings import Schedule, next_opening, openings_between
from contactory.local_time.verdict import REASONS
from contactory.local_time.zones import is_zone

HOURS = 7 * 24
_HOUR = 3600
_AT_ONCE = 25  # Sets of zones that are computed before other requests may run.


class PlanZone(msgspec.Struct, rename="camel"):
    """The contacts with these zones, in one hour."""

    timezones: list[str]
    become_available: int
    available: int


class PlanHour(msgspec.Struct, rename="camel"):
    """One hour: how many contacts become available in it, and how many are available at some moment of it."""

    hour: datetime
    """The start of the hour."""
    become_available: int
    available: int
    zones: list[PlanZone]
    """The same by zones; zones without an available contact are left out."""


class Plan(msgspec.Struct, rename="camel"):
    """The next seven days of a send window for a set of contacts, hour by hour."""

    send_window_id: str
    channel: str
    at: datetime
    """The moment at which the plan starts."""
    contacts: int
    """The total number of contacts."""
    unavailable: dict[str, int]
    """The contacts that are not available at any time, by the most serious reason."""
    hours: list[PlanHour]


class Group(msgspec.Struct, frozen=True):
    """The number of contacts that are the same for a plan."""

    zones: tuple[str, ...]
    count: int
    reason: str | None = None
    """Why these contacts cannot be contacted at any time; None if they can."""


class Counts(msgspec.Struct):
    """The contacts of a plan, counted."""

    contacts: int
    unavailable: dict[str, int]
    by_zones: dict[tuple[str, ...], int]


def count(groups: Sequence[Group]) -> Counts:
    """All groups together: the contacts that can be contacted, by zones, and the others, by reason."""
    reasons: Counter[str] = Counter()
    by_zones: Counter[tuple[str, ...]] = Counter()
    for group in groups:
        known = bool(group.zones) and all(map(is_zone, group.zones))
        reason = group.reason if group.reason or known else "no_timezone"
        if reason:
            reasons[reason] += group.count
        else:
            by_zones[group.zones] += group.count
    unavailable = {reason: reasons[reason] for reason in REASONS if reasons[reason]}
    return Counts(sum(group.count for group in groups), unavailable, dict(by_zones))


async def plan_hours(
    schedule: Schedule, counts: Counts, at: datetime, hours: int = HOURS
) -> list[list[PlanZone]]:
    """The available contacts by zones, for each of the next `hours`; the first one contains `at`."""
    moment = int(at.timestamp() // 1)
    found: list[list[PlanZone]] = [[] for _ in range(hours)]
    for done, (zones, contacts) in enumerate(sorted(counts.by_zones.items())):
        becoming, available = _hours(schedule, zones, moment, hours)
        for hour in available:
            new = contacts if hour in becoming else 0
            found[hour].append(PlanZone(list(zones), new, contacts))
        if done % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return found


async def write_plan(plan: Plan, schedule: Schedule, counts: Counts) -> AsyncGenerator[bytes]:
    """The plan as JSON in pieces, one for each hour; the hours are computed on the way."""
    first = first_hour(plan.at)
    hours = await plan_hours(schedule, counts, plan.at)
    yield msgspec.json.encode(plan).removesuffix(b"]}")
    for index, found in enumerate(hours):
        hour = PlanHour(
            datetime.fromtimestamp(first + index * _HOUR, UTC),
            sum(each.become_available for each in found),
            sum(each.available for each in found),
            found,
        )
        yield (b"," if index else b"") + msgspec.json.encode(hour)
    yield b"]}"


def first_hour(at: datetime) -> int:
    """The start of the hour that contains `at`, in seconds since 1970."""
    return int(at.timestamp()) // _HOUR * _HOUR


def _hours(schedule: Schedule, zones: tuple[str, ...], moment: int, hours: int) -> tuple[set[int], list[int]]:
    """The numbers of the next hours in which the schedule opens in all the zones, and of those in which it is
    open.

    A schedule that is already open at `moment` does not open then.
    """
    first = moment // _HOUR * _HOUR
    last = first + hours * _HOUR - 1
    before = next_opening(schedule, zones, moment - 1, moment - 1)
    becoming: set[int] = set()
    available: dict[int, None] = {}
    for opening in openings_between(schedule, zones, moment, last):
        if opening.start > moment or before is None:
            becoming.add((opening.start - first) // _HOUR)
        end = last + 1 if opening.end is None else min(opening.end, last + 1)
        for hour in range((opening.start - first) // _HOUR, (end - 1 - first) // _HOUR + 1):
            available[hour] = None
    return becoming, list(available)
