"""The parameters of a query string: taken apart, and each checked by its rule."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from contactory.checks import Errors, Json, Object, Rule, quote
from contactory.errors import FieldError, ValidationProblem
from contactory.invalid import Invalid
from contactory.near import nearest

MOST_PARAMETERS = 10_000
"""Of one query string or form: reading them takes time."""


def check_query(query: str, rules: Mapping[str, Rule], required: Sequence[str] = ()) -> Object:
    """The parameters given in a query string, each as its rule makes it. Raises ValidationProblem."""
    if not query and not required:
        return {}
    errors = Errors()
    values: Object = {}
    sent = parse_query(query)
    for name in required:
        if name not in sent:
            errors.add_parameter(name, Invalid("required", "is required"))
    for name, given in sent.items():
        rule = rules.get(name)
        if rule is None:
            detail = f"{quote(name)} is no parameter here"
            errors.add_parameter(name, Invalid("unknown_parameter", detail, nearest(name, rules)))
            continue
        try:
            values[name] = _parse_parameter(name, rule, given)
        except Invalid as error:
            errors.add_parameter(name, error)
    errors.check()
    return values


def _parse_parameter(name: str, rule: Rule, given: list[str]) -> Any:
    if rule.many:
        return [rule.parse(_from_text(value, rule)) for value in given]
    if len(given) > 1:
        raise Invalid("repeated_parameter", "may be given once only")
    return rule.parse(_from_text(given[0], rule))


def _from_text(text: str, rule: Rule) -> Json:
    """What a parameter's text stands for: a query has no types of its own, so the rule's schema tells."""
    kind = rule.schema.get("type")
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "integer" and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 20:
        return int(text)
    return text


def parse_query(query: str) -> dict[str, list[str]]:
    """The parameters of a query string (application/x-www-form-urlencoded), each with its values in order."""
    if query.count("&") >= MOST_PARAMETERS:
        raise ValidationProblem(f"More than {MOST_PARAMETERS:,} parameters or fields were sent: send fewer.")
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(decode_part(name, "query"), []).append(decode_part(value, "query"))
    return values


def decode_part(text: str, where: str) -> str:
    """A percent-encoded part of a URL. Raises ValidationProblem where it is no UTF-8 or holds U+0000."""
    if where == "query":
        text = text.replace("+", " ")
    if "%" not in text and "\0" not in text:
        return text
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        error = FieldError(
            parameter=where, code="invalid_encoding", detail=f"The {where} is not valid UTF-8 text"
        )
        raise ValidationProblem(errors=[error])
    return decoded
