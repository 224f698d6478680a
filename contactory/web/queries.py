"""The parameters of a query string: parsed, and each checked by its rule."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from contactory.rules.checks import Errors, Json, Object, Rule, quote
from contactory.rules.errors import FieldError, ValidationProblem
from contactory.rules.invalid import UNREADABLE, Invalid
from contactory.rules.near import nearest

MOST_PARAMETERS = 200
"""The limit of parameters in a URL; more are refused before they are checked."""
MOST_VALUES = 100
"""The limit of values of all repeatable parameters in a URL together."""
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def check_query(query: str, rules: Mapping[str, Rule], required: Sequence[str] = ()) -> Object:
    """The parameters of a query string, each parsed by its rule. Raises ValidationProblem.

    An empty one counts as not sent, except for parameters that narrow an answer, because that would return
    everything.
    """
    if not query and not required:
        return {}
    errors = Errors()
    sent = _encoded(query, MOST_PARAMETERS)
    for name in required:
        if not any(sent.get(name, ())):
            errors.add_parameter(name, Invalid("required", "is required"))
    for name in sent:
        if name not in rules:
            detail = f"{quote(name)} is not a parameter of this operation"
            errors.add_parameter(name, Invalid("unknown_parameter", detail, nearest(name, rules)))
    values = _parsed(sent, rules, errors)
    errors.check()
    return values


def read_query(query: str, rules: Mapping[str, Rule]) -> tuple[Object, list[FieldError]]:
    """As check_query, for an address that users pass on: unknown parameters are ignored.

    Parameters that cannot be read are left out, and their errors are returned.
    """
    errors = Errors()
    sent, cut = _readable(query)
    values = _parsed({name: texts for name, texts in sent.items() if name in rules}, rules, errors)
    if cut:
        errors.add_parameter("query", Invalid("too_many", _TOO_MANY.format(MOST_PARAMETERS)))
    return values, errors.found


_TOO_MANY = "The URL has more than {} parameters: send fewer"


def _parsed(sent: Mapping[str, list[str]], rules: Mapping[str, Rule], errors: Errors) -> Object:
    """The values of known parameters; errors go to `errors`."""
    values: Object = {}
    room = MOST_VALUES
    for name, texts in sent.items():
        rule = rules.get(name)
        if rule is None:
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
        detail = _TOO_MANY.format(most)
        raise ValidationProblem(detail, [FieldError(None, "query", "too_many", detail)])
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(name if name.isalnum() else decode_part(name), []).append(value)
    return values


def _readable(query: str) -> tuple[dict[str, list[str]], bool]:
    """As _encoded, with U+FFFD for bytes that are not text; and whether parameters after MOST_PARAMETERS are
    left out.
    """
    parts = query.split("&", MOST_PARAMETERS)
    pairs = (part.partition("=") for part in parts[:MOST_PARAMETERS] if part)
    sent = "&".join(f"{_legible(name)}={_legible(value)}" for name, _, value in pairs)
    return _encoded(sent, MOST_PARAMETERS), len(parts) > MOST_PARAMETERS


def _legible(encoded: str) -> str:
    try:
        decode_part(encoded)
    except ValidationProblem:
        text = unquote_to_bytes(encoded.replace("+", " ")).decode(errors="replace")
        return quote_plus(text.replace("\0", UNREADABLE))
    return encoded


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
