"""The data that a workspace's contacts refer to by id (tags, custom fields, defaults), in memory.

For readers, a catalogue may be up to a second behind. Writers check its version in their statement. Before an
unknown name is refused, the version is compared with the database's.
"""

import sys
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from contactory.base.caches import SharedReads, SingleFlight
from contactory.database.db import Connection, Database
from contactory.database.shares import Use
from contactory.local_time.openings import Schedule
from contactory.local_time.windows import DayRange, SendWindow
from contactory.rules.errors import NotFound
from contactory.rules.near import Names, names_of

# The limits of the cache: workspaces and bytes. The least recently used ones are removed first.
_KEPT = 1000
_KEPT_BYTES = 64 * 1024 * 1024
_SETS_KEPT = 1000
_SETS_KEPT_BYTES = 1024 * 1024
# Bytes that each takes in memory in addition to its name.
_CATALOG, _TAG, _FIELD, _WINDOW, _SET = 2000, 140, 600, 3000, 250
POLL_SECONDS = 0.4


class Field(msgspec.Struct, frozen=True):
    """A custom field, with the data for writing and showing contacts."""

    id: str
    num: str
    name: str
    type: str
    next_type: str | None = None
    """While the type is being changed: the second type that values must fit."""


class Stale(Exception):
    """A change was prepared with a catalogue that is out of date: prepare it again with the current one."""


class Catalog(msgspec.Struct):
    """One workspace's names and defaults at one version."""

    workspace_id: str
    account_id: str
    mode: str
    timezone: str | None
    country: str | None
    version: int
    fields: dict[str, Field]
    """By name, in the workspace's order."""
    fields_by_num: dict[str, Field]
    """By the key in contacts.fields, in the workspace's order."""
    tag_ids: dict[str, int]
    """By name."""
    tag_names: dict[int, str | None]
    """By id; a merged tag has the name of its target, a deleted one None."""
    stale_tags: bool
    """Whether contacts may still have the ids of merged or deleted tags."""
    windows: dict[str, SendWindow]
    """The send windows by name, in alphabetical order."""
    usual_schedules: tuple[Schedule | None, ...] = ()
    """The hours of the usual send window for each channel; computed when first needed (windows.py)."""
    _field_names: Names | None = None
    shown: dict[str, list[str]] = {}
    """The names of sets of tags, by the text of a contact's tag_ids; many contacts have the same set."""
    shown_bytes: int = 0
    bytes: int = 0
    """An estimate of the memory of everything except `shown`."""

    def __post_init__(self) -> None:
        self.bytes = _CATALOG + _FIELD * len(self.fields) + _WINDOW * len(self.windows)
        self.bytes += _TAG * len(self.tag_names) + sum(map(sys.getsizeof, self.tag_names.values()))

    @property
    def field_names(self) -> Names:
        """The names of the fields, to find the target of a misspelt name; created when first needed."""
        if self._field_names is None:
            self._field_names = names_of(self.fields)
        return self._field_names

    def show_tags(self, text: str) -> list[str]:
        """The names of tags, each once, sorted by code point, without ids of deleted tags."""
        names = self.shown.get(text)
        if names is None:
            if len(self.shown) >= _SETS_KEPT or self.shown_bytes > _SETS_KEPT_BYTES:
                self._forget_shown()
            ids = parse_ids(text)
            names = sorted({name for tag_id in ids if (name := self.tag_names.get(tag_id))})
            self.shown[text] = names
            self.shown_bytes += _SET + len(text) + 8 * len(names)
        return names

    def copy(self) -> "Catalog":
        """A copy of the catalogue, for a transaction whose new tags must be forgotten after a rollback."""
        tag_ids, tag_names = dict(self.tag_ids), dict(self.tag_names)
        return replace(self, tag_ids=tag_ids, tag_names=tag_names, shown=dict(self.shown))

    def _forget_shown(self) -> None:
        self.shown.clear()
        self.shown_bytes = 0

    def learn_tags(self, tags: Iterable[tuple[str, int]]) -> None:
        """Adds new tags."""
        for name, tag_id in tags:
            self.tag_ids[name] = tag_id
            self.tag_names[tag_id] = name
            self.bytes += _TAG + sys.getsizeof(name)
            self._forget_shown()

    def aliases(self, name: str) -> list[int]:
        """All ids that are shown as `name`."""
        if name not in self.tag_ids:
            return []
        return [tag_id for tag_id, shown in self.tag_names.items() if shown == name]


def parse_ids(text: str) -> list[int]:
    """The numbers in the text of a PostgreSQL array."""
    return [int(number) for number in text[1:-1].split(",")] if len(text) > 2 else []


