"""The statement that changes contacts: one UPDATE and its history, for one contact or many at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import msgspec

from contactory.auth import Actor
from contactory.catalog import Catalog
from contactory.contacts.model import Values
from contactory.db import Connection
from contactory.errors import Conflict
from contactory.ids import new_id

# What a change does, as bits of its mask.
FIRST_NAME, LAST_NAME, EMAIL, PHONE, TIMEZONE = 1, 2, 4, 8, 16
TAGS_ADD, TAGS_SET, TAGS_REMOVE = 32, 64, 128
FIELDS, FIELDS_CLEAR = 256, 512
FILL = 1024  # Only what is empty takes the value given.
MATCH = 2048  # The contact must still have the phone or the e-mail given (an upsert found it by them).
DELETE, RESTORE = 4096, 8192
FINDABLE = FIRST_NAME | LAST_NAME | EMAIL | PHONE | DELETE | RESTORE  # What a search goes by.
STALE_TAGS = 16384  # The contact may have ids of tags that have been merged or deleted since.

_BITS = {"firstName": FIRST_NAME, "lastName": LAST_NAME, "email": EMAIL, "phone": PHONE, "timezone": TIMEZONE}


class Change(msgspec.Struct, kw_only=True):
    """One change of one contact, ready for the statement."""

    workspace_id: str
    contact_id: str
    actor: Actor
    request_id: str
    catalog_version: int
    via: str = "api"
    mask: int = 0
    if_match: str | None = None
    """Versions, one of which the contact must be at, as a PostgreSQL array."""
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None
    timezone: str | None = None
    tag_ids: list[int] = []
    new_tags: list[str] = []
    """Names of tags that are to be made."""
    fields: str = "{}"
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    event_id: str = msgspec.field(default_factory=new_id)

    @property
    def key(self) -> tuple[str, str]:
        """The contact."""
        return self.workspace_id, self.contact_id

    def take(self, values: Values, catalog: Catalog) -> None:
        """The change writes `values`, whose tags are added."""
        for name, bit in _BITS.items():
            if name in values.given:
                self.mask |= bit
        self.first_name, self.last_name = values.first_name, values.last_name
        self.email, self.email_key = values.email, values.email_key
        self.phone, self.timezone = values.phone, values.timezone
        if values.tags:
            self.take_tags(values.tags, catalog, TAGS_ADD)
        if values.fields:
            cleared = FIELDS_CLEAR if None in values.fields.values() else 0
            self.mask |= FIELDS | cleared
            self.fields = msgspec.json.encode(values.fields).decode()

    def take_tags(self, names: list[str], catalog: Catalog, mode: int) -> None:
        """The change adds or sets the tags of these names."""
        self.mask |= mode
        self.tag_ids = [catalog.tag_ids[name] for name in names if name in catalog.tag_ids]
        self.new_tags = [name for name in names if name not in catalog.tag_ids]


Verdict = Literal["changed", "same", "missing", "stale", "version", "moved", "tags", "characters"]


class Outcome(msgspec.Struct):
    """What became of a change, and the contact's row as it is now (None where the contact is missing).

    `stale`: the catalogue that the change was made by is out of date. `version`: If-Match does not hold.
    `moved`: an upsert's contact no longer has that phone or e-mail. `tags`, `characters`: a limit was passed.
    """

    verdict: Verdict
    row: Any = None
    made_tags: list[tuple[str, int]] = []


_CHANGE = f"""
with input as (
    select *
      from unnest($1::uuid[], $2::uuid[], $3::int[], $4::bigint[], $5::text[],
                  $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                  $12::text[], $13::jsonb[],
                  $14::timestamptz[], $15::uuid[], $16::text[], $17::uuid[], $18::text[], $19::text[])
           with ordinality
           as i (workspace_id, id, mask, catalog_version, if_match,
                 first_name, last_name, email, email_key, phone, timezone,
                 tags, fields,
                 at, event_id, actor_type, actor_id, via, request_id, ord)
), locked as (
    -- Locked before anything is computed, and in one order, so that batches neither deadlock nor
    -- overwrite what another one has just committed.
    select i.*, i.tags::bigint[] as given_tags, w.catalog_version as newest_catalog,
           c.first_name as o_first_name, c.last_name as o_last_name, c.email as o_email,
           c.email_key as o_email_key, c.phone as o_phone, c.timezone as o_timezone,
           c.timezone_source as o_timezone_source, c.timezones as o_timezones,
           c.tag_ids as stored_tag_ids, c.fields as o_fields, c.version as o_version,
           c.created_at, c.updated_at as o_updated_at, c.deleted_at as o_deleted_at
      from input i
      join workspaces w on w.id = i.workspace_id and w.deleted_at is null
      join contacts c on c.workspace_id = i.workspace_id and c.id = i.id
     order by c.workspace_id, c.id
       for update of c
), known as (
    select l.*,
           -- What the contact shows, so that neither a merged nor a deleted tag makes a change of none.
           case when mask & {STALE_TAGS} = 0 or mask & {TAGS_ADD | TAGS_SET | TAGS_REMOVE} = 0
                then stored_tag_ids
                else array(select distinct coalesce(t.merged_into, t.id)
                             from unnest(stored_tag_ids) stored (id)
                             join tags t on t.workspace_id = l.workspace_id and t.id = stored.id
                            where t.deleted_at is null order by 1)
           end as o_tag_ids
      from locked l
), judged as materialized (
    select m.*,
           case when (o_deleted_at is null) = (mask & {RESTORE} > 0) then 'missing'
                when catalog_version <> newest_catalog then 'stale'
                when if_match is not null and o_version <> all (if_match::bigint[]) then 'version'
                when mask & {MATCH} > 0 and (o_phone = phone or o_email_key = email_key) is not true
                then 'moved'
                when mask & {TAGS_ADD | TAGS_SET} > 0 and cardinality(n_tag_ids) > $20
                     and cardinality(n_tag_ids) > cardinality(o_tag_ids) then 'tags'
                when mask & {FIELDS} > 0 and octet_length(n_fields::text) > $21
                     and (select sum(length(v.value)) from jsonb_each_text(n_fields) v)
                         -- Who is over a limit that was lowered may still come nearer to it.
                         > greatest($21, (select sum(length(v.value)) from jsonb_each_text(o_fields) v))
                then 'characters'
                when (n_first_name, n_last_name, n_email, n_phone, n_timezone, n_tag_ids, n_fields,
                      n_deleted_at)
                     is not distinct from
                     (o_first_name, o_last_name, o_email, o_phone, o_timezone, o_tag_ids, o_fields,
                      o_deleted_at)
                then 'same' else 'changed'
           end as verdict,
           n_timezone is distinct from o_timezone as zone_changed,
           greatest(at, o_updated_at + interval '1 microsecond') as n_updated_at
      -- `offset 0` keeps the two apart: every new value is computed once, and none is stored on the way.
      from (
        select l.*,
               case when mask & {FIRST_NAME} = 0 or (mask & {FILL} > 0 and o_first_name is not null)
                    then o_first_name else first_name end as n_first_name,
               case when mask & {LAST_NAME} = 0 or (mask & {FILL} > 0 and o_last_name is not null)
                    then o_last_name else last_name end as n_last_name,
               case when mask & {EMAIL} = 0 or (mask & {FILL} > 0 and o_email is not null)
                    then o_email else email end as n_email,
               case when mask & {EMAIL} = 0 or (mask & {FILL} > 0 and o_email is not null)
                    then o_email_key else email_key end as n_email_key,
               case when mask & {PHONE} = 0 or (mask & {FILL} > 0 and o_phone is not null)
                    then o_phone else phone end as n_phone,
               case when mask & {TIMEZONE} = 0 or (mask & {FILL} > 0 and o_timezone is not null)
                    then o_timezone else timezone end as n_timezone,
               case when mask & {TAGS_ADD | TAGS_SET | TAGS_REMOVE} = 0 then o_tag_ids
                    when mask & {TAGS_REMOVE} > 0
                    then array(select t from unnest(o_tag_ids) t where t <> all (given_tags))
                    when o_tag_ids @> given_tags and (mask & {TAGS_ADD} > 0 or given_tags @> o_tag_ids)
                    then o_tag_ids
                    when mask & {TAGS_SET} > 0 then given_tags
                    else o_tag_ids || array(select t from unnest(given_tags) t where t <> all (o_tag_ids))
               end as n_tag_ids,
               case when mask & {FIELDS} = 0 then o_fields
                    when mask & {FILL} > 0 then jsonb_strip_nulls(fields) || o_fields
                    -- A stored value is never null, so stripping removes just what the change clears.
                    when mask & {FIELDS_CLEAR} > 0 then jsonb_strip_nulls(o_fields || fields)
                    else o_fields || fields
               end as n_fields,
               case when mask & {DELETE} > 0 then at when mask & {RESTORE} > 0 then null
                    else o_deleted_at end as n_deleted_at
          from known l
        offset 0
      ) m
), updated as (
    update contacts c
       set first_name = n_first_name, last_name = n_last_name, email = n_email, email_key = n_email_key,
           phone = n_phone, timezone = n_timezone, tag_ids = n_tag_ids, fields = n_fields,
           timezone_source = case when not zone_changed then o_timezone_source
                                  when n_timezone is not null then 'caller' end,
           timezones = case when not zone_changed then o_timezones end,
           version = o_version + 1, updated_at = n_updated_at, deleted_at = n_deleted_at
      from judged j
     where c.workspace_id = j.workspace_id and c.id = j.id and j.verdict = 'changed'
), logged as (
    insert into contact_events (workspace_id, contact_id, version, id, type, at,
                                actor_type, actor_id, via, request_id, changes)
    select workspace_id, id, o_version + 1, event_id,
           case when mask & {DELETE} > 0 then 'contact.deleted'
                when mask & {RESTORE} > 0 then 'contact.restored' else 'contact.updated' end,
           n_updated_at, actor_type, actor_id, via, request_id,
           -- Only what changed, each with its value before and after; arrays keep their nulls.
           jsonb_strip_nulls(jsonb_build_object(
               'firstName', case when n_first_name is distinct from o_first_name
                                 then jsonb_build_array(o_first_name, n_first_name) end,
               'lastName', case when n_last_name is distinct from o_last_name
                                then jsonb_build_array(o_last_name, n_last_name) end,
               'email', case when n_email is distinct from o_email
                             then jsonb_build_array(o_email, n_email) end,
               'phone', case when n_phone is distinct from o_phone
                             then jsonb_build_array(o_phone, n_phone) end,
               'timezone', case when zone_changed then jsonb_build_array(o_timezone, n_timezone) end,
               'tags', case when n_tag_ids is distinct from o_tag_ids
                            then jsonb_build_array(o_tag_ids, n_tag_ids) end,
               'customFields', case when n_fields is distinct from o_fields then
                   (select jsonb_object_agg(k, jsonb_build_array(o_fields -> k, n_fields -> k))
                      from jsonb_object_keys(fields) k
                     where o_fields -> k is distinct from n_fields -> k) end))
      from judged
     where verdict = 'changed'
)
select ord, verdict, n_first_name as first_name, n_last_name as last_name, n_email as email, n_phone as phone,
       n_timezone as timezone, n_tag_ids as tag_ids, n_fields as fields,
       case when verdict = 'changed' then o_version + 1 else o_version end as version, created_at,
       case when verdict = 'changed' then n_updated_at else o_updated_at end as updated_at,
       n_deleted_at as deleted_at
  from judged
