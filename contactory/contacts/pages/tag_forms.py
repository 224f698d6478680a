"""Tags in forms: the whole set, of which only new tags are checked."""

from collections.abc import Sequence

from contactory.catalog.catalog import Catalog
from contactory.contacts.model import parse_tags
from contactory.dashboard.inputs import as_shown, of_lines
from contactory.rules.checks import Errors


def from_lines(text: str, stored: Sequence[str] = ()) -> list[str]:
    """The tags in a text, one per line; a tag of `stored` with line breaks in its name has several lines."""
    lines = as_shown(text).split("\n")
    broken = [as_shown(name).split("\n") for name in stored if of_lines(name)]
    names: list[str] = []
    while lines:
        found = max((each for each in broken if lines[: len(each)] == each), key=len, default=lines[:1])
        names.append("\n".join(found))
        del lines[: len(found)]
    return [name for name in names if name.strip()]


def new_set(
    sent: Sequence[str], stored: Sequence[str], most: int, catalog: Catalog, errors: Errors
) -> list[str]:
    """The new set from the `sent` tags and the `stored` ones; adds the errors to `errors`.

    Up to `most` tags, the limit of a contact, can be added: the limit of a request is only for programs.
    """
    held = {as_shown(name) for name in sent if name.strip()}
    kept = [name for name in stored if as_shown(name) in held]
    added = sorted(held - {as_shown(name) for name in kept})
    return [*dict.fromkeys([*kept, *parse_tags(added, catalog, errors, "tags", most=most)])]