class Catalogs:
    """The catalogues of one process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: OrderedDict[str, Catalog] = OrderedDict()
        self._flights: SingleFlight[str, Catalog | None] = SingleFlight()
        self._versions: SharedReads[str, int | None] = SharedReads()
        self._forgotten = 0

    async def get(self, workspace_id: str, conn: Connection | None = None) -> Catalog | None:
        """The workspace's catalogue, from memory if possible; None if the workspace does not exist.

        With `conn`, as the transaction of that connection sees it, and only for the caller.
        """
        found = self._kept.get(workspace_id)
        if conn is not None:
            if found is not None and found.version == await read_version(conn, workspace_id):
                return found.copy()
            return await read_catalog(conn, workspace_id)
        if found is not None:
            self._kept.move_to_end(workspace_id)
            return found
        return await self._flights.get(workspace_id, lambda: self.load(workspace_id))

    async def newest(self, catalog: Catalog, conn: Connection | None = None) -> Catalog:
        """`catalog` itself if it is up to date, otherwise the workspace's current catalogue.

        Reads only the version if that is still the same; callers at the same moment share the read. Raises
        NotFound if the workspace does not exist any more.
        """
        found = await self._newest(catalog, conn)
        if found is None:
            raise NotFound
        return found

    async def _newest(self, catalog: Catalog, conn: Connection | None) -> Catalog | None:
        workspace_id = catalog.workspace_id
        if conn is not None:
            version = await read_version(conn, workspace_id)
            return catalog if version == catalog.version else await read_catalog(conn, workspace_id)
        version = await self._versions.get(workspace_id, lambda: self._version(workspace_id))
        if version == catalog.version:
            return catalog
        kept = self._kept.get(workspace_id)
        if kept is not None and kept.version == version:
            return kept
        found = await self._flights.get(workspace_id, lambda: self.load(workspace_id))
        # A read that was already running may have begun before the version was read.
        late = found is not None and version is not None and found.version < version
        return await self.load(workspace_id) if late else found

    async def _version(self, workspace_id: str) -> int | None:
        async with self._db.connection(Use(workspace_id)) as conn:
            return await read_version(conn, workspace_id)

    async def load(self, workspace_id: str) -> Catalog | None:
        """The workspace's current catalogue in the database."""
        forgotten = self._forgotten
        async with self._db.connection(Use(workspace_id)) as own:
            catalog = await read_catalog(own, workspace_id)
        if catalog is None:
            self.forget(workspace_id)
            return None
        if forgotten != self._forgotten:
            return catalog  # Not cached: it may be older than a change since.
        self._kept[workspace_id] = catalog
        self._kept.move_to_end(workspace_id)
        self._let_go()
        return catalog

    def _let_go(self) -> None:
        """Removes the least recently used ones; the latest stays, whatever its size."""
        taken = sum(catalog.bytes + catalog.shown_bytes for catalog in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > _KEPT or taken > _KEPT_BYTES):
            _, gone = self._kept.popitem(last=False)
            taken -= gone.bytes + gone.shown_bytes

    def forget(self, workspace_id: str) -> None:
        """Makes the next reader ask the database again."""
        self._kept.pop(workspace_id, None)
        self._flights.forget()
        self._forgotten += 1

    async def tag_names(self, catalog: Catalog, sets: Iterable[str], conn: Connection | None = None) -> None:
        """Makes sure that `catalog` knows the tags in these sets, each the text of a contact's tag_ids.

        Tags of other processes are looked up.
        """
        new = {tag_id for text in sets if text not in catalog.shown for tag_id in parse_ids(text)}
        missing = new - catalog.tag_names.keys()
        if missing:
            found = await self._tags(_TAGS_BY_ID, catalog, list(missing), conn)
            catalog.tag_names.update(dict.fromkeys(missing))
            catalog.learn_tags(found)

    async def tag_ids(self, catalog: Catalog, names: Iterable[str], conn: Connection | None = None) -> None:
        """Makes sure that `catalog` knows the tags of these names; tags of other processes are looked up."""
        missing = [name for name in names if name not in catalog.tag_ids]
        if missing:
            catalog.learn_tags(await self._tags(_TAGS_BY_NAME, catalog, missing, conn))

    async def _tags(
        self, query: str, catalog: Catalog, wanted: list[Any], conn: Connection | None
    ) -> list[tuple[str, int]]:
        if conn is not None:
            rows = await conn.fetch(query, catalog.workspace_id, wanted)
        else:
            async with self._db.connection(Use(catalog.workspace_id)) as own:
                rows = await own.fetch(query, catalog.workspace_id, wanted)
        return [(row["name"], row["id"]) for row in rows]

    async def poll(self) -> None:
        """Forgets catalogues that other processes have changed, and those above the limits."""
        self._let_go()  # They may have grown since they were read.
        known = {workspace_id: catalog.version for workspace_id, catalog in self._kept.items()}
        if not known:
            return
        async with self._db.connection() as conn:
            rows = await conn.fetch(
                """select id::text, catalog_version from workspaces
                    where id = any($1::uuid[]) and deleted_at is null""",
                list(known),
            )
        current: dict[str, int] = {row["id"]: row["catalog_version"] for row in rows}
        for workspace_id, version in known.items():
            if current.get(workspace_id) != version:
                self.forget(workspace_id)


