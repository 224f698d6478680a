"""A request's body: its media type, and its JSON object."""

import codecs
import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import cast

import msgspec

from contactory.rules.checks import BodyPath, Errors, Json, Object
from contactory.rules.errors import FieldError, UnsupportedMediaType, ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.web.json_bounds import MOST_BRACKETS, MOST_COMMAS, brackets, has_nul, is_deeper, nul_paths

MAX_DEPTH = 32
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_PARAMETER = re.compile(r';[ \t]*([^\s=;]+)[ \t]*=[ \t]*("[^"]*"|[^;]*)')
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
# Skips all escaped pairs up to the first surrogate without its other half.
_LONE = re.compile(
    rb"(?:[^\\\xed]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\xed[\x80-\x9f])*+"
    rb"(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\xed[\xa0-\xbf][\x80-\xbf])",
    re.DOTALL,
)
_SHOWN_BY_PLACE = 64 * 1024
"""The size of a body, in bytes, up to which surrogates are checked one by one."""


def decode_object(body: bytes, content_type: str | None, merge_patch: bool = False) -> Object:
    """A request's body as a JSON object, with numbers that are not integers as Decimal.

    Raises UnsupportedMediaType, or ValidationProblem for anything that is not an acceptable JSON object.
    """
    _check_media_type(content_type, merge_patch)
    if body.count(b",") > MOST_COMMAS:
        raise _malformed(f"The body has more than {MOST_COMMAS:,} commas: send less at once")
    count = brackets(body)
    if count > MOST_BRACKETS:
        raise _malformed(f"The body has more than {MOST_BRACKETS:,} objects and arrays: send less at once")
    body = body.removeprefix(codecs.BOM_UTF8)
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise _malformed(f"The body is nested deeper than {MAX_DEPTH} levels") from None
    except (msgspec.ValidationError, InvalidOperation):
        raise _malformed("The body has a number with too many digits, or too large an exponent") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _refuse_surrogates(body)
        raise _malformed(f"The body is not valid JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise _malformed("The body must be a JSON object")
    found = cast(Object, value)
    if count > MAX_DEPTH and is_deeper(found, MAX_DEPTH):
        raise _malformed(f"The body is nested deeper than {MAX_DEPTH} levels")
    if has_nul(body):
        errors = Errors()
        for path in nul_paths(found):
            errors.add(Invalid("invalid_character", "The character U+0000 cannot be stored"), *path)
        errors.check()
    return found


def _reason(error: Exception) -> str:
    text = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return text.removeprefix("JSON is malformed: ")


@lru_cache(maxsize=256)
def _check_media_type(content_type: str | None, merge_patch: bool) -> None:
    media, _, parameters = (content_type or "").partition(";")
    known = ("application/json", "application/merge-patch+json") if merge_patch else ("application/json",)
    charsets = {
        value.strip(' \t"').lower()
        for name, value in _PARAMETER.findall(f";{parameters}")
        if name.lower() == "charset"
    }
    if media.strip().lower() not in known or charsets - {"utf-8", "utf8"}:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(known)}, in UTF-8.")


def _malformed(detail: str) -> ValidationProblem:
    return ValidationProblem(detail, [FieldError("", None, "malformed_body", detail)])


def _strings(body: Json) -> Iterator[tuple[BodyPath, str]]:
    """Every string of a body, including names, each with its place."""
    todo: list[tuple[BodyPath, Json]] = [((), body)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            for name, inner in cast(Object, value).items():
                todo += [((*path, name), name), ((*path, name), inner)]
        elif isinstance(value, list):
            todo += [((*path, i), inner) for i, inner in enumerate(cast("list[Json]", value))]


def _refuse_surrogates(body: bytes) -> None:
    """Raises ValidationProblem with the place, if a body that does not decode has half of a character."""
    first = _LONE.match(body) if _HALF.search(body) else None
    if first is None:
        return
    errors = Errors()
    for path, text in _strings(_loosely_read(body)) if len(body) <= _SHOWN_BY_PLACE else ():
        if found := _SURROGATE.search(text):
            place = [_SURROGATE.sub("\ufffd", part) if isinstance(part, str) else part for part in path]
            errors.add(Invalid("invalid_character", _lone(found[0])), *place)
    errors.check()
    sent = first[1].decode("utf-8", "surrogatepass")
    text = chr(int(sent.lstrip("\\u"), 16)) if sent.startswith("\\") else sent
    raise _malformed(f"{_lone(text)} (at byte {first.start(1)} of the body)")


def _lone(surrogate: str) -> str:
    return f"The surrogate U+{ord(surrogate):04X} is alone, and is not a character"


def _loosely_read(body: bytes) -> Json:
    """JSON with lone surrogates; None if it has another error."""
    try:
        return json.loads(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return None
