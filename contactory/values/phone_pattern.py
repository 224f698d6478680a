"""The digits of a possible phone number, as a regular expression for the API's description."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import groupby

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from contactory.values.phone_writing import numbers_of

_LONGEST = 15  # Digits of an E.164 number, including the country code.
_BETWEEN = "[ ().-]{0,2}"
_BEFORE_ZERO = "[ .-]{0,2}"  # A zero in brackets is not part of the number.


@cache
def phone_pattern() -> str:
    """Numbers of all countries with their country codes, of the lengths in use, in the usual formats.

    A regular expression for JSON Schema (ECMA 262). `normalise_phone` accepts everything that it matches. It
    leaves out rarer formats: no country code, `tel:`, letters, digits of other scripts, a prefix that is
    dialled inside the country. The first call reads the tables of all countries (50 ms).
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
    # If a number may be a digit shorter, the library removes a first digit dialled inside the country only;
    # the rest of "00…" could then be read in two ways, and is refused.
    ambiguous = any(n - 1 in lengths for n in lengths)
    dialled = {d for d in "0123456789" if ambiguous and (found := prefix.match(d)) and found[0]}
    first = "".join(d for d in "123456789" if d not in dialled).replace("123456789", "1-9")
    others = f"{_BETWEEN}[{first}]{_counts(n - 1 for n in lengths)}"
    zeros = [] if "0" in dialled else _with_zero(code, metadata, lengths)
    return f"(?:{'|'.join([others, *zeros])})" if zeros else others


def _with_zero(code: int, metadata: PhoneMetadata | None, lengths: list[int]) -> list[str]:
    """The same for numbers that begin with a zero, from the known numbers of the country."""
    found: dict[str, list[int]] = {}
    for example in _examples(metadata):
        for n in lengths if example.startswith("0") else ():
            begin = next((b for i in range(1, 5) if _goes_on(code, b := example[:i], n)), None)
            if begin and n not in found.setdefault(begin, []):
                found[begin].append(n)
    return [
        f"{_BEFORE_ZERO}{_BETWEEN.join(begin)}{_counts(n - len(begin) for n in sorted(of_length))}"
        for begin, of_length in found.items()
        if of_length
    ]


def _examples(metadata: PhoneMetadata | None) -> list[str]:
    """Examples of all types of numbers of the country."""
    kinds = (
        "fixed_line",
        "mobile",
        "toll_free",
        "premium_rate",
        "shared_cost",
        "personal_number",
        "voip",
        "pager",
        "uan",
        "voicemail",
    )
    found = (getattr(getattr(metadata, kind, None), "example_number", None) for kind in kinds)
    return [number for number in found if number]


def _goes_on(code: int, begin: str, length: int) -> bool:
    """Whether all numbers of a length with this beginning are numbers of the country."""
    return all(numbers_of(code).fullmatch(begin.ljust(length, digit)) for digit in "0123456789")


def _counts(lengths: Iterable[int]) -> str:
    """That many more digits; consecutive lengths become one range."""
    runs = [[n for _, n in run] for _, run in groupby(enumerate(lengths), lambda pair: pair[1] - pair[0])]
    shown = [f"(?:{_BETWEEN}[0-9]){{{run[0]},{run[-1]}}}" for run in runs]
    return shown[0] if len(shown) == 1 else f"(?:{'|'.join(shown)})"
