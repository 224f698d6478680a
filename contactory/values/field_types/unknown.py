"""A type of a newer release, which an older server may find while servers are upgraded one by one.

Its values are shown, and can be cleared. Only the newer release knows their form, so new values are refused.
"""

from functools import cache

from contactory.rules.checks import quote
from contactory.rules.invalid import Invalid
from contactory.values.field_types.field_type import KNOWN, Editor, FieldType, Look, Order, Scalar


@cache
def unknown_type(name: str) -> FieldType:
    """A substitute for the type with that name."""

    def parse(value: Scalar) -> str:
        detail = (
            f"cannot be set by this server, which does not know the type {quote(name)}: upgrade the server"
        )
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
