"""Removes, in the background, the data of deleted tags, custom fields and workspaces from contacts' rows.

This data is hidden from the moment of the deletion; this module removes it from the disk. Each clean-up is a
walk over the workspace's contacts by their ids: a piece reads a fixed number of them, changes those with
deleted data, and stores its position, in one short transaction. So each contact is read once, and after a
crash the walk continues at its position. One walk handles everything that was deleted before it began.
"""

from typing import NamedTuple

from contactory.database.db import Connection, Database
from contactory.database.statements import by_key
from contactory.schedule.job import Piece

PIECE = 1000
"""The number of contacts that one transaction reads."""
_IN_ONE_WALK = 100
_NO_ID = "00000000-0000-0000-0000-000000000000"
_DUE = """deleted_at is not null and swept_at is null
   and deleted_at not between now() - interval '30 seconds' and now() + interval '30 seconds'"""
"""Writes that were running during the deletion have ended by then, so that none comes behind the walk."""


class Sweep(NamedTuple):
    """The statements of one kind of walk. Each finds its rows by key, without a join."""

    find: str
    """The workspace of a walk, its position, and the numbers of the deleted rows."""
    page: str
    """The next contacts, each with whether it has any of them."""
    erase: tuple[str, ...]
    """The changes of those contacts, after they are locked."""
    move: str
    """Moves the position, unless another process has moved it in the meantime."""
    end: tuple[str, ...]


def _of_workspace(table: str, number: str, holds: str, erase: str) -> Sweep:
    """A walk for deleted rows of a table whose numbers are in contacts."""
    return Sweep(
        # The rows with the same position; started walks come first.
        find=f"""
select workspace_id::text, swept_to::text, (array_agg({number} order by {number}))[:{_IN_ONE_WALK}]
  from {table} where {_DUE}
 group by workspace_id, swept_to order by swept_to nulls last, workspace_id limit 1
""",
        page=f"""
select c.id::text, {holds} from contacts c
 where c.workspace_id = $1 and c.id > $3 order by c.workspace_id, c.id limit {PIECE}
""",
        erase=(f"update contacts set {erase} where workspace_id = $1 and id = any($2::text[]::uuid[])",),
        move=f"""
update {table} set swept_to = $4
 where workspace_id = $1 and {number} = any($2) and swept_to is not distinct from $3::uuid
""",
        end=(f"update {table} set swept_at = now() where workspace_id = $1 and {number} = any($2)",),
    )


TAGS = _of_workspace(
    "tags",
    "id",
    "tag_ids && $2::bigint[]",
    """tag_ids = array(select o.tag from unnest(tag_ids) with ordinality as o (tag, n)
                        where o.tag <> all($3::bigint[]) order by o.n)""",
)
FIELDS = _of_workspace(
    "custom_fields", "num", "fields ?| $2::bigint[]::text[]", "fields = fields - $3::bigint[]::text[]"
)
WORKSPACES = Sweep(
    find=f"""
select id::text, swept_to::text, array[id] from workspaces
 where {_DUE} order by swept_to nulls last, id limit 1
""",
    page=f"""
select c.id::text, c.workspace_id = any($2::uuid[]) from contacts c
 where c.workspace_id = $1 and c.id > $3 order by c.workspace_id, c.id limit {PIECE}
""",
    erase=(
        """delete from contact_events
            where workspace_id = $1 and contact_id = any($2::text[]::uuid[])
              and workspace_id = any($3::uuid[])""",
        """delete from contact_search
            where workspace_id = $1 and contact_id = any($2::text[]::uuid[])
              and workspace_id = any($3::uuid[])""",
        """delete from contacts
            where workspace_id = $1 and id = any($2::text[]::uuid[]) and workspace_id = any($3::uuid[])""",
    ),
    move="""
update workspaces set swept_to = $4
 where id = $1 and id = any($2::uuid[]) and swept_to is not distinct from $3::uuid
""",
    end=(
        "delete from job_problems where workspace_id = $1 and workspace_id = any($2::uuid[])",
        "delete from jobs where workspace_id = $1 and workspace_id = any($2::uuid[])",
        "delete from jobs_due where workspace_id = $1 and workspace_id = any($2::uuid[])",
        "update workspaces set swept_at = now() where id = $1 and id = any($2::uuid[])",
    ),
)
_LOCK = """
select from contacts
 where workspace_id = $1 and id = any($2::text[]::uuid[]) order by workspace_id, id for update
"""


async def sweep(db: Database, kind: Sweep) -> Piece:
    """Does one piece of the walks of a kind; returns how many contacts it has changed."""
    async with db.transaction() as conn:
        await by_key(conn)
        return await sweep_piece(conn, kind)


async def sweep_piece(conn: Connection, kind: Sweep) -> Piece:
    """Like sweep, in the caller's transaction."""
    row = await conn.fetchrow(kind.find)
    if row is None:
        return Piece()
    workspace_id, at, numbers = row
    page = await conn.fetch(kind.page, workspace_id, numbers, at or _NO_ID)
    found = [contact_id for contact_id, holds in page if holds]
    if found:
        await conn.execute(_LOCK, workspace_id, found)
        for statement in kind.erase:
            await conn.execute(statement, workspace_id, found, numbers)
    if page:
        await conn.execute(kind.move, workspace_id, numbers, at, page[-1][0])
    if len(page) < PIECE:
        for statement in kind.end:
            await conn.execute(statement, workspace_id, numbers)
    return Piece(len(found), more=True)
