"""A request's body: its media type, and the JSON object that it has to be."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import cast

import msgspec

from contactory.checks import Errors, Json, Object
from contactory.errors import FieldError, UnsupportedMediaType, ValidationProblem
from contactory.invalid import Invalid

MAX_DEPTH = 32
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def decode_object(body: bytes, content_type: str | None, merge_patch: bool = False) -> Object:
    """A request's body as a JSON object; its numbers that are no integers as Decimal.

    Raises UnsupportedMediaType, or ValidationProblem for anything that is no acceptable JSON object.
    """
    _check_media_type(content_type, merge_patch)
    try:
        value = _decoder.decode(body)
    except RecursionError:
        raise _malformed(f"The body is nested deeper than {MAX_DEPTH} levels") from None
    except (msgspec.ValidationError, InvalidOperation):
        raise _malformed("The body has a number with too many digits, or too large an exponent") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(f"The body is not valid JSON: {_reason(error)}") from None
    if not isinstance(value, dict):
        raise _malformed("The body must be a JSON object")
    found = cast(Object, value)
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _deeper(found, MAX_DEPTH):
        raise _malformed(f"The body is nested deeper than {MAX_DEPTH} levels")
    if b"\\u0000" in body:
        _refuse_nul(found)
    return found


def _reason(error: Exception) -> str:
    text = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return text.removeprefix("JSON is malformed: ")


@lru_cache(maxsize=256)
def _check_media_type(content_type: str | None, merge_patch: bool) -> None:
    media, _, parameters = (content_type or "").partition(";")
    media = media.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "")
    known = ("application/json", "application/merge-patch+json") if merge_patch else ("application/json",)
    if media not in known or (charset and charset != "charset=utf-8"):
        raise UnsupportedMediaType(f"Send the body as {' or '.join(known)}, in UTF-8.")


def _malformed(detail: str) -> ValidationProblem:
    return ValidationProblem(detail, [FieldError("", None, "malformed_body", detail)])


def _deeper(value: Json, levels: int) -> bool:
    """Whether there is an object or an array within more than `levels` of them."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _refuse_nul(body: Object) -> None:
    errors = Errors()
    todo: list[tuple[tuple[str | int, ...], Json]] = [((), body)]
    while todo:
        path, value = todo.pop()
        if isinstance(value, str) and "\0" in value:
            errors.add(Invalid("invalid_character", "The character U+0000 cannot be stored"), *path)
        elif isinstance(value, dict):
            for name, inner in cast(Object, value).items():
                todo += [((*path, name), name), ((*path, name), inner)]
        elif isinstance(value, list):
            todo += [((*path, i), inner) for i, inner in enumerate(cast("list[Json]", value))]
    errors.check()
