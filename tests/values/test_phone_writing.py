"""How phone numbers may be written: signs inside them, and digits that are dialled inside a country only."""

import unicodedata

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from contactory.rules.invalid import Invalid
from contactory.values.phones import normalise_phone

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
# Default_Ignorable_Code_Point, from DerivedCoreProperties.txt of Unicode 16.
IGNORABLE = [
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
]  # fmt: skip


def read(text: str, country: str | None = None) -> tuple[str | None, str | None]:
    """The number that is read, else what is suggested."""
    try:
        return normalise_phone(text, country), None
    except Invalid as error:
        return None, error.suggestion


def test_no_invisible_sign_makes_a_difference() -> None:
    for first, last in IGNORABLE:
        for code in range(first, last + 1):
            sign = chr(code)
            assert normalise_phone(f"{sign}+1{sign}415 555{sign}12{sign}34{sign}", None) == "+14155551234", (
                f"U+{code:04X}"
            )


@pytest.mark.parametrize(
    "sign",
    [
        *"-‐‑‒–—―−ー－．／ \u00a0\u00ad\u200b\u2060　()（）［］.[]/~⁓∼～",
        *"〜﹣﹘〰ｰ",
    ],
    ids=lambda sign: f"{ord(sign):04X}",
)
def test_punctuation_that_people_put_between_digits_is_read(sign: str) -> None:
    assert normalise_phone(f"+1 415{sign}555{sign}1234", None) == "+14155551234"
    assert normalise_phone(f"090{sign}1234{sign}5678", "JP") == "+819012345678"


def test_the_library_s_own_punctuation_is_read() -> None:
    letters = {"x"}
    signs = set(phonenumbers.phonenumberutil._VALID_PUNCTUATION.replace("\\", "")) - letters
    signs |= {
        chr(code) for begin, end in ((0x2010, 0x2015), (0xFF0D, 0xFF0F)) for code in range(begin, end + 1)
    }
    assert len(signs) > 25
    for sign in signs:
        assert normalise_phone(f"+81 90{sign}1234{sign}5678", None) == "+819012345678", unicodedata.name(sign)


@pytest.mark.parametrize(
    "text", ["+81 90あ1234あ5678", "+49 30ª1234567", "+49 30 ⅷ 1234567", "+49 30é901820"]
)
def test_letters_are_still_no_signs(text: str) -> None:
    with pytest.raises(Invalid):
        normalise_phone(text, None)


def test_a_tilde_before_an_extension_is_still_one() -> None:
    with pytest.raises(Invalid) as refused:
        normalise_phone("+1 415 555 1234 ~12", None)
    assert (refused.value.code, refused.value.suggestion) == ("phone_extension", "+14155551234")
    assert normalise_phone("+81 90~12345678", None) == "+819012345678"


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("+48 (0)22 512 00 00", None, "+48225120000"),
        ("+48(0)22 512 00 00", None, "+48225120000"),
        ("+48 ( 0 ) 22-512-00-00", None, "+48225120000"),
        ("+48 [0]22 512 00 00", None, "+48225120000"),
        ("(+48) (0)22 512 00 00", None, "+48225120000"),
        ("＋４８（０）２２５１２００００", None, "+48225120000"),
        ("+٤٨ (٠)٢٢ ٥١٢ ٠٠ ٠٠", None, "+48225120000"),
        ("tel:+48-(0)22-512-00-00", None, "+48225120000"),
        ("+48 022 512 00 00", None, "+48225120000"),
        ("+48 (022) 512 00 00", None, "+48225120000"),
        ("0048 (0)22 512 00 00", "DE", "+48225120000"),
        ("011 48 (0)22 512 00 00", "US", "+48225120000"),
        ("48 (0)22 512 00 00", "PL", "+48225120000"),
        ("(0)22 512 00 00", "PL", "+48225120000"),
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("+36 (0)1 234 5678", None, "+3612345678"),
        ("+7 (0)495 123-45-67", None, "+74951234567"),
        ("+1 (0)415 555 1234", None, "+14155551234"),
        ("+39 (0)6 698 12345", None, "+390669812345"),
        ("+39 (0)35 123 4567", None, "+390351234567"),
        ("+39 (0)333 123 4567", None, "+393331234567"),
        ("+378 (0)549 886377", None, "+3780549886377"),
        ("+378 (0)66 66 12 12", None, "+37866661212"),
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("+52 (1) 55 1234 5678", None, "+525512345678"),
        ("+5215512345678", None, "+525512345678"),
        ("0052 1 55 1234 5678", "DE", "+525512345678"),
        ("5215512345678", "MX", "+525512345678"),
        ("+52 (044) 55 1234 5678", None, "+525512345678"),
        ("+52 045 664 123 4567", None, "+526641234567"),
        ("+52 01 55 1234 5678", None, "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("045 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
    ],
)
def test_what_is_dialled_inside_the_country_only_is_left_out(
    text: str, country: str | None, e164: str
) -> None:
    assert normalise_phone(text, country) == e164


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("+225 (0)7 12 34 56 78", "+2250712345678"),
        ("+229 (0)1 95 12 34 56", "+2290195123456"),
        ("+242 (0)6 123 4567", "+242061234567"),
        ("+241 (0)1441234", "+24101441234"),
        ("+48 0999 999 999", "+48999999999"),
        ("0048 (0)22 512 00 00", "+48225120000"),
        ("0052 1 55 1234 5678", "+525512345678"),
        ("+48 (0)22 512 00 00 ext. 5", "+48225120000"),
    ],
)
def test_what_is_open_is_refused_with_what_was_meant(text: str, meant: str) -> None:
    assert read(text) == (None, meant)


@pytest.mark.parametrize("text", ["+48 00 22 512 00 00", "+44 (0)", "+48 (0)(0)", "+48 0", "+52 1 55"])
def test_zeros_without_a_number_are_refused(text: str) -> None:
    assert read(text) == (None, None)


# The universal access numbers of Canada have no area code, and the database of Italy's premium numbers
# knows landlines that look the same with a zero before them.
OPEN = {("CA", PhoneNumberType.UAN)} | {
    (region, kind) for region in ("IT", "VA") for kind in (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.VOIP)
}


@pytest.mark.parametrize("region", REGIONS)
def test_a_zero_in_brackets_is_never_taken_for_a_part_of_the_number(region: str) -> None:
    """Written as people of the country write their numbers for abroad."""
    code = phonenumbers.country_code_for_region(region)
    for kind in PhoneNumberType.values():
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None or (region, kind) in OPEN:
            continue
        national = phonenumbers.national_significant_number(example)
        e164 = f"+{code}{national}"
        for text in (f"+{code} (0){national}", f"+{code}(0){national}", f"+{code} (0) {national}"):
            assert read(text)[0] == e164, text
        assert read(f"00{code} (0){national}", "DE")[0] == e164
        assert read(f"+{code} 0{national}")[0] in (e164, f"+{code}0{national}")


@pytest.mark.parametrize("region", ["IT", "SM", "VA"])
def test_the_zero_of_these_landlines_is_a_part_of_the_number(region: str) -> None:
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.FIXED_LINE)
    assert example
    national = phonenumbers.national_significant_number(example)
    assert national[0] == "0"
    code = phonenumbers.country_code_for_region(region)
    for text in (f"+{code} (0){national[1:]}", f"+{code}(0){national[1:]}", f"+{code} {national}"):
        assert normalise_phone(text, None) == f"+{code}{national}"
