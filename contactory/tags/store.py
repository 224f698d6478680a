"""Tags in the database; writing a contact creates new ones (contacts/write/change.py)."""

from contactory.catalog.catalog import bump
from contactory.database.constraints import Violation
from contactory.database.db import Connection, translated
from contactory.rules.checks import quote
from contactory.rules.errors import FieldError, NotFound, ValidationProblem
from contactory.tags.model import NamedTag, Tag
from contactory.values.compare import sql_compared, sql_contains, without_accents

_LIST = """
with page as materialized (
    select t.id, t.name, t.created_at
      from tags t
     where t.workspace_id = $1 and t.deleted_at is null and t.merged_into is null
       and starts_with(t.name, $2) and t.name collate "C" > $3
     order by t.name collate "C"
     limit $4
), shown as materialized (
    -- A merged tag counts for its target.
    select p.name, p.created_at, array_agg(t.id) as ids
      from page p
      join tags t on t.workspace_id = $1 and t.deleted_at is null and coalesce(t.merged_into, t.id) = p.id
     group by p.name, p.created_at
)
select s.name, n.contacts, s.created_at
  from shown s
 cross join lateral (
    select count(*) as contacts
      from contacts c
     where c.workspace_id = $1 and c.deleted_at is null and c.tag_ids && s.ids) n
 order by s.name collate "C"
"""


async def list_tags(
    conn: Connection, workspace_id: str, *, prefix: str = "", after: str = "", limit: int
) -> list[Tag]:
    """Tags by name, in the order of code points, after `after`."""
    rows = await conn.fetch(_LIST, workspace_id, prefix, after, limit)
    return [Tag(*row) for row in rows]


async def get_tag(conn: Connection, workspace_id: str, name: str) -> Tag:
    """The tag with that name, which must exist."""
    # Among the names with this beginning, the name itself is the first.
    [tag] = await list_tags(conn, workspace_id, prefix=name, limit=1)
    return tag


_LIST_NAMED = f"""
select id, name
  from tags
 where workspace_id = $1 and deleted_at is null and merged_into is null
   and {sql_contains("name", "$2")}
   and (lower(name) collate "C", name collate "C") > (lower($3) collate "C", $3)
 order by lower(name) collate "C", name collate "C"
 limit $4
"""


async def list_named(
    conn: Connection, workspace_id: str, *, typed: str = "", after: str = "", limit: int
) -> list[NamedTag]:
    """Tags whose names contain the typed text, ignoring case and accents, after `after`."""
    rows = await conn.fetch(_LIST_NAMED, workspace_id, without_accents(typed), after, limit)
    return [NamedTag(*row) for row in rows]


_SUGGEST = f"""
select name
  from (select name, {sql_compared("name")} as key
          from tags where workspace_id = $1 and deleted_at is null and merged_into is null) named
 where strpos(key, lower($2)) > 0
 order by not starts_with(key, lower($2)), key collate "C", name collate "C"
 limit $3
"""
_LIKE = f"""
select name
  from tags
 where workspace_id = $1 and deleted_at is null and merged_into is null
   and {sql_compared("name")} = lower($2)
 order by name collate "C"
"""


async def suggest_names(conn: Connection, workspace_id: str, typed: str, limit: int) -> list[str]:
    """Tags whose names contain the typed text, ignoring case and accents; first those that begin with it."""
    rows = await conn.fetch(_SUGGEST, workspace_id, without_accents(typed), limit)
    return [row[0] for row in rows]


async def names_like(conn: Connection, workspace_id: str, name: str) -> list[str]:
    """Tags that differ from a new name only in case and accents; none if there is a tag with that name."""
    rows = await conn.fetch(_LIKE, workspace_id, without_accents(name))
    found = [row[0] for row in rows]
    return [] if name in found else found


