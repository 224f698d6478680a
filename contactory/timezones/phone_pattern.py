"""Which digits make a possible phone number, as a regular expression for the API's description."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import groupby

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_LONGEST = 15  # Digits of an E.164 number, the country code among them.
_BETWEEN = "[ ().-]{0,2}"


@cache
def phone_pattern() -> str:
    """Numbers of every country with their country code, of the lengths that it has, in the usual writings.

    A regular expression as JSON Schema knows them (ECMA 262). What it matches, `normalise_phone` takes. It
    leaves out what only some writings have: no country code, `tel:`, letters, digits of other scripts, a
    prefix that is dialled inside the country. The first call reads the tables of all countries (50 ms).
    """
    countries: dict[str, list[str]] = {}
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        countries.setdefault(_national(code, regions[0]), []).append(str(code))
    numbers = (f"(?:{'|'.join(codes)}){digits}" for digits, codes in countries.items())
    return rf"^\+(?:{'|'.join(numbers)})$"


def _national(code: int, region: str) -> str:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    description = metadata.general_desc if metadata else None
    longest = _LONGEST - len(str(code))
    lengths = [n for n in (description.possible_length if description else ()) if n <= longest]
    prefix = re.compile(metadata.national_prefix_for_parsing or "-" if metadata else "-")
    # Where a number may be a digit shorter, the library takes a first digit off that is dialled inside the
    # country; what is left of "00…" would then be read in two ways, and is refused.
    ambiguous = any(n - 1 in lengths for n in lengths)
    dialled = {d for d in "0123456789" if ambiguous and (found := prefix.match(d)) and found[0]}
    first = (
        "".join(d for d in "0123456789" if d not in dialled)
        .replace("123456789", "1-9")
        .replace("01-9", "0-9")
    )
    return f"{_BETWEEN}[{first}]{_counts(n - 1 for n in lengths)}"


def _counts(lengths: Iterable[int]) -> str:
    """So many digits more; lengths that follow each other are one range."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(lengths), lambda pair: pair[1] - pair[0])]
    shown = [f"(?:{_BETWEEN}[0-9]){{{run[0]},{run[-1]}}}" for run in runs]
    return shown[0] if len(shown) == 1 else f"(?:{'|'.join(shown)})"
