"""Which contacts may be contacted on a channel at a moment, as a condition of a list.

First the zones in which the window is open are found, then the contacts in them: a row is looked at once, and
no clock is asked for it.
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


class Reachable(msgspec.Struct, frozen=True):
    """Those who may be contacted on a channel at a moment."""

    channel: str
    at: datetime
    zones: tuple[str, ...]
    """Where the window is open then."""
    window: str | None = None
    """The window, if it was named."""

    def conditions(self, arg: Callable[[Any], str]) -> list[str]:
        """SQL conditions on a contact `c`; `arg` takes a value and gives its place in the statement."""
        is_open = arg(_as_keys(self.zones))
        return [
            f"{is_open}::jsonb ? c.timezone",
            f"(c.timezones is null or {is_open}::jsonb ?& c.timezones)",
            f"not {NO_ADDRESS[self.channel]}",
            f"(c.consent is null or not ({DO_NOT_CONTACT} or {DENIED[self.channel]}))",
        ]


@lru_cache(maxsize=256)
def _as_keys(zones: tuple[str, ...]) -> str:
    """The zones as keys of a JSON object, among which PostgreSQL finds one by halving.

    In an array of 300 it would look at each, once the statement has a generic plan.
    """
    return msgspec.json.encode(dict.fromkeys(zones, 1)).decode()


# What a verdict (availability/verdict.py) objects to, said of a contact `c` in SQL, by channel.
NO_ADDRESS = {"call": "(c.phone is null)", "sms": "(c.phone is null)", "email": "(c.email is null)"}
DENIED = {
    name: f"""coalesce(c.consent @> '{{"{name}": {{"status": "denied"}}}}', false)""" for name in NO_ADDRESS
}
DO_NOT_CONTACT = """coalesce(c.consent @> '{"doNotContact": true}', false)"""


def reachable(query: Mapping[str, Any], catalog: Catalog, errors: Errors) -> Reachable | None:
    """What `availableNow`, `availableAt`, `channel` and `window` of a query ask for; None for nothing.

    What is wrong goes to `errors`.
    """
    now, at, channel, window = (query.get(name) for name in NAMES)
    if now is None and at is None:
        for name in ("channel", "window"):
            if name in query:
                detail = "says nothing without availableNow or availableAt"
                errors.add_parameter(name, Invalid("needs_another", detail))
        return None
    if now and channel and now != channel:
        errors.add_parameter("channel", Invalid("given_twice", f"is not {now}, as availableNow: give one"))
    if not now and not channel:
        errors.add_parameter("channel", Invalid("required", "is required with availableAt"))
    found = find_window(catalog, now or channel, window, errors)
    moment = at or datetime.now(UTC)
    if errors.found or found is None:
        return None
    zones = open_zones(found.schedule, int(moment.timestamp() // 1))
    return Reachable(now or channel or "", moment, zones, window)


NAMES = ("availableNow", "availableAt", "channel", "window")


def at_that_moment(reach: Reachable | None) -> dict[str, str | None]:
    """What the link to the next page says instead of `availableNow`, so that all pages are of one moment."""
    if reach is None:
        return {}
    at = reach.at.isoformat().replace("+00:00", "Z")
    return {"availableNow": None, "availableAt": at, "channel": reach.channel}


def subject_of(row: Any, channel: str) -> Subject:
    """What a verdict needs of a contact's row."""
    zone = row["timezone"]
    return Subject(
        timezone=zone,
        zones=tuple(row["timezones"] or ((zone,) if zone else ())),
        source=row["timezone_source"],
        has_address=row["email" if channel == "email" else "phone"] is not None,
        consent=row.get("consent"),
        deleted=row["deleted_at"] is not None,
    )
