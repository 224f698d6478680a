"""The parameters of a query string: parsed, and each checked by its rule."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from contactory.rules.checks import Errors, Json, Object, Rule, quote
from contactory.rules.errors import FieldError, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.rules.near import nearest

MOST_PARAMETERS = 200
"""The limit of parameters in a URL; more are refused before they are checked."""
MOST_VALUES = 100
"""The limit of values of all repeatable parameters in a URL together."""
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def check_query(
    query: str, rules: Mapping[str, Rule], required: Sequence[str] = (), *, lenient: bool = False
) -> Object:
    """The parameters of a query string, each parsed by its rule. Raises ValidationProblem.

    An empty one counts as not sent, except for parameters that narrow an answer, because that would return
    everything. Unknown ones are refused, or ignored with `lenient`.
    """
    if not query and not required:
        return {}
    errors = Errors()
    values: Object = {}
    sent = _encoded(query, MOST_PARAMETERS)
    for name in required:
        if not any(sent.get(name, ())):
            errors.add_parameter(name, Invalid("required", "is required"))
    room = MOST_VALUES
    for name, texts in sent.items():
        rule = rules.get(name)
        if rule is None:
            if not lenient:
                detail = f"{quote(name)} is not a parameter of this operation"
                errors.add_parameter(name, Invalid("unknown_parameter", detail, nearest(name, rules)))
            continue
        try:
            found = _values(rule, texts, room)
        except Invalid as error:
            errors.add_parameter(name, error)
            continue
        if rule.many:
            room -= len(texts)
        if found:
            values[name] = found if rule.many else found[0]
    errors.check()
    return values


def _values(rule: Rule, encoded: list[str], room: int) -> list[Any]:
    """The parsed value of one parameter, without values that count as not sent. Raises Invalid."""
    if not rule.many and len(encoded) > 1:
        raise Invalid("repeated_parameter", "may be sent only once")
    if rule.many and len(encoded) > room:
        raise Invalid(
            "too_many", f"exceeds the limit of {MOST_VALUES} values of filters in a URL: send fewer values"
        )
    values: list[Any] = []
    for sent in encoded:
        text = sent if sent.isalnum() else decode_part(rule.plus(sent) if rule.plus else sent)
        if rule.narrows and not text.strip():
            raise Invalid("required", "must not be empty: send a value, or leave it out")
        if text:
            values.append(rule.parse(_from_text(text, rule)))
    return values


def _from_text(text: str, rule: Rule) -> Json:
    """The value of a parameter's text: a query has no types, so the rule's schema has the type."""
    kind = rule.schema.get("type")
    if kind == "boolean":
        return _BOOLEANS.get(text.lower(), text)
    if kind == "integer" and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    return text


def parse_query(query: str, most: int = MOST_PARAMETERS) -> dict[str, list[str]]:
    """The parameters of a query string (application/x-www-form-urlencoded), each with its values in order.

    Raises ValidationProblem if there are more than `most`.
    """
    sent = _encoded(query, most)
    return {name: [decode_part(value) for value in values] for name, values in sent.items()}


def _encoded(query: str, most: int) -> dict[str, list[str]]:
    """Like parse_query, but with the values as they were sent."""
    if query.count("&") >= most:
        detail = f"The URL has more than {most} parameters: send fewer"
        raise ValidationProblem(detail, [FieldError(None, "query", "too_many", detail)])
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(name if name.isalnum() else decode_part(name), []).append(value)
    return values


def decode_part(text: str) -> str:
    """A part of a query string, decoded. Raises ValidationProblem if it is not UTF-8 or contains U+0000."""
    text = text.replace("+", " ")
    if "%" not in text and "\0" not in text:
        return text
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        detail = "The query is not valid UTF-8 text"
        raise ValidationProblem(errors=[FieldError(None, "query", "invalid_encoding", detail)])
    return decoded
