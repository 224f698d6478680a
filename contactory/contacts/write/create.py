"""Creating contacts: several at once in one statement, with their history."""

from collections.abc import Sequence
from typing import Any

import msgspec

from contactory.base.ids import new_id
from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalog
from contactory.contacts.consent import born, undated
from contactory.contacts.model import SCALARS, Contact, Values, scalars_of
from contactory.contacts.objections import HAD_BEFORE, Taker, take_over
from contactory.contacts.write.change import make_tags
from contactory.contacts.write.draft import Draft, Origin
from contactory.contacts.write.lanes import ATTEMPTS
from contactory.contacts.write.queue import Apart
from contactory.database import answers
from contactory.database.answers import Answer, Claim, Unclear
from contactory.database.db import AWAY, COLLISION, LOCK_TIMEOUT, REFUSED, Connection, Lane, translated
from contactory.events.record import record
from contactory.rules.errors import Conflict, Unavailable
from contactory.values.phones import derive_zone

_encode = msgspec.json.Encoder().encode


class NewContact(Draft, kw_only=True, omit_defaults=True):
    """A contact to create, in the form of the statement."""

    made_tags: list[tuple[str, int]] = []
    """The new tags, after they were created with it."""
    fields: dict[str, str] = {}
    consent: dict[str, Any] = {}
    undated: list[str] = []
    """Channels with a granted consent but without its time."""
    id: str = msgspec.field(default_factory=new_id)
    claim: Claim | None = None
    answer: Answer | None = None
    """The Idempotency-Key of the request, and the answer that is kept for it with the contact."""
    changes: dict[str, Any] = {}
    """Its event, from when it is written."""

    @property
    def key(self) -> str:
        """Unique, because a contact that does not exist yet has no other writes."""
        return self.id

    def shown(self, tags: list[str], catalog: Catalog) -> Contact:
        """The contact as the API shows it, once it is made; `tags` are the names of its tags."""
        fields = catalog.fields_by_num.items()
        return Contact(
            id=self.id,
            workspace_id=self.workspace_id,
            **{attribute: getattr(self, attribute) for attribute in SCALARS.values()},
            tags=sorted(tags),
            custom_fields={field.name: self.fields[num] for num, field in fields if num in self.fields},
            created_at=self.at,
            updated_at=self.at,
        )

    def event(self) -> dict[str, Any]:
        """The creation in the form of the history: each value, before and after."""
        given = {name: value for name, value in scalars_of(self).items() if value is not None}
        changes: dict[str, Any] = {name: [None, value] for name, value in given.items()}
        if self.tag_ids:
            changes["tags"] = [[], self.tag_ids]
        if self.fields:
            changes["customFields"] = {num: [None, value] for num, value in self.fields.items()}
        if self.consent:
            changes["consent"] = {name: [None, value] for name, value in self.consent.items()}
        return changes


def new_contact(origin: Origin, values: Values, catalog: Catalog) -> NewContact:
    """The contact with `values`; its time zone is the given one, or that of the phone or the workspace."""
    new = NewContact(
        workspace_id=catalog.workspace_id,
        catalog_version=catalog.version,
        actor_type=origin.actor.type,
        actor_id=origin.actor.id,
        via=origin.actor.via,
        request_id=origin.request_id,
        fields={num: value for num, value in values.fields.items() if value is not None},
        consent=born(values.consent),
        undated=undated(values.consent),
    )
    new.take_scalars(values)
    new.take_tag_names(values.tags, catalog)
    new.tag_ids.sort()
    if values.timezone:
        new.timezone_source = "caller"
    else:
        derived = derive_zone(values.phone, catalog.timezone, catalog.country)
        new.timezone, new.timezone_source = derived.timezone, derived.source
        new.timezones = list(derived.zones) if len(derived.zones) > 1 else None
    return new


_STATEMENT = """
with input as materialized (
    select *
      from json_to_recordset($1) as i (
               workspace_id uuid, id uuid, catalog_version bigint,
               first_name text, last_name text, email text, email_key text, phone text,
               timezone text, timezone_source text, timezones text[], tag_ids bigint[], fields jsonb,
               consent jsonb, at timestamptz, event_id uuid, actor_type text, actor_id uuid, via text,
               request_id text, changes jsonb)
), made as (
    insert into contacts (workspace_id, id, first_name, last_name, email, email_key, phone, timezone,
                          timezone_source, timezones, tag_ids, fields, consent, version, created_at,
                          updated_at)
    select i.workspace_id, i.id, first_name, last_name, email, email_key, phone, i.timezone,
           timezone_source, timezones, coalesce(tag_ids, '{{}}'), coalesce(fields, '{{}}'), consent, 1, at, at
      from input i
     -- No join: without statistics, PostgreSQL would check every contact once for each workspace.
     where catalog_version = (select w.catalog_version from workspaces w
                               where w.id = i.workspace_id and w.deleted_at is null)
     {condition}
     order by i.workspace_id, phone, email_key
        on conflict do nothing
    returning workspace_id, id
), event as (
    select i.workspace_id, i.id as contact_id, 1 as version, event_id as id, 'contact.created' as type, at,
           null::timestamptz as previous_at, actor_type, actor_id, via, request_id,
           coalesce(changes, '{{}}') as changes
      from made join input i on i.workspace_id = made.workspace_id and i.id = made.id
), logged as (
    {event}
)
select id::text from made
{union}
"""
_ONLY_UNKNOWN = _STATEMENT.format(condition=f"and not ({HAD_BEFORE})", event=record("event"), union="")
"""For contacts whose phones and e-mails no other contact has or had: the usual ones."""
_ANY = _STATEMENT.format(
    condition="",
    event=record("event"),
    union="""union all
-- Contacts that a first attempt had committed, if the batch is tried again.
select i.id::text from input i join contacts c on c.workspace_id = i.workspace_id and c.id = i.id""",
)


