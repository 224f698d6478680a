"""The package and the docs keep to plain English: a few words of a dialect stay out (STYLE.md, "Words")."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import PROJECT

PACKAGE = PROJECT / "contactory"
# A migration that has been released is never edited, so those are left out.
SUFFIXES = {".py", ".html", ".toml", ".js", ".css", ".md"}
# "is no tag" for "is not a tag", also where a line ends between the words. "There is no tag" is right, and so
# are "is no longer" and "is no more than". A name of several words, as `order-said`, is not a text.
_GAP = r"[\s#*/]+"
DIALECT = re.compile(
    rf"(?P<right>\bthere{_GAP})?\b(?:is|are|was|were|be){_GAP}no\b(?!{_GAP}(?:longer|more|less|later|earlier)\b)"
    r"|(?<!-)\b(?:whoever|somebody|nobody|said|told)\b",
    re.IGNORECASE,
)
EXAMPLE = re.compile(r"^\|.*$", re.MULTILINE)


def files() -> list[Path]:
    found = [*PACKAGE.rglob("*"), *(PROJECT / "docs").rglob("*"), *PROJECT.glob("*.md")]
    return sorted(path for path in found if path.suffix in SUFFIXES and "vendor" not in path.parts)


def dialect(text: str) -> Iterator[int]:
    """The places in a text where the dialect stands."""
    return (found.start() for found in DIALECT.finditer(text) if not found["right"])


def findings(path: Path) -> list[str]:
    """Line number and line of each place in a file."""
    text = path.read_text("utf-8")
    if path.name == "STYLE.md":  # The rows of its table show what to write, and in place of what.
        text = EXAMPLE.sub("", text)
    lines = text.splitlines()
    numbers = sorted({text.count("\n", 0, place) for place in dialect(text)})
    return [f"{path.relative_to(PROJECT)}:{number + 1}: {lines[number].strip()}" for number in numbers]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_texts_are_plain_english(path: Path) -> None:
    assert findings(path) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("This is no tag.", True),
        ("It is\n    # no tag.", True),
        ("Those are no tags, and nobody was told.", True),
        ("Whoever said so", True),
        ("This is not a tag.", False),
        ("There is no tag; there\nare no tags.", False),
        ("It is no longer a tag, and is no more than a word.", False),
        ('It is noted in <p id="order-said">, and unsaid.', False),
    ],
)
def test_the_dialect_is_recognised(text: str, found: bool) -> None:
    assert any(True for _ in dialect(text)) is found
