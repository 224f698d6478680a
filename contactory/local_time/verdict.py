"""The verdict: may a contact be contacted at a moment; if not, why, and when?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from contactory.local_time.openings import Opening, Schedule, is_open, local_time, next_opening
from contactory.local_time.zones import is_zone

REASONS = (
    "deleted",
    "do_not_contact",
    "consent_denied",
    "no_address",
    "no_timezone",
    "holiday",
    "outside_window",
)
"""The reasons why a contact may not be contacted, the most serious first."""
_PASSING = {"holiday", "outside_window"}
"""The reasons that end with time."""


class Availability(msgspec.Struct, rename="camel"):
    """Whether a contact may be contacted at a moment, and if not, why and when."""

    allowed: bool
    reason: str | None
    """The most serious of `reasons`: deleted, do_not_contact, consent_denied, no_address (no phone, or no
    e-mail), no_timezone, holiday, outside_window. Null if it is allowed."""
    reasons: list[str]
    local_time: datetime | None
    """The moment in the contact's local time."""
    timezones: list[str]
    """Every zone that the contact could be in: contact is allowed only while it is allowed in all of them."""
    timezone_source: str | None
    """The source of the time zone: caller, phone or workspace."""
    window_closes: datetime | None
    """When the open window closes, within 14 days; null while it is closed."""
    next_allowed: datetime | None
    """The first moment, from the requested one on, at which it is allowed; null if there is none within
    14 days, or if waiting does not help."""


class _ChannelConsent(msgspec.Struct):
    status: str = "unknown"


class _Consent(msgspec.Struct, rename="camel"):
    """The parts of a consent that a verdict needs."""

    call: _ChannelConsent | None = None
    sms: _ChannelConsent | None = None
    email: _ChannelConsent | None = None
    do_not_contact: bool = False


_consent = msgspec.json.Decoder(_Consent)
_NO_CONSENT_KNOWN = _Consent()


class Subject(NamedTuple):
    """The parts of a contact that a verdict needs."""

    timezone: str | None
    zones: tuple[str, ...]
    """Every zone that the contact could be in."""
    source: str | None
    has_address: bool
    consent: str | None = None
    """As stored in the database: JSON, or None if nothing is known."""
    deleted: bool = False


class _State(NamedTuple):
    """The state of a schedule in a set of zones at a moment."""

    reasons: list[str]
    closes: datetime | None
    following: datetime | None


class Judge:
    """Gives verdicts for one channel, schedule and moment; computes each set of zones once."""

    def __init__(self, schedule: Schedule, channel: str, at: datetime) -> None:
        self.at = at
        self._schedule = schedule
        self._channel = channel
        self._moment = int(at.timestamp() // 1)
        self._states: dict[tuple[str, ...], _State] = {}
        self._clocks: dict[str, datetime] = {}

    def verdict(self, subject: Subject) -> Availability:
        """The verdict on one contact."""
        if subject.deleted:  # Nothing about a deleted contact is shown.
            return Availability(False, "deleted", ["deleted"], None, [], None, None, None)
        reasons = self._objections(subject)
        known = bool(subject.zones) and all(map(is_zone, subject.zones))
        if not known:
            reasons.append("no_timezone")
            return Availability(
                False, reasons[0], reasons, None, list(subject.zones), subject.source, None, None
            )
        state = self._states.get(subject.zones) or self._state(subject.zones)
        following = None if reasons else state.following
        reasons += state.reasons
        main = subject.timezone if subject.timezone in subject.zones else subject.zones[0]
        return Availability(
            not reasons,
            reasons[0] if reasons else None,
            reasons,
            self._clocks.get(main) or self._look(main),
            list(subject.zones),
            subject.source,
            state.closes,
            following,
        )

    def _look(self, zone: str) -> datetime:
        shown = self._clocks[zone] = local_time(zone, self.at.timestamp())
        return shown

    def _objections(self, subject: Subject) -> list[str]:
        consent = _consent.decode(subject.consent) if subject.consent else _NO_CONSENT_KNOWN
        given: _ChannelConsent | None = getattr(consent, self._channel)
        found = {
            "do_not_contact": consent.do_not_contact,
            "consent_denied": given is not None and given.status == "denied",
            "no_address": not subject.has_address,
        }
        return [reason for reason, holds in found.items() if holds]

    def _state(self, zones: tuple[str, ...]) -> _State:
        opening = next_opening(self._schedule, zones, self._moment)
        if opening is not None and opening.start <= self._moment:
            state = _State([], _datetime(opening.end), self.at)
        else:
            state = _State(self._closed_by(zones), None, _start(opening))
        self._states[zones] = state
        return state

    def _closed_by(self, zones: Sequence[str]) -> list[str]:
        """Why the schedule is closed in some of the zones."""
        schedule, moment = self._schedule, self._moment
        found: set[str] = set()
        for zone in zones:
            if not is_open(schedule, zone, moment):
                without = is_open(schedule.every_day, zone, moment)
                found |= set() if without else {"outside_window"}
                if without or local_time(zone, moment).toordinal() in schedule.holidays:
                    found.add("holiday")
        return [reason for reason in REASONS if reason in found]


def _datetime(moment: int | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC)


def _start(opening: Opening | None) -> datetime | None:
    return None if opening is None else _datetime(opening.start)
