"""The plan of a send window: how many contacts become available, and are available, in each hour of a week.

The contacts come counted by the zones that they could be in, so that a clock is asked for each set of zones,
never for a contact.
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
_AT_ONCE = 25  # Sets of zones that are computed before other requests get their turn.


class PlanZone(msgspec.Struct, rename="camel"):
    """The contacts whose zones these are, in one hour."""

    timezones: list[str]
    become_available: int
    available: int


class PlanHour(msgspec.Struct, rename="camel"):
    """One hour: how many contacts become available in it, and how many are so at some moment of it."""

    hour: datetime
    """When it begins."""
    become_available: int
    available: int
    zones: list[PlanZone]
    """The same by zones; those in which nobody is available are left out."""


class Plan(msgspec.Struct, rename="camel"):
    """The next seven days of a send window for some contacts, hour by hour."""

    send_window_id: str
    channel: str
    at: datetime
    """The moment from which on it counts."""
    contacts: int
    """How many there are in all."""
    unavailable: dict[str, int]
    """Those who are not available at any time, by the gravest reason."""
    hours: list[PlanHour]


class Group(msgspec.Struct, frozen=True):
    """Contacts that are alike for a plan, counted."""

    zones: tuple[str, ...]
    count: int
    reason: str | None = None
    """Why they cannot be contacted at any time, if they cannot."""


class Counts(msgspec.Struct):
    """The contacts of a plan, counted."""

    contacts: int
    unavailable: dict[str, int]
    by_zones: dict[tuple[str, ...], int]


def count(groups: Sequence[Group]) -> Counts:
    """All groups together: who can be contacted at some time, by zones, and who cannot, by the reason."""
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
    """For each of the next `hours`, the one that runs at `at` first, who is available in it, by zones."""
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
    """The plan, whose hours are still missing, as JSON, piece by piece: a piece for each hour."""
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
    """When the hour began that runs at `at`, in seconds since 1970."""
    return int(at.timestamp()) // _HOUR * _HOUR


def _hours(schedule: Schedule, zones: tuple[str, ...], moment: int, hours: int) -> tuple[set[int], list[int]]:
    """Of the next hours those, by their numbers, in which it opens in all the zones, and those in which it is
    open.

    What is open at `moment` already does not open then.
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
