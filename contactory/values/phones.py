"""Phone numbers: the form that is stored (E.164), and the time zones that a number could be in."""

import re
import tomllib
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Literal, NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult
from phonenumbers.timezone import time_zones_for_geographical_number

from contactory.local_time.zones import ZONES, canonical_zone, country_zones
from contactory.rules.checks import CLEARED, Json, Object, is_blank
from contactory.rules.invalid import Invalid
from contactory.values.e164 import is_e164, read_e164
from contactory.values.phone_writing import (
    MEXICO,
    NO_DIGITS,
    begins_with_alien_zero,
    dialled_from_abroad,
    plain_writing,
    without_bracketed_zero,
)

MAX_LENGTH = 100
"""The longest accepted text of a number, in characters."""

_START = re.compile(r"[(\[]*(\+|\d)")
_ABROAD = re.compile(r"^(?:00|011)")  # The international prefixes of most countries.
_LETTERS = re.compile(r"[^\W\d_]")
_NANP = 1
_LONGEST_E164 = 16  # A plus sign and 15 digits.
_ZERO_BELONGS = {39, 378}

# Types of numbers without a place.
_NOWHERE = {
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER,
    PhoneNumberType.UAN,
    PhoneNumberType.VOICEMAIL,
}
# Country codes whose mobile numbers begin with an area code: North America, Mexico, Argentina, Brazil.
_MOBILES_WITH_AREA = {_NANP, 52, 54, 55}


class Derived(NamedTuple):
    """The time zone found for a contact, its source, and every zone that its phone could be in."""

    timezone: str | None
    source: Literal["phone", "workspace"] | None
    zones: tuple[str, ...]


def normalise_phone(text: str, country: str | None) -> str:
    """`text`, a phone number in any usual format, as E.164 (ITU-T): "+1 (415) 555-1234" is "+14155551234".

    `country`, an ISO 3166 alpha-2 code, is used for numbers without a country code and for that country's
    international prefix (00, 011, …). `tel:` URIs (RFC 3966) and digits of any script are accepted. Letters
    of a keypad are accepted only in North America, where they are in use: +1 800 FLOWERS. The number must be
    possible: with the area code, and of a length that its country uses. It need not be in service.

    Raises Invalid: `no_country_code`, `impossible_phone` (wrong length), `phone_extension` (E.164 has none,
    and an extension is not removed silently) or `invalid_phone` (not a phone number).
    """
    if is_e164(text):
        return text
    if len(text) > MAX_LENGTH:
        detail = f"is too long for a phone number: {len(text)} characters, at most {MAX_LENGTH}"
        raise Invalid("invalid_phone", detail)
    return _normalise(text, country)


@lru_cache(maxsize=8192)
def _normalise(text: str, country: str | None) -> str:
    plain = plain_writing(text)
    if not _START.match(plain) or not plain.isprintable():
        raise Invalid("invalid_phone", f'"{text}" is not a phone number')
    return _read(text, plain, country)


def _read(text: str, plain: str, country: str | None) -> str:
    """The number in `plain`, which is `text` without signs that have no meaning. Raises Invalid."""
    number, meant = _number(text, plain, country)
    e164 = _e164(number)
    if not _is_possible(number, e164, plain):
        if "~" in plain:  # It did not mark an extension.
            return _read(text, plain.replace("~", "-"), country)
        detail = f'"{text}" is not a possible phone number: too short, too long, or without its area code'
        raise Invalid("impossible_phone", detail, meant or partial(_with_country_code, plain))
    if number.extension:
        detail = f'"{text}" has the extension {number.extension}: send the number without an extension'
        raise Invalid("phone_extension", detail, e164)
    if not _read_whole(plain, number):
        raise Invalid(
            "invalid_phone", f'"{text}" is more than one phone number, or has other text: send one number'
        )
    return e164


