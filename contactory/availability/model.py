"""What questions about availability may say, and which send window they mean."""

from datetime import UTC, datetime
from typing import Any, cast

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.local_time.verdict import Availability, Subject
from contactory.rules.checks import (
    ID,
    TIMESTAMP,
    WORKSPACE_ID,
    Errors,
    Form,
    Json,
    Object,
    Rule,
    described,
    offset_plus,
    one_of,
    quote,
    unchecked,
)
from contactory.rules.errors import ProblemBody
from contactory.rules.invalid import Invalid
from contactory.rules.near import nearest
from contactory.send_windows.model import CHANNELS, SendWindow
from contactory.tags.model import NAME

MOST = 1000
_FIRST = datetime(1999, 12, 31, tzinfo=UTC)
_LAST = datetime(2100, 1, 2, tzinfo=UTC)
_MONTH_DAYS = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"


def _at(value: Json) -> datetime:
    moment: datetime = TIMESTAMP.parse(value)
    if not _FIRST <= moment < _LAST:
        raise Invalid("out_of_range", "must lie in the years 2000 to 2099")
    return moment


AT = Rule(
    _at,
    {
        "type": "string",
        "format": "date-time",
        "pattern": f"^20[0-9][0-9]-{_MONTH_DAYS}T{_CLOCK}$",
        "description": "The moment that the question is about, in the years 2000 to 2099; now, unless given.",
    },
    plus=offset_plus,
)
CHANNEL = described(one_of(*CHANNELS), "How to contact.")
WINDOW = described(
    NAME, "The send window, by its name; the workspace's default for the channel, unless given."
)
QUESTION = {"channel": CHANNEL, "window": WINDOW, "at": AT}


def find_window(
    catalog: Catalog, channel: str | None, name: str | None, errors: Errors, body: bool = False
) -> SendWindow | None:
    """The window of that name, else the default one, else the first by name that is for the channel.

    None where there is none, or not for the channel; that goes to `errors`, at the parameter or (with `body`)
    the field.
    """
    try:
        return _named(catalog, channel, name) if name is not None else _usual(catalog, channel)
    except Invalid as error:
        where = "window" if name is not None else "channel"
        if body:
            errors.add(error, where)
        else:
            errors.add_parameter(where, error)
    return None


def _named(catalog: Catalog, channel: str | None, name: str) -> SendWindow:
    window = catalog.windows.get(name)
    if window is None:
        near = nearest(name, catalog.windows)
        raise Invalid("unknown_send_window", f"{quote(name)} is not a send window of the workspace", near)
    if channel is not None and channel not in window.channels:
        detail = f"The send window {quote(name)} is for {' and '.join(window.channels)}, not for {channel}"
        raise Invalid("wrong_channel", detail)
    return window


def _usual(catalog: Catalog, channel: str | None) -> SendWindow:
    windows = [window for window in catalog.windows.values() if channel is None or channel in window.channels]
    for window in windows:
        if window.is_default:
            return window
    if not windows:
        raise Invalid("wrong_channel", f"No send window of the workspace is for {channel}: make one")
    return windows[0]


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


def parse_ids(value: Json, errors: Errors, most: int, *path: str | int) -> list[str]:
    """Ids of contacts in lower case; what is wrong goes to `errors`."""
    if not isinstance(value, list) or not value:
        errors.add(Invalid("required", f"must be an array of 1 to {most} ids"), *path)
        return []
    items = cast("list[Json]", value)
    if len(items) > most:
        errors.add(Invalid("too_many", f"must have at most {most} ids, not {len(items)}"), *path)
        return []
    found: list[str] = []
    for index, item in enumerate(items):
        try:
            found.append(ID.parse(item))
        except Invalid as error:
            errors.add(error, *path, index)
    return found


def ids_schema(most: int) -> Object:
    """JSON Schema of what parse_ids takes."""
    return {"type": "array", "items": ID.schema, "minItems": 1, "maxItems": most}


_REST = {"workspaceId": WORKSPACE_ID, **QUESTION}
MANY = Form({**_REST, "ids": unchecked(ids_schema(MOST))}, required=("ids", "channel"))


def parse_many(data: Object, errors: Errors) -> Object:
    """The body of a question about many contacts; what is wrong goes to `errors`."""
    values = MANY.collect(data, errors)
    if "ids" in data:
        values["ids"] = parse_ids(data["ids"], errors, MOST, "ids")
    return values


class AvailabilityResult(msgspec.Struct, omit_defaults=True):
    """The verdict on one of the contacts asked about; 404 where there is no such contact, or none to see."""

    id: str
    status: int
    availability: Availability | None = None
    problem: ProblemBody | None = None


class AvailabilityResults(msgspec.Struct):
    """The verdicts on the contacts asked about, in their order."""

    results: list[AvailabilityResult]