# One look-up for each merged tag instead of a join: before the table's first ANALYZE, the planner would scan
# all tags of the workspace for each merged one, which takes seconds with ten thousand tags.
_TAGS = """
select t.id, t.merged_into is null as own,
       case when t.merged_into is null then t.name
            else (select target.name from tags target
                   where target.workspace_id = t.workspace_id and target.id = t.merged_into) end as name
  from tags t
 where t.workspace_id = $1 and t.deleted_at is null
"""
_TAGS_BY_ID = """
select id, name from tags
 where workspace_id = $1 and id = any($2::bigint[]) and deleted_at is null and merged_into is null
"""
_TAGS_BY_NAME = """
select id, name from tags
 where workspace_id = $1 and name = any($2::text[]) and deleted_at is null and merged_into is null
"""


async def choose_country(
    conn: Connection, account_id: str, country: str, workspace_id: str | None = None
) -> None:
    """Gives a country to a workspace of the account that has none; without an id, to all of them."""
    await conn.execute(
        """update workspaces
              set country = $2, catalog_version = catalog_version + 1, updated_at = $4
            where account_id = $1 and country is null and deleted_at is null
              and ($3::uuid is null or id = $3)""",
        account_id,
        country,
        workspace_id,
        datetime.now(UTC),
    )


async def bump(conn: Connection, workspace_id: str) -> None:
    """Increases the version of a workspace's catalogue in this transaction, and blocks other changes of it.

    Call it first in the transaction: every transaction that locks several rows begins with the workspace's.
    Raises NotFound if the workspace does not exist any more.
    """
    found = await conn.fetchval(
        """update workspaces set catalog_version = catalog_version + 1
            where id = $1 and deleted_at is null returning true""",
        workspace_id,
    )
    if not found:
        raise NotFound


async def hold(conn: Connection, workspace_ids: list[str]) -> None:
    """Locks these workspaces until the end of the transaction: other calls of hold and bump wait.

    So a limit is exact for simultaneous requests too: the rows to count are committed, or their writers wait.
    """
    await conn.execute(
        "select from workspaces where id = any($1::uuid[]) order by id for no key update",
        workspace_ids,
    )


async def read_version(conn: Connection, workspace_id: str) -> int | None:
    """The version of a workspace's catalogue; None if the workspace does not exist."""
    return await conn.fetchval(
        "select catalog_version from workspaces where id = $1 and deleted_at is null", workspace_id
    )


async def read_catalog(conn: Connection, workspace_id: str) -> Catalog | None:
    """The catalogue of a workspace. The version is read first, so that the rest can only be newer."""
    row = await conn.fetchrow(
        """select account_id::text, mode, timezone, country, catalog_version,
                  exists (select from tags t
                           where t.workspace_id = $1 and t.swept_at is null
                             and (t.merged_into is not null or t.deleted_at is not null)) as stale_tags
             from workspaces where id = $1 and deleted_at is null""",
        workspace_id,
    )
    if row is None:
        return None
    fields = await conn.fetch(
        """select id::text, num::text, name, type, next_type from custom_fields
            where workspace_id = $1 and deleted_at is null order by position, num""",
        workspace_id,
    )
    named = [Field(*f) for f in fields]
    tags = await conn.fetch(_TAGS, workspace_id)
    return Catalog(
        workspace_id=workspace_id,
        account_id=row["account_id"],
        mode=row["mode"],
        timezone=row["timezone"],
        country=row["country"],
        version=row["catalog_version"],
        fields={f.name: f for f in named},
        fields_by_num={f.num: f for f in named},
        tag_ids={t["name"]: t["id"] for t in tags if t["own"]},
        tag_names={t["id"]: t["name"] for t in tags},
        stale_tags=row["stale_tags"],
        windows={window.name: window for window in await read_windows(conn, workspace_id)},
    )


async def read_windows(conn: Connection, workspace_id: str) -> list[SendWindow]:
    """The send windows of a workspace, in alphabetical order."""
    rows = await conn.fetch(
        """select id::text, workspace_id::text, name, channels, days, holidays, is_default, created_at,
                  updated_at
             from send_windows where workspace_id = $1""",
        workspace_id,
    )
    found: list[dict[str, Any]] = [
        {**row, "days": msgspec.json.decode(row["days"], type=list[DayRange])} for row in rows
    ]
    return sorted((SendWindow(**each) for each in found), key=lambda window: window.name)
