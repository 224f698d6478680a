"""Custom fields in the database, except the change of a type (retype.py)."""

from datetime import UTC, datetime

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import bump
from contactory.database.db import Connection, translated
from contactory.fields.model import CustomField, FieldPatch
from contactory.rules.actor import Actor
from contactory.rules.errors import Conflict, NotFound

_COLUMNS = "f.id::text, f.workspace_id::text, f.name, f.type, f.position, f.created_at, f.updated_at"
_LAST = 2**31 - 1


async def list_fields(conn: Connection, workspace_id: str) -> list[CustomField]:
    """The fields of a workspace, in its order."""
    rows = await conn.fetch(
        f"""select {_COLUMNS} from custom_fields f
             where f.workspace_id = $1 and f.deleted_at is null order by f.position, f.num""",
        workspace_id,
    )
    return [CustomField(*row) for row in rows]


async def get_field(conn: Connection, actor: Actor, field_id: str) -> CustomField:
    """A field of a workspace that the actor sees. Raises NotFound."""
    row = await conn.fetchrow(
        f"""select {_COLUMNS}
              from workspaces w
              join custom_fields f on f.workspace_id = w.id and f.id = $4
             where w.account_id = $1 and w.mode = $2 and w.deleted_at is null
               and ($3::uuid is null or w.id = $3) and f.deleted_at is null""",
        actor.account_id,
        actor.mode,
        actor.workspace_id,
        field_id,
    )
    if row is None:
        raise NotFound
    return CustomField(*row)


COUNTED = 5
"""The number of fields that are counted at once: each count reads all contacts, possibly a million."""
_COUNT = """
select count(c.fields -> $2), count(c.fields -> $3), count(c.fields -> $4), count(c.fields -> $5),
       count(c.fields -> $6)
  from contacts c
 where c.workspace_id = $1 and c.deleted_at is null
"""


async def count_values(conn: Connection, workspace_id: str, field_ids: list[str]) -> dict[str, int]:
    """How many active contacts have a value, for each of these fields, COUNTED at most.

    Unknown fields are left out.
    """
    found = await conn.fetch(
        """select f.id::text, f.num::text from custom_fields f
            where f.workspace_id = $1 and f.id = any($2::text[]::uuid[]) and f.deleted_at is null
            limit 5""",
        workspace_id,
        field_ids,
    )
    keys: list[str | None] = [row[1] for row in found]
    counts = await conn.fetchrow(_COUNT, workspace_id, *keys, *[None] * (COUNTED - len(keys)))
    return {row[0]: count for row, count in zip(found, counts or (), strict=False)}


async def create_field(
    conn: Connection, workspace_id: str, given: FieldPatch, max_fields: int
) -> CustomField:
    """Creates a field, as the last one unless a position is given. Call it in a transaction.

    Raises Conflict if another field has the name, or the workspace has `max_fields` already.
    """
    await bump(conn, workspace_id)
    others = len(await list_fields(conn, workspace_id))
    if others >= max_fields:
        raise Conflict(f"A workspace has at most {max_fields} custom fields: delete one first.")
    now = datetime.now(UTC)
    position = others if given.position is None else min(given.position, others)
    field = CustomField(new_id(), workspace_id, given.name or "", given.type or "", position, now, now)
    await _write(
        conn,
        """insert into custom_fields (workspace_id, id, name, type, position, updated_at, created_at)
           values ($1, $2, $3, $4, $5, $6, $6)""",
        field,
    )
    await _arrange(conn, workspace_id, field.id, position)
    return field


async def change_field(conn: Connection, workspace_id: str, field_id: str, patch: FieldPatch) -> CustomField:
    """Changes the fields in `patch`. Call it in a transaction.

    Does not check the values for a new type. Raises NotFound, and Conflict if another field has the name.
    """
    await bump(conn, workspace_id)
    fields = await list_fields(conn, workspace_id)
    stored = next((field for field in fields if field.id == field_id), None)
    if stored is None:
        raise NotFound
    wanted = _patched(stored, patch, len(fields))
    if wanted == stored:
        return stored
    wanted.updated_at = max(datetime.now(UTC), stored.updated_at)
    await _write(
        conn,
        """update custom_fields set name = $3, type = $4, position = $5, updated_at = $6
            where workspace_id = $1 and id = $2""",
        wanted,
    )
    if wanted.position != stored.position:
        await _arrange(conn, workspace_id, field_id, wanted.position)
    return wanted


def _patched(stored: CustomField, patch: FieldPatch, count: int) -> CustomField:
    return msgspec.structs.replace(
        stored,
        name=stored.name if patch.name is None else patch.name,
        type=stored.type if patch.type is None else patch.type,
        position=stored.position if patch.position is None else min(patch.position, count - 1),
    )


async def _write(conn: Connection, statement: str, field: CustomField) -> None:
    with translated():
        await conn.execute(
            statement,
            field.workspace_id,
            field.id,
            field.name,
            field.type,
            field.position,
            field.updated_at,
        )


_ARRANGE = """
update custom_fields f
   set position = case when f.id = $2 then $3 when o.place >= $3 then o.place + 1 else o.place end
  from (select id, row_number() over (order by id = $2, position, num) - 1 as place
          from custom_fields
         where workspace_id = $1 and deleted_at is null) o
 where f.workspace_id = $1 and f.id = o.id
"""


async def _arrange(conn: Connection, workspace_id: str, field_id: str, position: int) -> None:
    """Moves a field to a position; the others keep their order, and the positions have no gaps."""
    await conn.execute(_ARRANGE, workspace_id, field_id, position)


async def delete_field(conn: Connection, workspace_id: str, field_id: str) -> None:
    """Deletes a field, so that contacts no longer show its values. Call it in a transaction.

    Raises NotFound.
    """
    await bump(conn, workspace_id)
    deleted = await conn.fetchval(
        """update custom_fields set deleted_at = clock_timestamp(), updated_at = $3
            where workspace_id = $1 and id = $2 and deleted_at is null returning true""",
        workspace_id,
        field_id,
        datetime.now(UTC),
    )
    if not deleted:
        raise NotFound
    await _arrange(conn, workspace_id, field_id, _LAST)
