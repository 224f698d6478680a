"""Checking what was sent: rules for single values, forms for objects, and all errors at once."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

import msgspec

from contactory.base.ids import parse_id
from contactory.rules.errors import LISTED_ERRORS, FieldError, ValidationProblem, summary
from contactory.rules.invalid import Invalid
from contactory.rules.near import Names, nearest

Json = Any
Object = dict[str, Any]
BodyPath = tuple[str | int, ...]
"""The names and indexes that lead to a value in a body."""


class Rule(NamedTuple):
    """The rule for a value: `parse` returns the value to store or raises Invalid; `schema` is JSON Schema."""

    parse: Callable[[Json], Any]
    schema: Mapping[str, Any]
    many: bool = False
    """For a query parameter: it may be repeated, and its value is a list."""
    narrows: bool = False
    """For a query parameter: it narrows the answer, so an empty one must not be ignored."""
    plus: Callable[[str], str] | None = None
    """For a query parameter: encodes each plus sign in it that does not mean a space."""


def every_plus(text: str) -> str:
    """For values that never contain a space, such as an e-mail: each plus sign is a plus sign."""
    return text.replace("+", "%2B")


def inner_plus(text: str) -> str:
    """For an e-mail, which never ends with a plus sign: each one except at the end, where it is a space."""
    bare = text.rstrip("+")
    return every_plus(bare) + text[len(bare) :]


def leading_plus(text: str) -> str:
    """For values that never begin with a space: a plus sign at the beginning is a plus sign."""
    return f"%2B{text[1:]}" if text.startswith("+") else text


def offset_plus(text: str) -> str:
    """For times: each plus sign except one between day and hour, which may be a space (RFC 3339, 5.6)."""
    return text[:11] + text[11:].replace("+", "%2B")


class ErrorBudget:
    """The budget for the errors of one request; the operations of a batch share it."""

    def __init__(self) -> None:
        self.suggestions = 100
        """How many more suggestions may be looked for; each may take a millisecond."""
        self.errors = 10_000
        """How many more errors are listed, in addition to the first one of each operation."""


class Errors:
    """Collects the errors of a request."""

    def __init__(self, budget: ErrorBudget | None = None) -> None:
        self.found: list[FieldError] = []
        self._budget = budget or ErrorBudget()

    def add(self, error: Invalid, *path: str | int) -> None:
        """Adds `error` at `path`, the names and indexes that lead to the value in the body.

        Raises ValidationProblem if so many errors were found that it makes no sense to look for more.
        """
        self._make_room()
        self._list(error, pointer(*path), None, _label(path))

    def add_parameter(self, name: str, error: Invalid) -> None:
        """As add, for an error of a query parameter or a header."""
        self._make_room()
        self._list(error, None, name, name)

    def _make_room(self) -> None:
        if len(self.found) >= LISTED_ERRORS or (self.found and self._budget.errors <= 0):
            raise ValidationProblem(summary(self.found, more=True), self.found)
        self._budget.errors -= 1

    def _list(self, error: Invalid, where: str | None, parameter: str | None, label: str) -> None:
        suggestion = None
        if not error.is_costly or self._budget.suggestions > 0:
            self._budget.suggestions -= error.is_costly
            suggestion = error.suggestion
        detail = _sentence(error.detail, label)
        self.found.append(FieldError(where, parameter, error.code, detail, suggestion))

    def unknown(self, name: str, known: Iterable[str] | Names, what: str, *path: str | int) -> None:
        """Adds the error that `name` is not in `known`."""
        self.add(Invalid(f"unknown_{what}", f"{quote(name)} is unknown", nearest(name, known)), *path)

    def check(self) -> None:
        """Raises ValidationProblem if there are errors."""
        if self.found:
            raise self.problem()

    def problem(self) -> ValidationProblem:
        """The problem with all errors."""
        return ValidationProblem(errors=self.found)


def _sentence(detail: str, label: str) -> str:
    """The sentence of a rule ("must be a string") with the name of the value in front of it."""
    return f"{quote(label)} {detail}" if label and detail[:1].islower() else detail


def _label(path: BodyPath) -> str:
    """The last name of a path, with the indexes that follow it."""
    label = ""
    for part in path:
        label = f"{label}[{part}]" if isinstance(part, int) else part
    return label


def pointer(*path: str | int) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def quote(text: str) -> str:
    """`text` in quotation marks, cut to a readable length."""
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}…"'


class Form(NamedTuple):
    """What an object may contain."""

    rules: Mapping[str, Rule]
    required: tuple[str, ...] = ()
    some: bool = False
    """At least one field must be given (besides workspaceId)."""
    any_of: Sequence[Object] = ()
    """JSON Schemas for a check of the handler beyond the rules: the object must match one of them."""

    def parse(self, data: Object) -> Object:
        """The fields that were sent, each parsed by its rule. Raises ValidationProblem with all errors."""
        errors = Errors()
        values = self.collect(data, errors)
        errors.check()
        return values

    def collect(self, data: Object, errors: Errors, *path: str | int) -> Object:
        """Like parse, but adds the errors to `errors`."""
        values: Object = {}
        for name, value in data.items():
            rule = self.rules.get(name)
            if rule is None:
                errors.unknown(name, self.rules, "field", *path, name)
                continue
            try:
                values[name] = rule.parse(value)
            except Invalid as error:
                errors.add(error, *path, name)
        for name in self.required:
            if name not in data:
                errors.add(Invalid("required", "is required"), *path, name)
        if self.some and not data.keys() - {"workspaceId"}:
            errors.add(Invalid("no_fields", "At least one field must be provided"), *path)
        return values

    @property
    def schema(self) -> Object:
        """JSON Schema of the object."""
        shown: Object = {
            "type": "object",
            "properties": {name: dict(rule.schema) for name, rule in self.rules.items()},
            "additionalProperties": False,
        }
        if self.required:
            shown["required"] = list(self.required)
        if self.some:
            named = [name for name in self.rules if name != "workspaceId"]
            shown["anyOf"] = [{"required": [name]} for name in named]
        if self.any_of:
            shown["anyOf"] = list(self.any_of)
        return shown


# The characters that str.strip removes, as a class in the regular expressions of JSON Schema (ECMA 262).
SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
BLANK: Object = {"type": "string", "pattern": f"^[{SPACE}]*$"}
"""JSON Schema of a string that is empty after trimming."""
CLEARED: list[Object] = [BLANK, {"type": "null"}]
"""JSON Schemas of values that clear a field."""
SOMETHING = rf"^[^\x00]*[^{SPACE}\x00][^\x00]*$"
"""A regular expression: text that is not empty after trimming."""


def trimmed_pattern(most: int, *, blank: bool) -> str:
    """A regular expression: text of 1 to `most` characters after trimming, or also empty with `blank`."""
    solid = rf"[^{SPACE}\x00]"
    inner = rf"{solid}(?:[^\x00]{{0,{most - 2}}}{solid})?"
    return f"^[{SPACE}]*{f'(?:{inner})?' if blank else inner}[{SPACE}]*$"


def is_blank(value: Json) -> bool:
    """Whether the value is a string that is empty after trimming: forms send it for a field left empty."""
    return isinstance(value, str) and not value.strip()


def text(most: int, *, null: bool = True) -> Rule:
    """A string, trimmed, of 1 to `most` characters; with `null`, null or an empty string clears."""

    def parse(value: Json) -> str | None:
        if value is None and null:
            return None
        if not isinstance(value, str):
            raise Invalid("wrong_type", f"must be a string{' or null' if null else ''}")
        trimmed = value.strip()
        if not trimmed and null:
            return None
        if not 1 <= len(trimmed) <= most:
            raise Invalid("wrong_length", f"must have 1 to {most} characters, not {len(trimmed)}")
        return trimmed

    shown: Object = {
        "type": ["string", "null"] if null else "string",
        "pattern": trimmed_pattern(most, blank=null),
        "description": f"At most {most:,} characters, after trimming.",
    }
    return Rule(parse, shown)


def unchecked(schema: Mapping[str, Any]) -> Rule:
    """Any value, described by a schema; the handler checks it, because only the handler has the data."""

    def parse(value: Json) -> Json:
        return value

    return Rule(parse, schema)


def described(rule: Rule, sentence: str) -> Rule:
    """The same rule with a description."""
    return rule._replace(schema={**rule.schema, "description": sentence})


def one_of(*values: str) -> Rule:
    """One of several words."""

    def parse(value: Json) -> str:
        if value in values and isinstance(value, str):
            return value
        near = nearest(value, values) if isinstance(value, str) else None
        raise Invalid("unknown_value", f"must be one of {', '.join(values)}", near)

    return Rule(parse, {"type": "string", "enum": list(values)})


def integer(least: int, most: int, default: int | None = None) -> Rule:
    """A whole number."""

    def parse(value: Json) -> int:
        # 66.0 is an integer too (JSON Schema, section 6.1.1).
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not number or not least <= value <= most or value != int(value):
            raise Invalid("out_of_range", f"must be a whole number from {least} to {most}")
        return int(value)

    shown: Object = {"type": "integer", "minimum": least, "maximum": most}
    return Rule(parse, shown if default is None else {**shown, "default": default})


def _boolean(value: Json) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise Invalid("wrong_type", "must be true or false")


def _id(value: Json) -> str:
    parsed = parse_id(value)
    if parsed is None:
        raise Invalid("invalid_id", "must be a UUID")
    return parsed


def _id_or_blank(value: Json) -> str | None:
    return None if is_blank(value) else _id(value)


def _timestamp(value: Json) -> datetime:
    try:
        if isinstance(value, str):
            text = without_leap_second(value)
            moment = msgspec.convert(text, datetime)
            if moment.tzinfo is not None:
                return _in_utc(moment, timedelta(seconds=text is not value))
    except (msgspec.ValidationError, ValueError):
        pass
    raise Invalid(
        "invalid_timestamp", "must be an RFC 3339 timestamp with a zone, for example 2026-01-31T12:00:00Z"
    )


_LEAP_SECOND = re.compile(r"(.{10}[Tt ]\d\d:\d\d:)60(?!\d)")
_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


def without_leap_second(text: str) -> str:
    """A timestamp of a leap second (RFC 3339, 5.7) as the second before it, because clocks here have none.

    Any other text is returned unchanged.
    """
    return _LEAP_SECOND.sub(r"\g<1>59", text, count=1) if _LEAP_SECOND.match(text) else text


def _in_utc(moment: datetime, later: timedelta) -> datetime:
    try:
        return moment.astimezone(UTC) + later
    except OverflowError:  # In UTC it is a few hours before the year 1, or after 9999.
        return _FIRST if moment.year == 1 else _LAST


BOOLEAN = Rule(_boolean, {"type": "boolean"})
ID = Rule(_id, {"type": "string", "format": "uuid"})
TIMESTAMP = Rule(_timestamp, {"type": "string", "format": "date-time"}, plus=offset_plus)
WORKSPACE_ID = Rule(_id_or_blank, {"anyOf": [ID.schema, BLANK]})
"""In a body: an empty string counts as not sent."""


def parse_ids(value: Json, errors: Errors, most: int, *path: str | int) -> list[str]:
    """Ids of contacts in lower case; adds the errors to `errors`."""
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
    """JSON Schema of the values that parse_ids accepts."""
    return {"type": "array", "items": ID.schema, "minItems": 1, "maxItems": most}
