"""Removes, in the background, the data of deleted tags, custom fields and workspaces from contacts' rows.

This data is hidden from the moment of the deletion; this module removes it from the disk, a piece at a time,
each in its own short transaction, in whichever process is free.
"""

from datetime import UTC, datetime

from contactory.database.db import Connection, Database

_PIECE = 1000

# For each kind: the next one to clean up, and one piece of the work, which returns its number of rows.
_TAG = """
select workspace_id, id from tags where deleted_at is not null and swept_at is null
 order by 1, 2 limit 1 for update skip locked
"""
_TAG_PIECE = """
with piece as (
    select id from contacts where workspace_id = $1 and tag_ids @> array[$2::bigint] limit $3 for update
), done as (
    update contacts c set tag_ids = array_remove(c.tag_ids, $2::bigint)
      from piece where c.workspace_id = $1 and c.id = piece.id
)
select count(*) from piece
"""
_TAG_DONE = "update tags set swept_at = $3 where workspace_id = $1 and id = $2"

_FIELD = """
select workspace_id, num from custom_fields where deleted_at is not null and swept_at is null
 order by 1, 2 limit 1 for update skip locked
"""
_FIELD_PIECE = """
with piece as (
    select id from contacts where workspace_id = $1 and fields ? $2::bigint::text limit $3 for update
), done as (
    update contacts c set fields = c.fields - $2::bigint::text
      from piece where c.workspace_id = $1 and c.id = piece.id
)
select count(*) from piece
"""
_FIELD_DONE = "update custom_fields set swept_at = $3 where workspace_id = $1 and num = $2"

_WORKSPACE = """
select id, id from workspaces where deleted_at is not null and swept_at is null
 order by 1 limit 1 for update skip locked
"""
_WORKSPACE_PIECE = """
with piece as (
    select id from contacts where workspace_id = $1 and $2::uuid = $1 limit $3 for update
), events as (
    delete from contact_events e using piece where e.workspace_id = $1 and e.contact_id = piece.id
), words as (
    delete from contact_search s using piece where s.workspace_id = $1 and s.contact_id = piece.id
), done as (
    delete from contacts c using piece where c.workspace_id = $1 and c.id = piece.id
)
select count(*) from piece
"""
_WORKSPACE_DONE = "update workspaces set swept_at = $3 where id = $1 and id = $2"

_SWEEPS = (
    (_TAG, _TAG_PIECE, _TAG_DONE),
    (_FIELD, _FIELD_PIECE, _FIELD_DONE),
    (_WORKSPACE, _WORKSPACE_PIECE, _WORKSPACE_DONE),
)


async def sweep(db: Database) -> bool:
    """Does one piece of every due clean-up; returns whether there is more."""
    more = False
    for find, piece, done in _SWEEPS:
        async with db.transaction() as conn:
            more = await _sweep_piece(conn, find, piece, done) or more
    return more


async def _sweep_piece(conn: Connection, find: str, piece: str, done: str) -> bool:
    row = await conn.fetchrow(find)
    if row is None:
        return False
    if await conn.fetchval(piece, row[0], row[1], _PIECE) == 0:
        await conn.execute(done, row[0], row[1], datetime.now(UTC))
    return True
