"""A comparison of a filter."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from contactory.catalog.catalog import Catalog
from contactory.values.field_types.field_type import Sql


class Operator(NamedTuple):
    """One comparison."""

    words: str
    """In words, between the name of the field and the value."""
    condition: Callable[[str, Any, Catalog], Sql]
    """The condition on an SQL expression and a value. It may be null if the contact has no value."""
    parse: Callable[[str, Catalog], Any] | None = None
    """Makes the value from text that is not empty; raises Invalid. None for an operator without a value."""

    @property
    def valueless(self) -> bool:
        """Whether it takes no value."""
        return self.parse is None


Operators = Mapping[str, Operator]
