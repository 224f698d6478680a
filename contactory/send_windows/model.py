"""A send window: its JSON shape, and the rules for its fields."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec

from contactory.local_time.openings import DAY, Range
from contactory.local_time.windows import CHANNELS, WEEKDAYS, DayRange
from contactory.rules.checks import (
    BOOLEAN,
    WORKSPACE_ID,
    Errors,
    Form,
    Json,
    Object,
    Rule,
    described,
    one_of,
    unchecked,
)
from contactory.rules.invalid import Invalid
from contactory.rules.near import nearest
from contactory.values.names import NAME

MAX_RANGES = 100
MAX_HOLIDAYS = 400
_WEEK = 7 * DAY
_OPENS = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_CLOSES = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Preset(msgspec.Struct, rename="camel", frozen=True):
    """Hours that a law or a code of practice allows, as a start for a send window; `source` names it."""

    id: str
    name: str
    region: str
    """ISO 3166: a country (US) or a part of one (US-FL)."""
    channels: list[str]
    days: list[DayRange]
    source: str
    """The statute or regulation."""
    note: str | None = None
    """Rules that the hours do not express."""


@cache
def presets() -> dict[str, Preset]:
    """The presets of presets.toml by their ids."""
    tables = tomllib.loads(Path(__file__).with_name("presets.toml").read_text("utf-8"))
    return {name: _preset(name, table) for name, table in tables.items()}


def _preset(name: str, table: Object) -> Preset:
    hours = cast("dict[str, list[str]]", table["hours"])
    days = [
        DayRange(day, *each.split("-"))
        for day in WEEKDAYS
        for days, ranges in hours.items()
        if day in days.split()
        for each in ranges
    ]
    found: Object = {**table, "id": name, "days": days}
    del found["hours"]
    return Preset(**found)


def _parse_channels(value: Json, errors: Errors, *path: str | int) -> list[str]:
    sent = _array(value, errors, len(CHANNELS), 1, *path)
    for index, each in enumerate(sent):
        if each not in CHANNELS:
            _unknown(each, CHANNELS, errors, *path, index)
    return [channel for channel in CHANNELS if channel in sent]


def _array(value: Json, errors: Errors, most: int, least: int, *path: str | int) -> list[Json]:
    """The items of an array; an empty list, and an error in `errors`, if it is not an array or too long."""
    if not isinstance(value, list):
        errors.add(Invalid("wrong_type", "must be an array"), *path)
        return []
    items = cast("list[Json]", value)
    if not least <= len(items) <= most:
        detail = f"must have {least} to {most} items, not {len(items)}"
        errors.add(Invalid("too_many" if len(items) > most else "required", detail), *path)
        return []
    return items


def _unknown(value: Json, known: tuple[str, ...], errors: Errors, *path: str | int) -> None:
    near = nearest(value, known) if isinstance(value, str) else None
    errors.add(Invalid("unknown_value", f"must be one of {', '.join(known)}", near), *path)


def _parse_days(value: Json, errors: Errors, *path: str | int) -> list[DayRange]:
    items = _array(value, errors, MAX_RANGES, 1, *path)
    found = [_parse_range(item, errors, *path, index) for index, item in enumerate(items)]
    ranges = {index: each for index, each in enumerate(found) if each is not None}
    for index, other in _overlaps({index: each.to_range() for index, each in ranges.items()}).items():
        it = ranges[other]
        detail = (
            f"overlaps days[{other}], {it.day} from {it.start} to {it.end}: join or separate the two ranges"
        )
        errors.add(Invalid("overlap", detail), *path, index)
    return sorted(ranges.values(), key=DayRange.to_range)


def _parse_range(item: Json, errors: Errors, *path: str | int) -> DayRange | None:
    """A valid range, or None; adds its errors to `errors`."""
    before = len(errors.found)
    if not isinstance(item, dict):
        errors.add(Invalid("wrong_type", "must be an object with day, from and to"), *path)
        return None
    sent = cast(Object, item)
    values = _RANGE.collect(sent, errors, *path)
    if len(errors.found) > before:
        return None
    if values["from"] == values["to"]:
        detail = "has no length: to open all day, write from 00:00 to 24:00"
        errors.add(Invalid("zero_length", f"The range {detail}"), *path)
        return None
    return DayRange(values["day"], values["from"], values["to"])


def _overlaps(ranges: dict[int, Range]) -> dict[int, int]:
    """For each range that overlaps an earlier one, the index of that one; the week is a circle."""
    week = [(r.weekday * DAY + r.start, r.weekday * DAY + r.end, index) for index, r in ranges.items()]
    twice = sorted(week) + sorted((start + _WEEK, end + _WEEK, index) for start, end, index in week)
    found: dict[int, int] = {}
    furthest, holder = 0, -1
    for start, end, index in twice:
        if start < furthest and index != holder:
            low, high = sorted((index, holder))
            found.setdefault(high, low)
        if end > furthest:
            furthest, holder = end, index
    return found


def _time(pattern: re.Pattern[str], example: str) -> Callable[[Json], str]:
    def parse(value: Json) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Invalid("invalid_time", f"must be a time of day from 00:00 to {example}, in the form HH:MM")
        return value

    return parse


def _parse_holidays(value: Json, errors: Errors, *path: str | int) -> list[date]:
    found: set[date] = set()
    for index, item in enumerate(_array(value, errors, MAX_HOLIDAYS, 0, *path)):
        try:
            if not isinstance(item, str) or not _DATE.fullmatch(item):
                raise ValueError
            found.add(date.fromisoformat(item))
        except ValueError:
            errors.add(Invalid("not_a_date", "must be a real date in the form YYYY-MM-DD"), *path, index)
    return sorted(found)


def parse_window(data: Object, errors: Errors) -> Object:
    """The values in `data`, by their names in SendWindow; adds the errors to `errors`."""
    simple = {name: value for name, value in data.items() if name not in _LISTS}
    values = Form({name: rule for name, rule in FIELDS.items() if name not in _LISTS}).collect(simple, errors)
    if "isDefault" in values:
        values["is_default"] = values.pop("isDefault")
    for name, parse in _LISTS.items():
        if name in data:
            values[name] = parse(data[name], errors, name)
    return values


_RANGE = Form(
    {
        "day": described(one_of(*WEEKDAYS), "The weekday on which it opens."),
        "from": Rule(
            _time(_OPENS, "23:59"), {"type": "string", "pattern": "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"}
        ),
        "to": Rule(
            _time(_CLOSES, "24:00"),
            {
                "type": "string",
                "pattern": "^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
                "description": "On the next day if it is earlier than `from`.",
            },
        ),
    },
    required=("day", "from", "to"),
)
_LISTS: dict[str, Callable[..., Any]] = {
    "channels": _parse_channels,
    "days": _parse_days,
    "holidays": _parse_holidays,
}
FIELDS = {
    "name": NAME,
    "channels": unchecked(
        {
            "type": "array",
            "items": {"type": "string", "enum": list(CHANNELS)},
            "minItems": 1,
            "maxItems": len(CHANNELS),
        },
    ),
    "days": unchecked(
        {
            "title": "OpeningHours",
            "type": "array",
            "items": _RANGE.schema,
            "minItems": 1,
            "maxItems": MAX_RANGES,
            "description": "The opening times, in local time. They must not overlap.",
            "examples": [[{"day": "mon", "from": "09:00", "to": "17:00"}]],
        },
    ),
    "holidays": unchecked(
        {
            "type": "array",
            "items": {"type": "string", "format": "date"},
            "maxItems": MAX_HOLIDAYS,
            "description": "Local dates on which it is closed all day.",
        },
    ),
    "isDefault": described(BOOLEAN, "Whether the window is used if a request does not name one."),
}
"""The writable fields."""
PRESET = described(one_of(*presets()), "The preset for the values that are not sent.")
CREATE = Form(
    {"workspaceId": WORKSPACE_ID, "preset": PRESET, **FIELDS},
    any_of=[{"required": ["preset"]}, {"required": ["name", "channels", "days"]}],
)
UPDATE = Form(FIELDS, some=True)
