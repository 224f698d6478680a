"""Names of tags and custom fields: any text has one form, or is refused."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from contactory.invalid import Invalid
from contactory.tags.model import display_name
from tests.world import World

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


def form(text: str) -> str:
    """The form that a name is kept in; a name that is refused is of no interest."""
    try:
        return display_name(text)
    except Invalid:
        assume(False)
        raise


@given(NAMES)
@example(" \u0301x")
@example("\u1100\u1161\u11a8")
def test_the_form_of_a_name_is_its_own_form(text: str) -> None:
    name = form(text)
    assert display_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert name == name.strip()
    assert 1 <= len(name) <= 255


@given(NAMES, st.sampled_from(["NFC", "NFD"]), st.text(" \t\n\u00a0\u3000", max_size=3))
def test_every_way_of_writing_a_name_has_one_form(
    text: str, normal: Literal["NFC", "NFD"], blank: str
) -> None:
    name = form(text)
    assert display_name(blank + unicodedata.normalize(normal, name) + blank) == name


@pytest.mark.parametrize(
    "text", ["\u0301x", "Å", "a\u0323\u0307", "한글", "🏳️‍🌈", "e\u0301" * 127, "x" * 255, "a\u200bb"]
)
def test_a_name_comes_back_as_it_was_kept_and_is_found_however_it_is_written(world: World, text: str) -> None:
    made = world.alice.made(tags=[text])
    assert made["tags"] == [display_name(text)]
    for normal in ("NFC", "NFD"):
        written = f" {unicodedata.normalize(normal, text)} "
        assert world.alice.list(tag=written).json() == [made]
        assert world.alice.patch(made["id"], {"tags": [written]}).json() == made
