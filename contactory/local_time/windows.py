"""A send window: its JSON shape and its hours."""

from datetime import date, datetime
from functools import cached_property

import msgspec

from contactory.local_time.openings import DAY, Range, Schedule, schedule_of
from contactory.rules.checks import Object

CHANNELS = ("call", "sms", "email")
CHANNEL_TITLES = {"call": "Call", "sms": "Text message", "email": "E-mail"}
"""The titles of the channels on pages."""


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class DayRange(msgspec.Struct, frozen=True):
    """Open from `start` to `end` (HH:MM, local time) on a weekday; past midnight if `end` is earlier."""

    day: str
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")

    def to_range(self) -> Range:
        """The same in minutes."""
        start, end = _minutes(self.start), _minutes(self.end)
        return Range(WEEKDAYS.index(self.day), start, end if end > start else end + DAY)


class SendWindow(msgspec.Struct, rename="camel", kw_only=True, dict=True):
    """A send window as the API shows it: exactly these keys, in this order."""

    id: str
    workspace_id: str
    name: str
    channels: list[str]
    days: list[DayRange]
    holidays: list[date]
    is_default: bool
    created_at: datetime
    updated_at: datetime

    @cached_property
    def schedule(self) -> Schedule:
        """The hours, in the form that openings.py computes with."""
        ranges = tuple(each.to_range() for each in self.days)
        return schedule_of(ranges, frozenset(day.toordinal() for day in self.holidays))


def _minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


DEFAULT_WINDOW: Object = {
    "name": "Default",
    "channels": list(CHANNELS),
    "days": [{"day": day, "from": "09:00", "to": "20:00"} for day in WEEKDAYS[:6]],
}
"""The send window of a new workspace."""