async def get_named(conn: Connection, workspace_id: str, tag_id: int) -> NamedTag:
    """The tag with that number. Raises NotFound."""
    name = await conn.fetchval(
        """select name from tags
            where workspace_id = $1 and id = $2 and deleted_at is null and merged_into is null""",
        workspace_id,
        tag_id,
    )
    if name is None:
        raise NotFound("The tag does not exist, or does not exist any more.")
    return NamedTag(tag_id, name)


async def count_carriers(conn: Connection, workspace_id: str, tag_id: int) -> int:
    """How many active contacts have the tag, or a tag that was merged into it."""
    return await conn.fetchval(
        """select count(*)
             from contacts c
            where c.workspace_id = $1 and c.deleted_at is null
              and c.tag_ids && (select array_agg(t.id) from tags t
                                 where t.workspace_id = $1 and t.deleted_at is null
                                   and coalesce(t.merged_into, t.id) = $2)""",
        workspace_id,
        tag_id,
    )


_FIND = """
select id from tags where workspace_id = $1 and name = $2 and deleted_at is null and merged_into is null
"""
_RENAME = "update tags set name = $3 where workspace_id = $1 and id = $2"
_MERGE = """
update tags set merged_into = $3
 where workspace_id = $1 and deleted_at is null and coalesce(merged_into, id) = $2
"""


async def rename_tag(conn: Connection, workspace_id: str, name: str, new_name: str, *, merge: bool) -> Tag:
    """Renames a tag; with `merge`, merges it into the tag with that name. Call it in a transaction.

    Raises NotFound, and Conflict if another tag has the name and `merge` is not set.
    """
    await name_tag(conn, workspace_id, name, new_name, merge=merge)
    return await get_tag(conn, workspace_id, new_name)


async def name_tag(conn: Connection, workspace_id: str, name: str, new_name: str, *, merge: bool) -> None:
    """Like rename_tag, without counting contacts."""
    await bump(conn, workspace_id)
    tag_id = await conn.fetchval(_FIND, workspace_id, name)
    if tag_id is None:
        raise NotFound(f"The tag {quote(name)} does not exist.")
    try:
        with translated():
            async with conn.transaction():
                await conn.execute(_RENAME, workspace_id, tag_id, new_name)
    except Violation:
        if not merge:
            raise
        target = await conn.fetchval(_FIND, workspace_id, new_name)
        await conn.execute(_MERGE, workspace_id, tag_id, target)


async def merge_tag(conn: Connection, workspace_id: str, tag_id: int, into: str) -> NamedTag:
    """Merges the tag with that number into the tag named `into`. Call it in a transaction.

    Raises NotFound, and ValidationProblem if `into` is not the name of another tag.
    """
    await bump(conn, workspace_id)
    tag = await get_named(conn, workspace_id, tag_id)
    target = await conn.fetchval(_FIND, workspace_id, into)
    if target is None or target == tag_id:
        detail = f"The tag {quote(into)} does not exist" if target is None else _ITSELF
        raise ValidationProblem(detail, [FieldError("/into", None, "unknown_value", detail)])
    await conn.execute(_MERGE, workspace_id, tag.id, target)
    return NamedTag(target, into)


_ITSELF = "A tag cannot be merged into itself: choose another tag"


_DELETE = """
with named as materialized (
    select id from tags where workspace_id = $1 and name = $2 and deleted_at is null and merged_into is null
)
update tags t set deleted_at = clock_timestamp() -- the clean-up compares it by the same clock
  from named
 where t.workspace_id = $1 and t.deleted_at is null and coalesce(t.merged_into, t.id) = named.id
returning t.id
"""


async def delete_tag(conn: Connection, workspace_id: str, name: str) -> None:
    """Deletes a tag, so that contacts no longer show it. Call it in a transaction. Raises NotFound."""
    await bump(conn, workspace_id)
    if not await conn.fetch(_DELETE, workspace_id, name):
        raise NotFound(f"The tag {quote(name)} does not exist.")
