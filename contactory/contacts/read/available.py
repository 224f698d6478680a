"""The contacts that may be contacted on a channel at a moment, as a condition of a list.

First, the zones in which the window is open are computed, then the contacts in them are found. So each row is
read once, without reading a clock for it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.catalog.windows import find_window
from contactory.local_time.openings import open_zones
from contactory.local_time.verdict import Subject
from contactory.rules.checks import Errors
from contactory.rules.invalid import Invalid


class AvailableAt(msgspec.Struct, frozen=True):
    """The contacts that may be contacted on a channel at a moment."""

    channel: str
    at: datetime
    zones: tuple[str, ...]
    """The zones in which the window is open then."""
    window: str | None = None
    """The window, if it was named."""

    def conditions(self, arg: Callable[[Any], str]) -> list[str]:
        """SQL conditions on a contact `c`; `arg` takes a value and returns its placeholder."""
        is_open = arg(_as_keys(self.zones))
        return [
            f"{is_open}::jsonb ? c.timezone",
            f"(c.timezones is null or {is_open}::jsonb ?& c.timezones)",
            f"not {NO_ADDRESS[self.channel]}",
            f"(c.consent is null or not ({DO_NOT_CONTACT} or {DENIED[self.channel]}))",
        ]


@lru_cache(maxsize=256)
def _as_keys(zones: tuple[str, ...]) -> str:
    """The zones as keys of a JSON object, in which PostgreSQL uses binary search.

    With a generic plan, it would compare each item of an array of 300.
    """
    return msgspec.json.encode(dict.fromkeys(zones, 1)).decode()


# The reasons of a verdict (local_time/verdict.py) as SQL on a contact `c`, by channel.
NO_ADDRESS = {"call": "(c.phone is null)", "sms": "(c.phone is null)", "email": "(c.email is null)"}
DENIED = {
    name: f"""coalesce(c.consent @> '{{"{name}": {{"status": "denied"}}}}', false)""" for name in NO_ADDRESS
}
DO_NOT_CONTACT = """coalesce(c.consent @> '{"doNotContact": true}', false)"""


def parse_available(query: Mapping[str, Any], catalog: Catalog, errors: Errors) -> AvailableAt | None:
    """The filter in `availableNow`, `availableAt`, `channel` and `window` of a query; None without one.

    Adds the errors to `errors`.
    """
    now, at, channel, window = (query.get(name) for name in NAMES)
    if now is None and at is None:
        for name in ("channel", "window"):
            if name in query:
                detail = "has no effect without availableNow or availableAt"
                errors.add_parameter(name, Invalid("needs_another", detail))
        return None
    if now and channel and now != channel:
        errors.add_parameter(
            "channel",
            Invalid("given_twice", f"is not {now}, the value of availableNow: send only one of them"),
        )
    if not now and not channel:
        errors.add_parameter("channel", Invalid("required", "is required with availableAt"))
    found = find_window(catalog, now or channel, window, errors)
    moment = at or datetime.now(UTC)
    if errors.found or found is None:
        return None
    zones = open_zones(found.schedule, int(moment.timestamp() // 1))
    return AvailableAt(now or channel or "", moment, zones, window)


NAMES = ("availableNow", "availableAt", "channel", "window")


def at_that_moment(asked: AvailableAt | None) -> dict[str, str | None]:
    """The parameters of the next page instead of `availableNow`, so that all pages have the same moment."""
    if asked is None:
        return {}
    at = asked.at.isoformat().replace("+00:00", "Z")
    return {"availableNow": None, "availableAt": at, "channel": asked.channel}


def subject_of(row: Any, channel: str) -> Subject:
    """The parts of a contact's row that a verdict needs."""
    zone = row["timezone"]
    return Subject(
        timezone=zone,
        zones=tuple(row["timezones"] or ((zone,) if zone else ())),
        source=row["timezone_source"],
        has_address=row["email" if channel == "email" else "phone"] is not None,
        consent=row.get("consent"),
        deleted=row["deleted_at"] is not None,
    )