async def create_contacts(
    conn: Connection, contacts: Sequence[NewContact], settings: Settings
) -> list[NewContact | None]:
    """Creates contacts, with their tags; None for each contact that was not created.

    A contact is not created if another contact has its phone or e-mail, or its workspace's catalogue has
    changed. It starts with the objections of deleted contacts that had its phone or e-mail.
    """
    with translated():
        if any(c.new_tags for c in contacts):
            return await _create_in_steps(conn, contacts, settings)
        created = await _create(conn, _ONLY_UNKNOWN, contacts)
        left = [c for c, result in zip(contacts, created, strict=True) if not result]
        if not left:
            return created
        later = {c.id: c for c in await _create_in_steps(conn, left, settings) if c}
        return [result or later.get(c.id) for c, result in zip(contacts, created, strict=True)]


async def _create_in_steps(
    conn: Connection, contacts: Sequence[NewContact], settings: Settings
) -> list[NewContact | None]:
    """Like create_contacts, in a transaction: with new tags, and objections of deleted contacts."""
    async with conn.transaction():
        made = await make_tags(conn, contacts, settings.max_tags)
        named = [_born_with_tags(c, made) if c.new_tags else c for c in contacts]
        created = await _create(conn, _ANY, named)
        if any(c.new_tags and result is None for c, result in zip(contacts, created, strict=True)):
            raise Apart
        await take_over(conn, [Taker(c.workspace_id, c.id, c.undated) for c in created if c])
        return created


def _born_with_tags(c: NewContact, made: dict[tuple[str, str], int]) -> NewContact:
    tags = [(name, made[c.workspace_id, name]) for name in c.new_tags]
    ids = {*c.tag_ids, *(tag_id for _, tag_id in tags)}
    return msgspec.structs.replace(c, tag_ids=sorted(ids), made_tags=tags)


async def _create(
    conn: Connection, statement: str, contacts: Sequence[NewContact]
) -> list[NewContact | None]:
    for contact in contacts:
        contact.changes = contact.event()
    made = await conn.fetch(statement, _encode(contacts).decode())
    ids = {row[0] for row in made}
    return [c if c.id in ids else None for c in contacts]


Result = NewContact | None | Unclear
"""None if it was not created, Unclear if its Idempotency-Key has an answer or is in use."""


async def _create_once(
    conn: Connection, contacts: Sequence[NewContact], settings: Settings
) -> Sequence[Result]:
    """Like create_contacts, and keeps the answers of those with an Idempotency-Key.

    Unclear for a contact whose key has an answer or is in use.
    """
    with translated():
        async with conn.transaction():
            reserved = await answers.reserve(conn, [c.claim for c in contacts])
            free = [c for c, is_free in zip(contacts, reserved, strict=True) if is_free]
            created = iter(await create_contacts(conn, free, settings) if free else ())
            results: list[Result] = [next(created) if is_free else Unclear() for is_free in reserved]
            made = [c for c in results if isinstance(c, NewContact)]
            await answers.insert_all(conn, [(c.claim, c.answer, c.id) for c in made if c.claim and c.answer])
    return results


class CreateLane:
    """Commits batches of new contacts through a connection of its own: a lane of the Writer."""

    def __init__(self, lane: Lane, settings: Settings) -> None:
        self._lane = lane
        self._settings = settings

    async def __call__(self, contacts: Sequence[NewContact]) -> Sequence[Result]:
        """Commits a batch; None for each contact that was not created. Raises Apart and Unavailable."""
        for _ in range(ATTEMPTS):
            conn = await self._lane.connection()
            try:
                if any(c.claim for c in contacts):
                    return await _create_once(conn, contacts, self._settings)
                return await create_contacts(conn, contacts, self._settings)
            except COLLISION:
                continue
            except (Unavailable, *AWAY) as error:
                self._lane.drop()
                raise Unavailable from error
            except (Apart, Conflict, REFUSED) as refusal:
                if len(contacts) > 1:
                    raise Apart from refusal
                if isinstance(refusal, Apart):
                    return [None]
                if not isinstance(refusal, LOCK_TIMEOUT):
                    raise
                break
        if len(contacts) > 1:  # Two of them collide with each other, or with the same other transaction.
            raise Apart
        raise Unavailable("Other requests are creating the same contacts: try again in a second.")
