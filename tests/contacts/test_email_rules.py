"""E-mail addresses: the form they are kept in, and the key they are unique by."""

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactory.rules.invalid import Invalid
from contactory.values.email import normalise_email


def refusal(text: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        normalise_email(text)
    assert caught.value.code == "invalid_email"
    return caught.value


@pytest.mark.parametrize(
    ("text", "email", "key"),
    [
        ("jane@example.com", "jane@example.com", "jane@example.com"),
        (" Jane.Doe+x@Example.COM\n", "Jane.Doe+x@example.com", "jane.doe+x@example.com"),
        ("o'hara@example.ie", "o'hara@example.ie", "o'hara@example.ie"),
        ("u\u0308@example.com", "ü@example.com", "ü@example.com"),
        ("Ü@example.com", "Ü@example.com", "ü@example.com"),
        ("STRASSE@example.com", "STRASSE@example.com", "strasse@example.com"),
        ("Straße@example.com", "Straße@example.com", "strasse@example.com"),
    ],
)
def test_an_address_is_kept_as_written_and_compared_without_case(text: str, email: str, key: str) -> None:
    assert normalise_email(text) == (email, key)


@pytest.mark.parametrize(
    "text", ["a@bücher.example", "a@BÜCHER.example", "a@XN--BCHER-KVA.example", "a@bücher。example"]
)
def test_an_internationalised_domain_has_one_form(text: str) -> None:
    assert normalise_email(text) == ("a@bücher.example", "a@bücher.example")


def test_two_domains_that_only_look_alike_stay_two() -> None:
    assert normalise_email("a@faß.de")[1] != normalise_email("a@fass.de")[1]


@pytest.mark.parametrize(
    "domain", ["example.com", "example.test", "mail.invalid", "nas.local", "app.localhost"]
)
def test_reserved_names_are_fine_where_the_syntax_is(domain: str) -> None:
    assert normalise_email(f"jane@{domain}")[0] == f"jane@{domain}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jane",
        "jane@",
        "@example.com",
        "jane@localhost",
        "jane@@example.com",
        "jane doe@example.com",
        "jane..doe@example.com",
        "jane@example.com.",
        "jane@-example.com",
        "jane@exam_ple.com",
        "jane@☃.net",
        '"jane doe"@example.com',
        "Jane Doe <jane@example.com>",
        "jane@[127.0.0.1]",
        "jane@127.0.0.1",
        "jane@example.com, joe@example.com",
    ],
)
def test_what_is_no_plain_address_is_refused_with_the_reason(text: str) -> None:
    assert f'"{text}" is not an e-mail address. ' in refusal(text).detail


@pytest.mark.parametrize(
    "text", ["ja\x00ne@example.com", "jane@exam\x00ple.com", "j\x07@example.com", "j\x9b@example.com"]
)
def test_control_characters_are_refused(text: str) -> None:
    refusal(text)


def test_the_longest_address_has_254_bytes() -> None:
    domain = ".".join(["b" * 61, "b" * 61, "b" * 61, "de"])
    longest = f"{'a' * 64}@{domain}"
    assert len(longest) == 253
    assert normalise_email(longest)[0] == longest
    assert normalise_email(longest.replace(".de", ".com"))[0].endswith(".com")
    refusal(longest.replace(".de", ".info"))
    refusal("ü" + longest[2:] + "fo")


def test_a_local_part_has_64_characters_at_most() -> None:
    refusal("a" * 65 + "@example.com")


def test_a_megabyte_is_refused_without_being_read() -> None:
    assert f"{2**20 + 12} characters" in refusal("a" * 2**20 + "@example.com").detail


ADDRESSES = (
    st.text()
    | st.emails()
    | st.builds("{}@{}".format, st.text(), st.sampled_from(["é.com", "X.test", "a.b"]))
)


@given(ADDRESSES)
def test_any_text_is_normalised_once_for_all_or_refused(text: str) -> None:
    try:
        email, key = normalise_email(text)
    except Invalid:
        return
    assert normalise_email(email) == (email, key)
    assert "@" in key
    assert len(email.encode()) <= 254


@given(st.emails(domains=st.sampled_from(["example.com", "example.org"])))
def test_case_makes_no_other_key(address: str) -> None:
    try:
        _, key = normalise_email(address)
    except Invalid:
        return
    assert normalise_email(address.swapcase())[1] == key


def test_no_list_of_names_refuses_a_domain() -> None:
    assert email_validator.SPECIAL_USE_DOMAIN_NAMES == []