def _number(text: str, plain: str, country: str | None) -> tuple[PhoneNumber, str | None]:
    """The number without digits that are dialled only inside its country, and a suggestion if there is one.

    A zero that is not part of the number is removed if the number is in service without it. If the number is
    only possible without it, the result is a suggestion. Raises Invalid.
    """
    bare = without_bracketed_zero(plain, country)
    if bare is not None:
        return _without_zero(text, _parse(text, bare, country), _parse(text, plain, country)), None
    number = _parse(text, plain, country)
    shorter = dialled_from_abroad(number, _digits(plain))
    if shorter is None:
        return number, None
    if phonenumbers.is_valid_number(shorter) or number.country_code == MEXICO:
        return shorter, None
    return number, _if_possible(shorter)


def _without_zero(text: str, number: PhoneNumber, with_zero: PhoneNumber) -> PhoneNumber:
    """The number that is meant by a zero in brackets: `number`, or `with_zero` if the zero is part of it.

    The zero is part of landline numbers in Italy, San Marino and the Vatican. Raises Invalid if only the
    number with the zero is in service, in a country that does not write it in brackets.
    """
    if not phonenumbers.is_valid_number(with_zero):
        return number
    in_service = phonenumbers.is_valid_number(number)
    if number.country_code in _ZERO_BELONGS:
        return number if in_service and _is_mobile_or_free(number) else with_zero
    if in_service:
        return number
    detail = f'"{text}" has a zero in brackets, which means that the zero is not part of the number'
    raise Invalid("invalid_phone", detail, _e164(with_zero))


def _is_mobile_or_free(number: PhoneNumber) -> bool:
    """Whether a number of Italy is a mobile or toll-free number, although a landline may have its length."""
    kind = phonenumbers.number_type(number)
    digits = phonenumbers.national_significant_number(number)
    return kind == PhoneNumberType.TOLL_FREE or (kind == PhoneNumberType.MOBILE and len(digits) == 10)


def _if_possible(number: PhoneNumber) -> str | None:
    e164 = _e164(number)
    return e164 if _is_possible(number, e164, "") else None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_possible(number: PhoneNumber, e164: str, plain: str) -> bool:
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return False
    if len(e164) > _LONGEST_E164 or begins_with_alien_zero(number):
        return False
    # If it is parsed again, a number may lose another prefix that is dialled inside its country.
    as_read = plain.startswith("+") and _digits(plain) == e164[1:]
    return as_read or _e164(phonenumbers.parse(e164)) == e164


