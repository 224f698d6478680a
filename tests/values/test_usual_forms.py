"""Phones and e-mails in their usual forms are read without the libraries, and exactly as the libraries do."""

import random
import unicodedata

import email_validator
import phonenumbers
import pytest

from contactory.values import email, phones
from contactory.values.e164 import is_e164, read_e164
from tests.yardstick import times

CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def random_numbers(count: int) -> list[str]:
    rng = random.Random(164)
    digits = ["".join(rng.choices("0123456789", k=rng.randrange(4, 14))) for _ in range(count)]
    return [f"+{rng.choice(CODES)}{national}" for national in digits]


def examples() -> list[str]:
    """A number of each kind for every country."""
    kinds = [kind for kind in phonenumbers.PhoneNumberType.values() if kind >= 0]
    found = {
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in kinds
        if (number := phonenumbers.example_number_for_type(region, kind))
    }
    return sorted(found)


def test_a_number_in_e164_is_the_number_that_the_library_reads() -> None:
    numbers = random_numbers(30_000) + examples()
    read = {text: number for text in numbers if (number := read_e164(text))}
    assert len(read) > len(numbers) * 0.5
    assert {text: phonenumbers.parse(text) for text in read} == read


def test_a_number_in_e164_is_stored_as_the_long_way_stores_it() -> None:
    numbers = [text for text in random_numbers(30_000) + examples() if is_e164(text)]
    assert len(numbers) > 3_000
    assert [phones._read(text, text, None) for text in numbers] == numbers


@pytest.mark.parametrize(
    "text",
    ["+4930901820 ", "+0493090182", "+44020794612345", "+79", "+1 4155551234", "+٤٩٣٠٩٠١٨٢٠", "+9991234567"],
)
def test_another_form_is_left_to_the_library(text: str) -> None:
    assert read_e164(text) is None


def usual_and_odd_addresses(count: int) -> list[str]:
    rng = random.Random(5322)

    def text(letters: str, most: int) -> str:
        return "".join(rng.choices(letters, k=rng.randrange(1, most)))

    return [
        f"{text('abXYZ019_+-.', 12)}@{text('abcxyz019-.', 9)}.{text('abcdez1-', 5)}" for _ in range(count)
    ]


def test_a_usual_address_is_what_the_library_makes_of_it() -> None:
    usual = [each for each in usual_and_odd_addresses(60_000) if email._USUAL.fullmatch(each)]
    assert len(usual) > 3_000
    for address in usual:
        found = email_validator.validate_email(address, check_deliverability=False, strict=True)
        mailbox = unicodedata.normalize("NFC", found.local_part.casefold())
        assert email.normalise_email(address) == (found.normalized, f"{mailbox}@{found.domain}")


def test_a_longest_address_is_a_usual_one() -> None:
    longest = f"{'a' * 32}.{'b' * 10}.{'c' * 10}@{'d' * 32}-{'e' * 20}.{'f' * 32}.{'g' * 32}.{'h' * 20}"
    assert email._USUAL.fullmatch(longest)
    assert email_validator.validate_email(longest, check_deliverability=False, strict=True)


def test_usual_forms_cost_a_fraction_of_the_others() -> None:
    numbers, addresses = [[f"+49151{n:08}" for n in range(at, at + 500)] for at in (0, 500)], range(500)
    assert (
        times(
            lambda: [phones.normalise_phone(each, None) for each in numbers[0]],
            lambda: [phones._read(each, each, None) for each in numbers[1]],
        )
        < 0.5
    )
    assert (
        times(
            lambda: [email._normalise.__wrapped__(f"jane{n}@example.com") for n in addresses],
            lambda: [email._normalise.__wrapped__(f"jane{n}!@example.com") for n in addresses],
        )
        < 0.5
    )
