"""What the API's description says of phone numbers is what is read."""

import re

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from contactory.values.phone_pattern import phone_pattern
from contactory.values.phones import normalise_phone

PATTERN = re.compile(phone_pattern())
# A number that begins with the prefix which is dialled inside Belarus, and a local one.
UNUSUAL = {"+3758011234567", "+13101234"}


@settings(max_examples=300, deadline=None)
@given(st.from_regex(phone_pattern(), fullmatch=True).filter(lambda text: not text.endswith("\n")))
def test_whatever_the_pattern_matches_is_read(text: str) -> None:
    assert normalise_phone(text, None).startswith("+")


def test_the_pattern_matches_the_numbers_of_every_country() -> None:
    written = {
        phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in PhoneNumberType.values()
        if (number := phonenumbers.example_number_for_type(region, kind))
    }
    assert len(written) > 900
    assert {text for text in written if not PATTERN.match(text)} == UNUSUAL


def test_the_pattern_matches_usual_writings() -> None:
    for text in ("+14155551234", "+1 (415) 555-1234", "+44 20 7946 0958", "+49.30.901820", "+39 06 1234567"):
        assert PATTERN.match(text)


def test_the_pattern_tells_what_is_no_number() -> None:
    for text in ("", "+1", "+1415555123", "+141555512345", "4155551234", "+999 123", "+1 415 555 1234 x5"):
        assert not PATTERN.match(text)
