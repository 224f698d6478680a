"""Formats of phone numbers: signs without a meaning, and digits that are dialled only inside a country."""

import re
import unicodedata
from functools import cache

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber

# Default_Ignorable_Code_Point of Unicode (DerivedCoreProperties.txt): invisible characters.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# In addition to Unicode's dashes: the minus sign, long vowels of Japanese, swung dash and tilde operator.
_DASHES = "\u2212\u30fc\u2053\u223c"
_BRACKETED_ZERO = re.compile(r"[(\[] ?0 ?[)\]]")
NO_DIGITS = re.compile(r"\D+")
MEXICO = 52
# Mexico ended these prefixes of mobiles and of long distance in 2019 and 2020, but they are still in use.
_OLD_MEXICAN = re.compile(r"(?:01|04[45]|1)(?=\d{10}$)")


def plain_writing(text: str) -> str:
    """`text` in plain form, without effects of pasting: other digits and signs, invisible ones, `tel:`."""
    if not text.isascii():
        text = "".join(map(_sign, unicodedata.normalize("NFKC", text)))
    plain = " ".join(text.split())
    if plain.count("~") > 1:  # A single one may be in front of an extension.
        plain = plain.replace("~", "-")
    return plain[4:].lstrip() if plain[:4].lower() == "tel:" else plain


def _sign(sign: str) -> str:
    """The ASCII form of a sign; empty if the sign is invisible."""
    category = unicodedata.category(sign)
    if category == "Cf" or _INVISIBLE.match(sign):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    return "-" if category == "Pd" or sign in _DASHES else sign


def without_bracketed_zero(plain: str, country: str | None) -> str | None:
    """A number without the "(0)" after its country code; None if it has none.

    The zero is dialled only inside the country, as the brackets show: "+44 (0)20 7946 0958". `country` gives
    the international prefix: "00 44 (0)20 7946 0958".
    """
    zero = _BRACKETED_ZERO.search(plain)
    if zero is None or not _is_country_code(plain[: zero.start()], country):
        return None
    return f"{plain[: zero.start()]} {plain[zero.end() :]}"


def _is_country_code(begin: str, country: str | None) -> bool:
    digits = NO_DIGITS.sub("", begin)
    if "+" not in begin:
        metadata = PhoneMetadata.metadata_for_region(country) if country else None
        if metadata is None:
            return False
        if abroad := re.match(metadata.international_prefix or "-", digits):
            digits = digits[abroad.end() :]
        elif digits != str(metadata.country_code):
            return False
    return digits.isdigit() and int(digits) in COUNTRY_CODE_TO_REGION_CODE


def dialled_from_abroad(number: PhoneNumber, digits: str) -> PhoneNumber | None:
    """The number without a prefix that is not part of it; None if it has no such prefix.

    The prefix is a zero, if no number of the country begins with one, or an old prefix of Mexico (a 1 only
    directly after the country code). `digits` are the digits as they were written.
    """
    national, code = phonenumbers.national_significant_number(number), number.country_code
    if code == MEXICO and (old := _OLD_MEXICAN.match(national)):
        rest = national[old.end() :]
        if old[0] == "1" and f"{MEXICO}{national}" not in digits:
            return None
    elif begins_with_alien_zero(number):
        rest = national[1:]
    else:
        return None
    zeros = len(rest) - len(rest.lstrip("0"))
    return PhoneNumber(
        country_code=code,
        national_number=int(rest or "0"),
        extension=number.extension,
        italian_leading_zero=zeros > 0 or None,
        number_of_leading_zeros=zeros if zeros > 1 else None,
    )


def begins_with_alien_zero(number: PhoneNumber) -> bool:
    """Whether a number begins with a zero although no number of its country does."""
    national = phonenumbers.national_significant_number(number)
    return national.startswith("0") and not numbers_of(number.country_code or 0).fullmatch(national)


@cache
def numbers_of(country_code: int) -> re.Pattern[str]:
    """All possible numbers of a country, or of the main country of those that share the code."""
    region = COUNTRY_CODE_TO_REGION_CODE[country_code][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    description = metadata.general_desc if metadata else None
    return re.compile((description and description.national_number_pattern) or r"\d*")
