"""Numbers that are written as E.164 already, read without the library's search for other formats.

Most programs send phones in this form, and the library needs four times as long to read one.
"""

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, ValidationResult

from contactory.values.phone_writing import MEXICO

_WRITING = re.compile(r"\+[1-9][0-9]{6,14}")


class _Plan(NamedTuple):
    """What is known of the numbers with a country code."""

    code: int
    prefix: re.Pattern[str]
    """The digits that the library may take from the beginning of a national number."""


def read_e164(text: str) -> PhoneNumber | None:
    """The number that `text` is in E.164, exactly as the library reads it.

    None if `text` has another form, or if the library may leave out some of the digits.
    """
    found = _parts(text)
    return None if found is None else PhoneNumber(country_code=found[0], national_number=int(found[1]))


def is_e164(text: str) -> bool:
    """Whether `text` is a possible number in E.164; False also where only the library can decide."""
    found = _parts(text)
    return found is not None and _is_possible(found[0], len(found[1]))


def _parts(text: str) -> tuple[int, str] | None:
    """The country code and the national number; None if `text` has another form, or may have a prefix."""
    if not _WRITING.fullmatch(text):
        return None
    for end in (2, 3, 4):  # No country code begins with another one.
        plan = _plan(text[1:end])
        if plan is not None:
            national = text[end:]
            usual = plan.code != MEXICO and national[:1] not in ("", "0")
            return (plan.code, national) if usual and not plan.prefix.match(national) else None
    return None


@cache
def _plan(digits: str) -> _Plan | None:
    code = int(digits)
    if code not in COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    prefix = metadata and metadata.national_prefix_for_parsing
    return _Plan(code, re.compile(prefix or r"(?!)"))


@cache
def _is_possible(code: int, length: int) -> bool:
    """Whether numbers of a country may have so many digits, on which alone the library decides."""
    number = PhoneNumber(country_code=code, national_number=int("1" * length))
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
