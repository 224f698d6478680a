"""Whether contacts may be contacted now, on every channel, as JSON."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from contactory.contacts.consent import CHANNELS
from contactory.contacts.read.available import subject_of
from contactory.database.db import Row
from contactory.local_time.openings import Schedule
from contactory.local_time.verdict import Availability, Judge


class LookupAvailability(msgspec.Struct):
    """Whether a contact may be contacted now on each channel; null without a send window for it."""

    call: Availability | None
    sms: Availability | None
    email: Availability | None


class _Known:
    """The verdicts of one second. Most contacts differ in nothing but their zones."""

    def __init__(self) -> None:
        self.second = 0
        self.shown: dict[tuple[object, ...], msgspec.Raw] = {}


_known = _Known()


def verdicts_now(row: Row, schedules: tuple[Schedule | None, ...]) -> msgspec.Raw:
    """The availability of a contact at the beginning of this second, as the JSON of a LookupAvailability.

    `schedules` has the hours of each channel.
    """
    second = int(time.time())
    if second != _known.second:
        _known.second, _known.shown = second, {}
    zones: Sequence[str] | None = row["timezones"]
    key = (
        schedules,
        row["timezone"],
        zones and (*zones,),
        row["timezone_source"],
        row["phone"] is None,
        row["email"] is None,
        row["consent"],
    )
    found = _known.shown.get(key)
    if found is None:
        found = _known.shown[key] = _verdicts(row, schedules, datetime.fromtimestamp(second, UTC))
    return found


def _verdicts(row: Row, schedules: Sequence[Schedule | None], at: datetime) -> msgspec.Raw:
    shown = [
        schedule and Judge(schedule, channel, at).verdict(subject_of(row, channel))
        for channel, schedule in zip(CHANNELS, schedules, strict=True)
    ]
    return msgspec.Raw(msgspec.json.encode(LookupAvailability(*shown)))
