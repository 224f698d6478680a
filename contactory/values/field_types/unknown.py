"""A type that a newer release has brought: while servers are upgraded one by one, an older one meets it.

Its values are shown, and can be cleared. Only the newer release knows what they have to look like, so a new
one is refused.
"""

from functools import cache

from contactory.rules.checks import quote
from contactory.rules.invalid import Invalid
from contactory.values.field_types.field_type import KNOWN, Editor, FieldType, Look, Order, Scalar


@cache
def unknown_type(name: str) -> FieldType:
    """What stands in for the type of that name."""

    def parse(value: Scalar) -> str:
        detail = f"cannot be set by this server, which does not know the type {quote(name)}: upgrade it"
        raise Invalid("unknown_type", detail)

    return FieldType(
        name=name,
        title=name,
        parse=parse,
        schema={},
        operators=KNOWN,
        order=Order("lower({})".format, "text"),
        look=Look(Editor()),
        plain="",
    )
