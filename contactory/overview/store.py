"""The counts of the overview, in the database."""

from datetime import UTC, date, datetime, time

import msgspec

from contactory.base.caches import Costly
from contactory.catalog.catalog import Catalog
from contactory.database.db import Connection

_KEPT = 1000
FEW = 25
"""A workspace with fewer contacts is new."""


class CountCache(Costly[tuple[str, ...]]):
    """Recent counts of the overview, by workspace and kind."""

    def __init__(self) -> None:
        super().__init__(_KEPT)


class Begun(msgspec.Struct):
    """The progress of a new workspace."""

    contacts: int
    """The number of contacts, counted up to FEW."""
    has_field: bool
    has_key: bool


async def how_begun(conn: Connection, catalog: Catalog) -> Begun:
    """Whether the workspace has contacts, custom fields, and keys."""
    contacts = await conn.fetchval(
        f"""select count(*)
              from (select from contacts
                     where workspace_id = $1 and deleted_at is null limit {FEW}) few""",
        catalog.workspace_id,
    )
    has_key = await conn.fetchval(
        """select exists (select from api_keys
                           where account_id = $2 and mode = $3 and revoked_at is null
                             and (expires_at is null or expires_at > now())
                             and (workspace_id is null or workspace_id = $1))""",
        catalog.workspace_id,
        catalog.account_id,
        catalog.mode,
    )
    return Begun(contacts, bool(catalog.fields), has_key)


async def count_by_day(conn: Connection, workspace_id: str, first: date) -> dict[date, int]:
    """The active contacts that were created on each UTC day from `first` on, without days with none."""
    rows = await conn.fetch(
        """select (created_at at time zone 'UTC')::date, count(*)
             from contacts
            where workspace_id = $1 and deleted_at is null and created_at >= $2
            group by 1""",
        workspace_id,
        datetime.combine(first, time(), UTC),
    )
    return {row[0]: row[1] for row in rows}


async def count_by_tag(conn: Connection, catalog: Catalog, most: int) -> list[tuple[str, int]]:
    """The most frequent tags with their numbers of contacts, counted like in the list of tags."""
    # Only after a merge of tags can a contact have two numbers that show the same name.
    once = "distinct" if catalog.stale_tags else ""
    rows = await conn.fetch(
        f"""with sets as materialized (
                -- Many contacts have the same set: it is unnested once.
                select c.tag_ids, count(*) as contacts
                  from contacts c
                 where c.workspace_id = $1 and c.deleted_at is null
                 group by 1
            ), shown as (
                select {once} s.tag_ids, s.contacts, coalesce(t.merged_into, t.id) as tag
                  from sets s
                 cross join unnest(s.tag_ids) as carried (id)
                  join tags t on t.workspace_id = $1 and t.id = carried.id and t.deleted_at is null
            ), counted as (
                select s.tag, sum(s.contacts)::bigint as contacts from shown s group by s.tag
            )
            select t.name, n.contacts
              from counted n
              join tags t on t.workspace_id = $1 and t.id = n.tag and t.deleted_at is null
             order by n.contacts desc, t.name collate "C"
             limit $2""",
        catalog.workspace_id,
        most,
    )
    return [(row[0], row[1]) for row in rows]
