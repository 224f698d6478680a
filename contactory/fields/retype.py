"""Changing the type of a custom field while its contacts are being written.

First the field gets a next type, and from then on new values must fit both types. When every statement that
was running before has ended, no new value can be wrong, so a scan of the values is then final. At every
moment all values fit the type that the field shows, even after a crash.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import bump
from contactory.database.db import Connection, Database
from contactory.database.shares import Use
from contactory.events.record import previous_at, record, version_after
from contactory.fields.model import CustomField, FieldPatch
from contactory.fields.store import change_field
from contactory.rules.actor import Actor
from contactory.rules.checks import quote
from contactory.rules.errors import Conflict, FieldError, Unavailable
from contactory.rules.invalid import Invalid
from contactory.values.field_types.registry import text_form, type_of

_PATIENCE_SECONDS = 4.0
_POLL_SECONDS = 0.01
_PAGE = 2000
_LISTED = 10
_SHORT = 100
_ABANDONED = timedelta(minutes=10)
_NO_ID = "00000000-0000-0000-0000-000000000000"


async def key_in_change(conn: Connection, field: CustomField, new_type: str | None) -> str | None:
    """The field's key in contacts.fields if its type must change, or if a change was left unfinished."""
    if new_type is None:
        return None
    return await conn.fetchval(
        """select num::text from custom_fields
            where workspace_id = $1 and id = $2 and (type <> $3 or next_type is not null)""",
        field.workspace_id,
        field.id,
        new_type,
    )


class _Value(NamedTuple):
    contact_id: str
    text: str
    deleted: bool


# A fixed number of contacts at a time, and not of found values, so that no statement takes long.
# Short values that match $4 fit without a further check.
_SCAN = f"""
with page as materialized (
    select c.id, left(c.fields ->> $2, $5) as value, c.deleted_at is not null as deleted
      from contacts c
     where c.workspace_id = $1 and c.id > $3
     order by c.id
     limit {_PAGE}
)
select (select p.id::text from page p order by p.id desc limit 1),
       (select coalesce(jsonb_agg(jsonb_build_array(id, value, deleted) order by id), '[]')
          from page
         where value !~ $4 or length(value) > {_SHORT})
"""


async def _scan(conn: Connection, workspace_id: str, key: str, new_type: str) -> AsyncGenerator[list[_Value]]:
    """The values of all contacts, including deleted ones, that need a check, a page at a time."""
    after: str | None = _NO_ID
    wanted = type_of(new_type)
    while after is not None:
        [row] = await conn.fetch(_SCAN, workspace_id, key, after, wanted.plain, wanted.longest + 1)
        after = row[0]
        yield msgspec.json.decode(row[1], type=list[_Value])


async def refuse_misfits(conn: Connection, workspace_id: str, key: str, new_type: str) -> None:
    """Raises Conflict with some of the contacts if values of the field do not fit the type."""
    errors: list[FieldError] = []
    async for page in _scan(conn, workspace_id, key, new_type):
        for value in page:
            try:
                text_form(new_type, value.text)
            except Invalid as misfit:
                what = "The value of a deleted contact" if value.deleted else quote(value.text)
                detail = f"{what} does not fit the type {new_type}: it {misfit.detail}"
                errors.append(FieldError("/type", None, misfit.code, detail, None, value.contact_id))
        if len(errors) >= _LISTED:
            break
    if errors:
        raise Conflict(errors=errors[:_LISTED])


