"""Changes of contacts, and what becomes of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from contactory.base.ids import new_id
from contactory.catalog.catalog import Catalog, hold
from contactory.contacts.consent import Given, undated
from contactory.contacts.model import Values
from contactory.contacts.write.statement import (
    CONSENT,
    EMAIL,
    FIELDS,
    FIELDS_CLEAR,
    FIRST_NAME,
    LAST_NAME,
    LONG,
    NO_GAIN,
    PHONE,
    RESTORE,
    SHORT,
    STALE_TAGS,
    TAGS_ADD,
    TIMEZONE,
    USUAL,
)
from contactory.database.db import Connection
from contactory.rules.actor import Actor
from contactory.rules.errors import Conflict

_encode = msgspec.json.Encoder().encode
_BITS = {"firstName": FIRST_NAME, "lastName": LAST_NAME, "email": EMAIL, "phone": PHONE, "timezone": TIMEZONE}

_ADDRESSES = EMAIL | PHONE | RESTORE


class Zone(NamedTuple):
    """A contact's time zone, who gave it, and every zone that is possible where there are several."""

    timezone: str | None
    source: str | None
    zones: list[str] | None


class Origin(msgspec.Struct, frozen=True):
    """Who writes, and by which request, as the history names it."""

    actor: Actor
    request_id: str


class Change(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One change of one contact, as the statement takes it; `mask` says what it does."""

    workspace_id: str
    contact_id: str
    mask: int
    catalog_version: int
    if_match: list[int] | None = None
    """Versions, one of which the contact must be at."""
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    email_key: str | None = None
    phone: str | None = None
    timezone: str | None = None
    timezone_source: str | None = None
    timezones: list[str] | None = None
    """Of a zone that is put back; any other is the caller's."""
    expected: Mapping[str, str | None] = {}
    """What an undo must find: values by the history's names, of custom fields by their keys."""
    tag_ids: list[int] = []
    new_tags: list[str] = []
    """Names of tags that are to be made."""
    tag_ids_off: list[int] = []
    fields: dict[str, str | None] = {}
    consent: Mapping[str, Given] = {}
    cause_type: str | None = None
    cause_id: str | None = None
    """The cause of the change, in addition to the actor: for an undo, the event that it undoes."""
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    event_id: str = msgspec.field(default_factory=new_id)
    actor_type: str
    actor_id: str | None
    via: str
    request_id: str

    @property
    def key(self) -> tuple[str, str]:
        """The contact."""
        return self.workspace_id, self.contact_id

    @property
    def may_gain(self) -> bool:
        """Whether it can give the contact a phone or an e-mail that the contact did not have before."""
        mask = self.mask
        if not mask & _ADDRESSES or mask & NO_GAIN:
            return False
        return bool(mask & RESTORE or (mask & PHONE and self.phone) or (mask & EMAIL and self.email))

    @property
    def undated(self) -> list[str]:
        """The channels for which it gives a consent without the time since when."""
        return undated(self.consent)

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
            self.fields = values.fields
        if values.consent:
            self.take_consent(values.consent)

    def take_zone_back(self, zone: Zone) -> None:
        """The change, an undo, makes the time zone what it was once."""
        self.mask |= TIMEZONE
        self.timezone, self.timezone_source, self.timezones = zone

    def take_tags(self, names: list[str], catalog: Catalog, mode: int) -> None:
        """The change adds or sets the tags of these names."""
        self.mask |= mode
        self.tag_ids = [catalog.tag_ids[name] for name in names if name in catalog.tag_ids]
        self.new_tags = [name for name in names if name not in catalog.tag_ids]

    def take_consent(self, given: Mapping[str, Given]) -> None:
        """The change writes what is given of the consent."""
        self.mask |= CONSENT
        self.consent = given


def new_change(origin: Origin, catalog: Catalog, contact_id: str, mask: int = 0) -> Change:
    """A change of a contact, still empty."""
    return Change(
        workspace_id=catalog.workspace_id,
        contact_id=contact_id,
        mask=mask | STALE_TAGS if catalog.stale_tags else mask,
        catalog_version=catalog.version,
        actor_type=origin.actor.type,
        actor_id=origin.actor.id,
        via=origin.actor.via,
        request_id=origin.request_id,
    )


Verdict = Literal[
    "changed", "same", "missing", "stale", "version", "moved", "overtaken", "tags", "characters"
]


class Outcome(msgspec.Struct):
    """What became of a change, and the contact's row as it is now (None where the contact is missing).

    `stale`: the catalogue that the change was made by is out of date. `version`: If-Match does not hold.
    `moved`: an upsert's contact no longer has that phone or e-mail. `overtaken`: a value that an undo would
    put back has been changed again. `tags`, `characters`: a limit was passed.
    """

    verdict: Verdict
    row: Any = None
    made_tags: list[tuple[str, int]] = []


async def change(
    conn: Connection, changes: Sequence[Change], max_tags: int, max_characters: int
) -> list[Outcome]:
    """Makes all `changes` in one statement, and says what became of each, in their order.

    No contact may be in `changes` twice, and the tags they need must exist. Raises Violation where one of
    them takes the phone or e-mail of another contact; then none is made.
    """
    outcomes: list[Outcome] = [Outcome("missing") for _ in changes]
    usual = all(c.mask & ~USUAL == 0 for c in changes)
    document = _encode(changes).decode()
    for row in await conn.fetch(SHORT if usual else LONG, document, max_tags, max_characters):
        place: int = row[0]
        outcome = outcomes[place - 1]
        outcome.verdict = row[1]
        outcome.row = row
    return outcomes


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
    if await _overfull(conn, list(set(workspaces)), max_tags):
        raise Conflict(f"A workspace has at most {max_tags} tags: delete or merge some first.")
    return {(row[0], row[1]): row[2] for row in rows}


_MORE_THAN = """
select true from tags
 where workspace_id = any($1::uuid[]) and deleted_at is null and merged_into is null
 group by workspace_id having count(*) > $2
"""
_BEING_MADE = 2_000
"""Tags that other transactions may be making at the same moment."""


async def _overfull(conn: Connection, workspaces: list[str], max_tags: int) -> bool:
    """Whether one has more tags, those counted in that others are making just now."""
    if not await conn.fetchval(_MORE_THAN, workspaces, max_tags - _BEING_MADE):
        return False  # Far from the limit, where those who make tags need not wait for each other.
    await hold(conn, workspaces)
    return await conn.fetchval(_MORE_THAN, workspaces, max_tags) is not None
