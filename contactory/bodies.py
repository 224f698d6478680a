"""A request's body: its media type, and the JSON object that it has to be."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import cast

import msgspec

from contactory.checks import Errors, Object
from contactory.errors import FieldError, UnsupportedMediaType, ValidationProblem
from contactory.invalid import Invalid
from contactory.json_bounds import MOST_BRACKETS, brackets, has_nul, is_deeper, nul_paths

MAX_DEPTH = 32
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def decode_object(body: bytes, content_type: str | None, merge_patch: bool = False) -> Object:
    """A request's body as a JSON object; its numbers that are no integers as Decimal.

    Raises UnsupportedMediaType, or ValidationProblem for anything that is no acceptable JSON object.
    """
    _check_media_type(content_type, merge_patch)
    count = brackets(body)
    if count > MOST_BRACKETS:
        raise _malformed(f"The body has more than {MOST_BRACKETS:,} objects and arrays: send less at once")
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
    media = media.strip().lower()
    charset = parameters.lower().replace(" ", "").replace('"', "")
    known = ("application/json", "application/merge-patch+json") if merge_patch else ("application/json",)
    if media not in known or (charset and charset != "charset=utf-8"):
        raise UnsupportedMediaType(f"Send the body as {' or '.join(known)}, in UTF-8.")


def _malformed(detail: str) -> ValidationProblem:
    return ValidationProblem(detail, [FieldError("", None, "malformed_body", detail)])