def _parse(text: str, plain: str, country: str | None) -> PhoneNumber:
    region = country if country in phonenumbers.SUPPORTED_REGIONS else None
    try:
        number = phonenumbers.parse(plain, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and "+" not in plain:
            detail = f'"{text}" has no country code: write it as +, country code and number'
            raise Invalid("no_country_code", detail, partial(_with_country_code, plain)) from None
        raise Invalid("invalid_phone", f'"{text}" is not a phone number') from None
    if not number.extension and _LETTERS.search(plain) and number.country_code != _NANP:
        raise Invalid("invalid_phone", f'"{text}" is not a phone number: it has letters')
    return number


def _read_whole(plain: str, number: PhoneNumber) -> bool:
    """Whether the number ends at the end of the text: the library stops at a second number."""
    return _digits(plain).endswith(phonenumbers.national_significant_number(number)[-4:])


def _digits(plain: str) -> str:
    if plain.isascii() and not _LETTERS.search(plain):
        return NO_DIGITS.sub("", plain)
    return phonenumbers.normalize_digits_only(phonenumbers.convert_alpha_characters_in_number(plain))


def _with_country_code(plain: str) -> str | None:
    """The number in service that `plain` probably means, if only the country code is missing or wrong."""
    bare = plain.replace("+", "").lstrip("([ ")
    guesses = [f"+{_ABROAD.sub('', bare)}"]
    if len(phonenumbers.normalize_digits_only(plain)) == 10:
        guesses.insert(0, f"+{_NANP} {bare}")
    for guess in guesses:
        try:
            number, _ = _number(plain, guess, None)
        except Invalid:
            continue
        if phonenumbers.is_valid_number(number) and _is_possible(number, _e164(number), ""):
            return _e164(number)
    return None


def derive_zone(e164: str | None, workspace_zone: str | None, country: str | None = None) -> Derived:
    """The time zone of a new contact without one, in a workspace of `country` (ISO 3166 alpha-2).

    The zone of its phone. If there are several: the workspace's zone if it is one of them, otherwise the main
    zone of the number's country, or of its area code if that is more exact. If countries share the numbers,
    for example the Channel Islands, the workspace's country has priority. Without a phone that has a place,
    the workspace's zone.
    """
    places = _places(e164) if e164 else ()
    if not places:
        return Derived(workspace_zone, "workspace" if workspace_zone else None, ())
    preferred = canonical_zone(workspace_zone) if workspace_zone else None
    if preferred not in places:
        at_home = zones_of_countries().get(country or "", ())
        preferred = next((zone for zone in places if zone in at_home), places[0])
    return Derived(preferred, "phone", tuple(sorted(places)))


@lru_cache(maxsize=8192)
def _places(e164: str) -> tuple[str, ...]:
    """The zones that a number could be in, the main one first."""
    number = read_e164(e164) or phonenumbers.parse(e164)
    kind = phonenumbers.number_type(number)
    if kind in _NOWHERE:
        return ()
    if curated := _longest_prefix(e164[1:]):
        return curated
    region = phonenumbers.region_code_for_number(number)
    if kind == PhoneNumberType.UNKNOWN and (anywhere := _zones_of_code(number.country_code or 0, region)):
        return anywhere
    country = zones_of_countries().get(region or "", ())
    mobile = kind in {PhoneNumberType.MOBILE, PhoneNumberType.VOIP}
    if country and mobile and number.country_code not in _MOBILES_WITH_AREA:
        return country
    listed = [zone for name in time_zones_for_geographical_number(number) for zone in _own_names(name)]
    # The library gives zones of neighbours for some countries: Bucharest for Palestine, Guernsey for Ireland.
    return tuple(zone for zone in country if zone in listed) or country or tuple(listed)


@cache
def _zones_of_code(country_code: int, region: str | None) -> tuple[str, ...]:
    """The zones of the number's country, or of all countries that share the code if it is not known."""
    countries = (region,) if region else phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country_code]
    zones = (zone for country in countries for zone in zones_of_countries().get(country, ()))
    return tuple(dict.fromkeys(zones))


def _own_names(name: str) -> tuple[str, ...]:
    """Our name for a zone of the library; empty for its Etc/Unknown."""
    return _curated()["instead"].get(name) or ((canonical_zone(name),) if name in ZONES else ())


def _longest_prefix(digits: str) -> tuple[str, ...]:
    prefixes = _curated()["prefixes"]
    return next((prefixes[digits[:n]] for n in range(len(digits), 0, -1) if digits[:n] in prefixes), ())


@cache
def _curated() -> dict[str, dict[str, tuple[str, ...]]]:
    tables = tomllib.loads(Path(__file__).with_name("main_zones.toml").read_text("utf-8"))
    return {name: {key: tuple(zones) for key, zones in table.items()} for name, table in tables.items()}


@cache
def zones_of_countries() -> dict[str, tuple[str, ...]]:
    """The zones of each ISO 3166 alpha-2 country, the main one first."""
    return country_zones() | _curated()["countries"]


PHONE_NUMBER: Object = {
    "title": "PhoneNumber",
    "type": "string",
    # The API's description adds the pattern (phone_pattern).
    "description": "A phone number with its country code, stored as E.164. Any usual format is accepted, "
    "also one that the pattern leaves out (`tel:`, letters). A number without a country code is read in "
    "the workspace's country.",
    "examples": ["+1 (415) 555-1234", "+14155551234"],
}
PHONE: Object = {
    "title": "Phone",
    "anyOf": [PHONE_NUMBER, *CLEARED],
    "description": "Unique among the active contacts of a workspace; null or an empty string clears.",
}


def parse_phone(value: Json, country: str | None) -> str | None:
    """A phone as E.164; None and an empty string clear."""
    if value is None or is_blank(value):
        return None
    if not isinstance(value, str):
        raise Invalid("wrong_type", "must be a string or null")
    return normalise_phone(value, country)