"""


async def change(
    conn: Connection, changes: Sequence[Change], max_tags: int, max_characters: int
) -> list[Outcome]:
    """Makes all `changes` in one statement, and says what became of each, in their order.

    No contact may be in `changes` twice, and the tags they need must exist. Raises Violation where one of
    them takes the phone or e-mail of another contact; then none is made.
    """
    outcomes: list[Outcome] = [Outcome("missing") for _ in changes]
    rows = await conn.fetch(_CHANGE, *_columns(changes), max_tags, max_characters)
    for row in rows:
        place: int = row[0]
        outcome = outcomes[place - 1]
        outcome.verdict = row[1]
        outcome.row = row
    return outcomes


def _columns(changes: Sequence[Change]) -> list[list[Any]]:
    rows = [
        (
            c.workspace_id,
            c.contact_id,
            c.mask,
            c.catalog_version,
            c.if_match,
            c.first_name,
            c.last_name,
            c.email,
            c.email_key,
            c.phone,
            c.timezone,
            pg_array(c.tag_ids),
            c.fields,
            c.at,
            c.event_id,
            c.actor.type,
            c.actor.id,
            c.via,
            c.request_id,
        )
        for c in changes
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def pg_array(numbers: Sequence[int]) -> str:
    """A PostgreSQL array literal."""
    return "{" + ",".join(map(str, numbers)) + "}"


_MAKE_TAGS = """
insert into tags (workspace_id, name, created_at)
select i.workspace_id, i.name, i.at
  from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as i (workspace_id, name, at)
 order by 1, 2  -- One order for everybody who makes several at once.
    -- An update that changes nothing: only so is a tag waited for, and seen, that another one is making.
    on conflict (workspace_id, name) where deleted_at is null and merged_into is null
    do update set name = tags.name
returning workspace_id::text, name, id
"""


class Tagged(Protocol):
    """What brings tags that may have to be made."""

    workspace_id: str
    new_tags: list[str]
    at: datetime


async def make_tags(conn: Connection, changes: Sequence[Tagged], max_tags: int) -> dict[tuple[str, str], int]:
    """Makes the tags that `changes` lack, in a transaction; gives their ids by workspace and name.

    Raises Conflict where a workspace would have more than `max_tags`.
    """
    wanted = {(c.workspace_id, name): c.at for c in changes for name in c.new_tags}
    if not wanted:
        return {}
    workspaces, names = zip(*wanted, strict=True)
    rows = await conn.fetch(_MAKE_TAGS, workspaces, names, list(wanted.values()))
    if await conn.fetchval(_OVERFULL, list(set(workspaces)), max_tags):
        raise Conflict(f"A workspace has at most {max_tags} tags: delete or merge some first.")
    return {(row[0], row[1]): row[2] for row in rows}


_OVERFULL = """
select true from tags
 where workspace_id = any($1::uuid[]) and deleted_at is null and merged_into is null
 group by workspace_id having count(*) > $2
"""
