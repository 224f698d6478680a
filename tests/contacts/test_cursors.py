"""Cursors of contact lists: a regular expression says exactly which texts are some."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contactory.base.ids import new_id
from contactory.contacts.read.cursors import PATTERN, SORTS, Cursor, parse_cursor
from contactory.rules.invalid import Invalid

moments = st.datetimes(datetime(1970, 1, 1), datetime(4200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    """A cursor as a list makes it: PostgreSQL's snapshots are rising, xmin may be the first that runs."""
    sort = draw(st.sampled_from(SORTS))
    at, contact_id = draw(moments), str(draw(st.uuids()))
    if sort.endswith("createdAt"):
        return Cursor(sort, at, contact_id)
    low = draw(st.integers(3, 2**40))
    running = sorted(draw(st.sets(st.integers(low, low + 10_000), max_size=20)))
    high = (running[-1] if running else low) + draw(st.integers(1 if running else 0, 9))
    return Cursor(sort, at, contact_id, f"{low}:{high}:{','.join(map(str, running))}", draw(moments))


@given(cursors())
def test_a_cursor_comes_back_as_it_went(cursor: Cursor) -> None:
    assert re.fullmatch(PATTERN, cursor.text())
    assert parse_cursor(cursor.text()) == cursor


@given(st.from_regex(PATTERN, fullmatch=True).filter(lambda text: not text.endswith("\n")))
def test_whatever_the_pattern_matches_is_a_cursor(text: str) -> None:
    assert parse_cursor(text).text() == text


@pytest.mark.parametrize(
    "text", ["", "x", "a", "~vip", "a" + "0" * 46 + "\n", "ag" + "0" * 45, "c" + "0" * 46]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_cursor(text)


def test_the_text_is_short() -> None:
    assert len(Cursor("createdAt", datetime.now(UTC), new_id()).text()) == 47
