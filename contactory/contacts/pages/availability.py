"""Availability on a contact's page: a verdict by channel, and the contact's day as a band."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.catalog.windows import find_window
from contactory.contacts.read.available import subject_of
from contactory.local_time.clocks import clock
from contactory.local_time.openings import Schedule, first_moment, local_time, openings_between
from contactory.local_time.verdict import Availability, Judge
from contactory.local_time.wall_clock import WallClock, wall_clock
from contactory.local_time.windows import CHANNEL_TITLES, CHANNELS, SendWindow
from contactory.local_time.zones import is_zone
from contactory.rules.checks import Errors

_HOURS = (0, 6, 12, 18, 24)
_OBJECTIONS = {
    "do_not_contact": "do not contact",
    "consent_denied": "has denied consent",
    "no_timezone": "time zone unknown",
}
_ADDRESS = {"call": "has no phone", "sms": "has no phone", "email": "has no e-mail"}


class Day(msgspec.Struct, frozen=True):
    """The contact's current local day, which may be longer or shorter than 24 hours."""

    zone: str
    now: datetime
    start: int
    """The first second of the day since 1970, and the second after its end."""
    end: int

    def place(self, moment: float) -> float:
        """The position of a moment in the day, in percent."""
        return round(100 * (moment - self.start) / (self.end - self.start), 3)

    @property
    def at(self) -> float:
        """The position of now in the day, in percent."""
        return self.place(self.now.timestamp())

    @property
    def clock(self) -> WallClock | None:
        """The clock of the zone."""
        return wall_clock(self.zone, self.now)

    @property
    def hours(self) -> list[tuple[int, float]]:
        """The hours to show below the band, each with its position."""
        midnight, zone = local_time(self.zone, self.start).toordinal(), clock(self.zone)
        return [(hour, self.place(first_moment(zone, midnight, hour * 60))) for hour in _HOURS]


class ChannelPanel(msgspec.Struct, frozen=True):
    """Whether a contact may be contacted on one channel."""

    title: str
    allowed: bool
    words: str
    """The verdict in words, with its reason and end."""
    barred: bool = False
    """Whether there is another reason than the time."""
    window: str = ""
    """The send window of the verdict; None if the channel has none."""
    openings: list[tuple[float, float]] = []
    """The open parts of the contact's day: the start and length of each."""
    hours: str = ""
    """The open hours in words."""


class AvailabilityPanel(msgspec.Struct, frozen=True):
    """Whether a contact may be contacted now, channel by channel."""

    channels: list[ChannelPanel]
    zones: list[str]
    """Every zone that the contact could be in."""
    at: float
    """The moment of the verdict, in seconds since 1970."""
    until: int
    """When the answer changes, in seconds since 1970."""
    day: Day | None = None
    """None if the contact's zone is not known."""


def availability_panel(row: Any, catalog: Catalog, at: datetime | None = None) -> AvailabilityPanel:
    """Whether the contact of a row may be contacted at a moment, by the workspace's default windows."""
    at = at or datetime.now(UTC)
    day, channels, zones = _day_of(row, at), list[ChannelPanel](), list[str]()
    changes = [at + timedelta(hours=1), *([datetime.fromtimestamp(day.end, UTC)] if day else [])]
    for channel in CHANNELS:
        window = find_window(catalog, channel, None, Errors())
        if window is None:
            channels.append(ChannelPanel(CHANNEL_TITLES[channel], False, "No send window for this channel"))
            continue
        verdict = Judge(window.schedule, channel, at).verdict(subject_of(row, channel))
        channels.append(_channel(channel, window, verdict, day))
        changes += filter(None, (verdict.window_closes, verdict.next_allowed))
        zones = verdict.timezones
    until = min(moment for moment in changes if moment > at)
    return AvailabilityPanel(channels, zones, at.timestamp(), int(until.timestamp()), day)


def _day_of(row: Any, at: datetime) -> Day | None:
    subject = subject_of(row, "call")
    if not subject.zones or not all(map(is_zone, subject.zones)):
        return None
    zone = subject.timezone if subject.timezone in subject.zones else subject.zones[0]
    now = local_time(zone, at.timestamp())
    today = now.toordinal()
    return Day(zone, now, first_moment(clock(zone), today, 0), first_moment(clock(zone), today + 1, 0))


def _channel(channel: str, window: SendWindow, verdict: Availability, day: Day | None) -> ChannelPanel:
    found = _openings(window.schedule, verdict.timezones, day) if day else []
    return ChannelPanel(
        CHANNEL_TITLES[channel],
        verdict.allowed,
        _words(channel, verdict),
        not verdict.allowed and not set(verdict.reasons) <= {"holiday", "outside_window"},
        window.name,
        [(day.place(start), round(day.place(end) - day.place(start), 3)) for start, end in found]
        if day
        else [],
        _hours(found, day) if day else "",
    )


def _openings(schedule: Schedule, zones: list[str], day: Day) -> list[tuple[int, int]]:
    """The openings in all the zones on the contact's day."""
    last = day.end - 1
    return [
        (each.start, min(each.end or day.end, day.end))
        for each in openings_between(schedule, zones, day.start, last)
    ]


def _hours(openings: list[tuple[int, int]], day: Day) -> str:
    def shown(moment: int) -> str:
        return "24:00" if moment == day.end else f"{local_time(day.zone, moment):%H:%M}"

    parts = [f"from {shown(start)} to {shown(end)}" for start, end in openings]
    return f"Open today {' and '.join(parts)}" if parts else "Closed all day"


def _words(channel: str, verdict: Availability) -> str:
    if verdict.allowed:
        return f"Open until {_when(verdict.window_closes, verdict)}" if verdict.window_closes else "Open"
    words = {**_OBJECTIONS, "no_address": _ADDRESS[channel]}
    if objections := [words[reason] for reason in verdict.reasons if reason in words]:
        text = ", ".join(objections)
        return text[:1].upper() + text[1:]
    closed = "Closed for a holiday" if "holiday" in verdict.reasons else "Closed now"
    if verdict.next_allowed is None:
        return f"{closed}, and not open within 14 days"
    return f"{closed}, opens {_when(verdict.next_allowed, verdict)}"


def _when(moment: datetime, verdict: Availability) -> str:
    """A moment in the contact's local time, relative to today."""
    now = verdict.local_time or moment
    there = moment.astimezone(now.tzinfo)
    days = there.toordinal() - now.toordinal()
    if days == 0:
        return f"{there:%H:%M}"
    if days == 1:
        return f"tomorrow at {there:%H:%M}"
    return f"on {there:%A} {there.day} {there:%B} at {there:%H:%M}"
