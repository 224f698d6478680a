"""Which phone numbers are written as they are stored: most that programs send, found without reading them."""

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MEXICO = 52  # A number may have a prefix that is no longer part of it.


def is_stored_form(text: str) -> bool:
    """Whether this is a possible phone number in E.164, which `normalise_phone` would not change.

    False for some that it would not change either: they have to be read.
    """
    if _E164.fullmatch(text) is None:
        return False
    for end in (2, 3, 4):  # No country code begins with another one.
        country = _country(text[1:end])
        if country is not None:
            national, (lengths, inside) = text[end:], country
            return (
                len(national) in lengths
                and not national.startswith("0")
                and (inside is None or inside.match(national) is None)
            )
    return False


@cache
def _country(code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """The lengths of a country's numbers, and what is dialled before them inside the country only."""
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if regions is None or int(code) == _MEXICO:
        return None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), regions[0])
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    lengths = frozenset(n for n in metadata.general_desc.possible_length if n > 0)
    return lengths, re.compile(prefix) if prefix else None
