"""Saved views in the database: filters of the grid with a name."""

import unicodedata
from datetime import UTC, datetime
from urllib.parse import urlencode

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import Catalog, hold
from contactory.contacts.pages.selection import Selection
from contactory.contacts.read.filter_url import TAG
from contactory.database.db import Connection
from contactory.rules.checks import quote
from contactory.rules.errors import Conflict, NotFound
from contactory.web.queries import parse_query

MOST_VIEWS = 100
_TAGGED = ("tags:has:", "tags:lacks:")


class Referred(msgspec.Struct, frozen=True):
    """What a view names, by numbers and ids, so that it finds them under new names."""

    tags: dict[str, int] = {}
    """The numbers of its tags, by the names in its query."""
    window: str | None = None
    """The id of its send window."""


_NOTHING = Referred()


class SavedView(msgspec.Struct, frozen=True):
    """A filter with a name; `query` is the query of its URL when it was saved."""

    id: str
    name: str
    query: str
    shared: bool
    """Shared with the workspace, and not the user's own."""
    referred: Referred

    @property
    def link(self) -> str:
        """The query of its URL, with the numbers and ids."""
        given = parse_query(self.query)
        conditions = [self._numbered(text) for text in given.pop("where", ())]
        named = [(name, values[-1]) for name, values in given.items()] + [("view", self.id)]
        if self.referred.window:
            named.append(("windowId", self.referred.window))
        return urlencode([*named, *(("where", text) for text in conditions)])

    def _numbered(self, condition: str) -> str:
        """A condition with the number of its tag."""
        if not condition.startswith(_TAGGED):
            return condition
        _, operator, name = condition.split(":", 2)
        number = self.referred.tags.get(name)
        return condition if number is None else f"{TAG}:{operator}:{number}:{name}"


def referred_by(selection: Selection, catalog: Catalog) -> Referred:
    """What a selection refers to."""
    leaves = (condition.compare for condition in selection.conditions)
    names = [name for leaf in leaves if leaf.field == "tags" and leaf.value for name in leaf.value]
    window = catalog.windows.get(selection.window)
    return Referred(
        {name: catalog.tag_ids[name] for name in names if name in catalog.tag_ids},
        window.id if window else None,
    )


async def list_views(conn: Connection, workspace_id: str, user_id: str) -> list[SavedView]:
    """The views that a user sees in a workspace, by name."""
    rows = await conn.fetch(
        """select id::text, name, query, user_id is null as shared, refers from saved_views
            where workspace_id = $1 and (user_id is null or user_id = $2)
            order by lower(name), id""",
        workspace_id,
        user_id,
    )
    return [
        SavedView(row["id"], row["name"], row["query"], row["shared"], _referred(row["refers"]))
        for row in rows
    ]


def _referred(stored: str | None) -> Referred:
    return msgspec.json.decode(stored, type=Referred) if stored else _NOTHING


def _key(name: str) -> str:
    """The form in which the names of two views are compared."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


async def make_view(
    conn: Connection,
    workspace_id: str,
    user_id: str,
    name: str,
    query: str,
    *,
    shared: bool,
    referred: Referred = _NOTHING,
) -> str:
    """Saves a filter under a name; returns its id. Call it in a transaction.

    Raises Conflict if there are too many, or the user sees a view of that name, in upper or lower case and
    with any spaces. The lock makes both exact; an index cannot, because the views of other users, which the
    user does not see, may have the name.
    """
    await hold(conn, [workspace_id])
    views = await list_views(conn, workspace_id, user_id)
    if same := next((view for view in views if _key(view.name) == _key(name)), None):
        raise Conflict(
            f"There is a view {quote(same.name)} already: choose another name, or delete that view first."
        )
    if len(views) >= MOST_VIEWS:
        raise Conflict(f"There are {MOST_VIEWS} saved views already: delete one first.")
    view_id = new_id()
    await conn.execute(
        """insert into saved_views (workspace_id, id, user_id, name, query, refers, created_at)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        workspace_id,
        view_id,
        None if shared else user_id,
        name,
        query,
        msgspec.json.encode(referred).decode(),
        datetime.now(UTC),
    )
    return view_id


async def delete_view(
    conn: Connection, workspace_id: str, user_id: str, view_id: str, *, shared: bool
) -> None:
    """Deletes a view of the user, or with `shared` a shared one. Raises NotFound."""
    found = await conn.fetchval(
        """delete from saved_views
            where workspace_id = $1 and id = $3 and (user_id = $2 or ($4 and user_id is null))
           returning true""",
        workspace_id,
        user_id,
        view_id,
        shared,
    )
    if not found:
        raise NotFound
