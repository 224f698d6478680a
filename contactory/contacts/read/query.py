"""A statement that reads contacts, in the making, and a page of what it finds."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from contactory.catalog.catalog import Catalog
from contactory.contacts.read.cursors import Cursor
from contactory.contacts.read.filter import Clauses, condition

COLUMNS = """c.id::text, c.version, c.first_name, c.last_name, c.email, c.phone, c.timezone, c.tag_ids::text,
       c.fields, c.created_at, c.updated_at"""


class Page(msgspec.Struct):
    """A page of a list; `next` is the cursor of the next page, if there may be one."""

    rows: list[Any]
    next: Cursor | None = None


class Query:
    """Builds a statement; every value is an argument."""

    def __init__(self, catalog: Catalog, wanted: Clauses, columns: str = COLUMNS) -> None:
        self.columns = columns
        self.args: list[Any] = [catalog.workspace_id]
        self.where = ["c.workspace_id = $1", *(["c.deleted_at is null"] if wanted.active else [])]
        self.where += [condition(part, catalog, self.arg) for part in wanted.parts]
        self.available = wanted.available_at.conditions(self.arg) if wanted.available_at else []

    @property
    def condition(self) -> str:
        """All conditions together."""
        return " and ".join([*self.where, *self.available])

    def arg(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def add(self, condition: str, *values: Any) -> None:
        self.where.append(condition.format(*map(self.arg, values)))


class Wanted(msgspec.Struct, kw_only=True):
    """The page that a request asks for."""

    catalog: Catalog
    clauses: Clauses
    columns: str
    sort: str
    limit: int
    offset: int
    cursor: Cursor | None

    def query(self, *, by_zone: bool = True) -> Query:
        """A statement with all conditions; `by_zone` adds the zones as a condition that can use an index."""
        query = Query(self.catalog, self.clauses, self.columns)
        if by_zone and self.clauses.available_at is not None:
            query.add("c.timezone = any({}::text[])", self.clauses.available_at.zones)
        return query

    @property
    def direction(self) -> tuple[Literal["<", ">"], Literal["asc", "desc"]]:
        """How a later place in the order compares, and the order, both as SQL."""
        return ("<", "desc") if self.sort.startswith("-") else (">", "asc")

    def changed_after(self, kept: datetime | None) -> datetime | None:
        """The time after which the contacts must have changed, if the events since `kept` have them all."""
        after = self.clauses.updated_after
        return after if after and (kept is None or kept <= after) else None