class TypeChange:
    """One attempt to give a field another type."""

    def __init__(
        self,
        db: Database,
        field: CustomField,
        key: str,
        patch: FieldPatch,
        new_type: str,
        actor: Actor,
        request_id: str,
    ) -> None:
        self._db = db
        self._workspace_id = field.workspace_id
        # A share of its own, because a request with an Idempotency-Key holds a connection in the meantime. It
        # has no kind: it must not wait for slow requests, nor take their place while it rewrites many values.
        self._use = Use(f"{field.workspace_id} retype")
        self._field_id = field.id
        self._key = key
        self._patch = patch
        self._type = new_type
        self._actor = actor
        self._request_id = request_id
        self._at: datetime | None = None
        """The time of its announcement, by the database's clock."""

    async def run(self) -> CustomField:
        """Changes the field by the patch; returns the changed field.

        Raises Conflict if values do not fit, if another field has the name, or if another attempt has started
        (retryable); Unavailable if earlier writes do not end. Then nothing has changed.
        """
        await self._refuse_misfits()
        await self._announce()
        try:
            await self._wait_for_older_writes()
            await self._refuse_misfits()
            changed = await self._take_effect()
        except BaseException:
            await self._withdraw()
            raise
        await self._rewrite()
        return changed

    async def _refuse_misfits(self) -> None:
        async with self._db.connection(self._use) as conn:
            await refuse_misfits(conn, self._workspace_id, self._key, self._type)

    async def _announce(self) -> None:
        async with self._db.transaction(self._use) as conn:
            await bump(conn, self._workspace_id)
            self._at = await conn.fetchval(
                """update custom_fields set next_type = $3, next_type_at = clock_timestamp()
                    where workspace_id = $1 and id = $2 and deleted_at is null returning next_type_at""",
                self._workspace_id,
                self._field_id,
                self._type,
            )

    async def _wait_for_older_writes(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        async with self._db.connection(self._use) as conn:
            older = await _writers(conn)
            while older:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "Contacts are being written by a long transaction: try again in a second."
                    )
                await asyncio.sleep(_POLL_SECONDS)
                older &= await _writers(conn)

    async def _take_effect(self) -> CustomField:
        async with self._db.transaction(self._use) as conn:
            changed = await change_field(conn, self._workspace_id, self._field_id, self._patch)
            if not await self._is_current(conn):
                raise Conflict(
                    "Another request is changing the type of this field: try again.", retryable=True
                )
            return changed

    async def _is_current(self, conn: Connection) -> bool:
        return await conn.fetchval(
            """select exists (select from custom_fields
                               where workspace_id = $1 and id = $2 and next_type_at = $3)""",
            self._workspace_id,
            self._field_id,
            self._at,
        )

    async def _withdraw(self) -> None:
        async with self._db.transaction(self._use) as conn:
            await _end(conn, self._workspace_id, self._field_id, self._at)

    async def _rewrite(self) -> None:
        """Rewrites the values whose form is different in the new type."""
        async with self._db.connection(self._use) as conn:
            async for page in _scan(conn, self._workspace_id, self._key, self._type):
                changes = [(value, self._form_of(value.text)) for value in page]
                await self._rewrite_page(
                    conn, [(v.contact_id, v.text, new) for v, new in changes if new != v.text]
                )
        await self._withdraw()

    def _form_of(self, text: str) -> str:
        try:
            return text_form(self._type, text)
        except Invalid:  # Another change of the type has taken effect meanwhile, and allows this value.
            return text

    async def _rewrite_page(self, conn: Connection, changes: list[tuple[str, str, str]]) -> None:
        if not changes:
            return
        ids, olds, news = zip(*changes, strict=True)
        event_ids = [new_id() for _ in changes]
        await conn.execute(
            _REWRITE,
            self._workspace_id,
            self._field_id,
            self._at,
            self._key,
            ids,
            olds,
            news,
            event_ids,
            datetime.now(UTC),
            self._actor.type,
            self._actor.id,
            self._request_id,
            self._actor.via,
        )


# A transaction that writes contacts holds this lock from before its statement's snapshot until its end.
_WRITERS = """
select l.virtualtransaction
  from pg_locks l
  join pg_database d on d.oid = l.database and d.datname = current_database()
 where l.locktype = 'relation' and l.relation = 'contacts'::regclass
   and l.mode = 'RowExclusiveLock' and l.granted
"""


async def _writers(conn: Connection) -> set[str]:
    """The transactions that are writing contacts at this moment."""
    return {row[0] for row in await conn.fetch(_WRITERS)}


_REWRITE = f"""
with input as materialized (
    select * from unnest($5::uuid[], $6::text[], $7::text[], $8::uuid[]) as i (id, old, new, event_id)
), locked as materialized (
    select c.id, i.old, i.new, i.event_id, c.fields, c.version, c.updated_at,
           greatest($9::timestamptz, c.updated_at + interval '1 microsecond') as at
      from input i
      join custom_fields f on f.workspace_id = $1 and f.id = $2 and f.next_type_at = $3
      join contacts c on c.workspace_id = $1 and c.id = i.id and c.fields ->> $4::text = i.old
     order by c.id
       for update of c
), updated as (
    update contacts c
       set fields = l.fields || jsonb_build_object($4::text, l.new),
           version = c.version + 1, updated_at = l.at
      from locked l
     where c.workspace_id = $1 and c.id = l.id
    returning $1::uuid as workspace_id, c.id as contact_id,
           {version_after("c.version", "l.version")} as version, event_id as id,
           'contact.updated' as type, l.at, {previous_at("l.updated_at", "l.at")} as previous_at,
           $10::text as actor_type, $11::uuid as actor_id, $13::text as via, $12::text as request_id,
           jsonb_build_object('customFields', jsonb_build_object($4::text, jsonb_build_array(old, new)))
           as changes
)
{record("updated")}
"""


async def _end(conn: Connection, workspace_id: str, field_id: str, at: datetime | None) -> None:
    """Ends the attempt with that time; does nothing if it has ended already."""
    await bump(conn, workspace_id)
    await conn.execute(
        """update custom_fields set next_type = null, next_type_at = null
            where workspace_id = $1 and id = $2 and next_type_at = $3""",
        workspace_id,
        field_id,
        at,
    )


async def end_abandoned(db: Database) -> int:
    """Ends the attempts that a crash has left behind, so that values must fit only one type again.

    Returns how many there were.
    """
    async with db.connection() as conn:
        rows = await conn.fetch(
            """select workspace_id::text, id::text, next_type_at from custom_fields
                where next_type <> type
                  and next_type_at not between now() - $1::interval and now() + $1::interval
                limit 100""",
            _ABANDONED,
        )
    for row in rows:
        async with db.transaction() as conn:
            await _end(conn, *row)
    return len(rows)
