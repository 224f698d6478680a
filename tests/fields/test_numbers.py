"""Numbers as JSON and as text: what is kept has the value that was sent, written in one way only."""

import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contactory.rules.errors import ValidationProblem
from contactory.rules.invalid import Invalid
from contactory.values.field_types.number import MAX_DIGITS
from contactory.values.field_types.registry import text_form
from contactory.web.bodies import decode_object

JSON_NUMBER = st.from_regex(
    r"-?(?:0|[1-9][0-9]{0,25})(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,2})?", fullmatch=True
)
PLAIN = st.from_regex(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?", fullmatch=True).filter(str.isascii)
ONLY_WAY = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")


def kept(literal: str, kind: str) -> str:
    """The text that is kept of a number as it stands in a body."""
    value = decode_object(b'{"v": %s}' % literal.encode(), "application/json")["v"]
    return text_form(kind, value)


@given(JSON_NUMBER, st.sampled_from(["number", "text"]))
@example("-0.0e0", "number")
@example("1E+3", "text")
@example("18446744073709551616", "number")
@example("0.10000000000000000000000001", "number")
def test_a_number_of_a_body_keeps_its_exact_value_in_one_form(literal: str, kind: str) -> None:
    text = kept(literal, kind)
    assert Decimal(text) == Decimal(literal)
    assert ONLY_WAY.fullmatch(text)
    assert text != "-0"


@given(JSON_NUMBER, JSON_NUMBER)
@example("100", "1e2")
@example("0", "-0.000")
def test_two_numbers_have_the_same_text_just_where_they_are_equal(one: str, other: str) -> None:
    assert (kept(one, "number") == kept(other, "number")) == (Decimal(one) == Decimal(other))


@given(PLAIN)
@example("-000.000")
@example("007")
def test_a_plain_decimal_string_is_the_number_that_it_writes(text: str) -> None:
    form = text_form("number", text)
    assert Decimal(form) == Decimal(text)
    assert ONLY_WAY.fullmatch(form)
    assert form != "-0"


@pytest.mark.parametrize("literal", ["1e309", "-1e400", "1e-1001", "1e99999", "9" * (MAX_DIGITS + 1)])
def test_a_number_too_long_to_write_out_is_refused(literal: str) -> None:
    with pytest.raises((Invalid, ValidationProblem)):
        kept(literal, "number")


@pytest.mark.parametrize("literal", ["1e308", "-1e308", "1e-900", "9" * 309])
def test_a_number_that_can_be_written_out_is_kept(literal: str) -> None:
    assert Decimal(kept(literal, "number")) == Decimal(literal)
