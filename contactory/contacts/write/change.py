"""Changes of contacts, and their outcomes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from contactory.catalog.catalog import Catalog, hold
from contactory.contacts.consent import Given, undated
from contactory.contacts.model import Values
from contactory.contacts.write.draft import Draft, Origin
from contactory.contacts.write.statement import (
    CONSENT,
    EMAIL,
    FIELDS,
    FIELDS_CLEAR,
    FIRST_NAME,
    LAST_NAME,
    LONG,
    LONG_KEYED,
    NO_GAIN,
    PHONE,
    RESTORE,
    SHORT,
    SHORT_KEYED,
    STALE_TAGS,
    TAGS_ADD,
    TIMEZONE,
    USUAL,
)
from contactory.database.answers import Claim
from contactory.database.db import Connection
from contactory.rules.errors import Conflict

_encode = msgspec.json.Encoder().encode
_BITS = {"firstName": FIRST_NAME, "lastName": LAST_NAME, "email": EMAIL, "phone": PHONE, "timezone": TIMEZONE}

_ADDRESSES = EMAIL | PHONE | RESTORE


class Zone(NamedTuple):
    """A contact's time zone, its source, and all possible zones if there are several."""

    timezone: str | None
    source: str | None
    zones: list[str] | None


class Change(Draft, kw_only=True, omit_defaults=True):
    """One change of one contact, in the form of the statement; `mask` says what it changes.

    Only a restored zone has `timezone_source` and `timezones`; any other zone comes from the caller.
    """

    contact_id: str
    mask: int
    if_match: list[int] | None = None
    """The versions, one of which the contact must have."""
    expected: Mapping[str, str | None] = {}
    """The values that an undo must find, by the history's names; custom fields by their keys."""
    tag_ids_off: list[int] = []
    fields: dict[str, str | None] = {}
    consent: Mapping[str, Given] = {}
    cause_type: str | None = None
    cause_id: str | None = None
    """The cause of the change, in addition to the actor: for an undo, the event that it undoes."""
    claim_owner: str | None = None
    claim_key: str | None = None
    claim_fingerprint: bytes = b""
    claim_lock: int | None = None
    """The Idempotency-Key for which the answer is kept, if the change is written."""

    @property
    def key(self) -> tuple[str, str]:
        """The contact."""
        return self.workspace_id, self.contact_id

    @property
    def may_gain(self) -> bool:
        """Whether it may give the contact a phone or an e-mail that it did not have before."""
        mask = self.mask
        if not mask & _ADDRESSES or mask & NO_GAIN:
            return False
        return bool(mask & RESTORE or (mask & PHONE and self.phone) or (mask & EMAIL and self.email))

    @property
    def undated(self) -> list[str]:
        """The channels for which it grants a consent without its time."""
        return undated(self.consent)

    def take(self, values: Values, catalog: Catalog) -> None:
        """Writes `values`, and adds their tags."""
        for name, bit in _BITS.items():
            if name in values.given:
                self.mask |= bit
        self.take_scalars(values)
        if values.tags:
            self.take_tags(values.tags, catalog, TAGS_ADD)
        if values.fields:
            cleared = FIELDS_CLEAR if None in values.fields.values() else 0
            self.mask |= FIELDS | cleared
            self.fields = values.fields
        if values.consent:
            self.take_consent(values.consent)

    def take_zone_back(self, zone: Zone) -> None:
        """Restores an earlier time zone, for an undo."""
        self.mask |= TIMEZONE
        self.timezone, self.timezone_source, self.timezones = zone

    def take_tags(self, names: list[str], catalog: Catalog, mode: int) -> None:
        """Adds or sets the tags with these names."""
        self.mask |= mode
        self.take_tag_names(names, catalog)

    def take_claim(self, claim: Claim) -> None:
        """Keeps the answer for an Idempotency-Key."""
        self.claim_owner, self.claim_key = claim.owner, claim.key
        self.claim_fingerprint, self.claim_lock = claim.fingerprint, claim.lock

    def take_consent(self, given: Mapping[str, Given]) -> None:
        """Writes the sent parts of a consent."""
        self.mask |= CONSENT
        self.consent = given


def new_change(origin: Origin, catalog: Catalog, contact_id: str, mask: int = 0) -> Change:
    """An empty change of a contact."""
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
    "changed",
    "same",
    "missing",
    "stale",
    "version",
    "moved",
    "overtaken",
    "tags",
    "characters",
    "unclear",
]


class Outcome(msgspec.Struct):
    """The outcome of a change, and the contact's current row (None if the contact is missing).

    `stale`: the catalogue of the change is out of date. `version`: If-Match does not match. `moved`: an
    upsert's contact no longer has that phone or e-mail. `overtaken`: a value that an undo would restore has
    been changed again. `tags`, `characters`: a limit was exceeded. `unclear`: the change has an
    Idempotency-Key that has an answer or is in use, or its contact is missing.

    For a change with a claim that was written, the row has the kept body as `answer`.
    """

    verdict: Verdict
    row: Any = None
    made_tags: list[tuple[str, int]] = []


_STATEMENTS = {
    (True, False): SHORT,
    (False, False): LONG,
    (True, True): SHORT_KEYED,
    (False, True): LONG_KEYED,
}


async def change(
    conn: Connection, changes: Sequence[Change], max_tags: int, max_characters: int
) -> list[Outcome]:
    """Writes all `changes` in one statement, and returns the outcome of each, in their order.

    A contact may be in `changes` only once, and the tags must exist. Raises Violation if one of them uses the
    phone or e-mail of another contact; then none is written.
    """
    outcomes = [Outcome("missing" if c.claim_key is None else "unclear") for c in changes]
    usual = all(c.mask & ~USUAL == 0 for c in changes)
    keyed = any(c.claim_key is not None for c in changes)
    statement = _STATEMENTS[usual, keyed]
    document = _encode(changes).decode()
    for row in await conn.fetch(statement, document, max_tags, max_characters):
        place: int = row[0]
        outcome = outcomes[place - 1]
        outcome.verdict = row[1]
        outcome.row = row
    return outcomes


_MAKE_TAGS = """
insert into tags (workspace_id, name, created_at)
select i.workspace_id, i.name, i.at
  from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as i (workspace_id, name, at)
 order by 1, 2  -- The same order in all transactions that create several at once.
    -- An update without a change: only this waits for a tag that another transaction creates, and sees it.
    on conflict (workspace_id, name) where deleted_at is null and merged_into is null
    do update set name = tags.name
returning workspace_id::text, name, id
"""


class Tagged(Protocol):
    """An object with tags that may have to be created."""

    workspace_id: str
    new_tags: list[str]
    at: datetime


async def make_tags(conn: Connection, changes: Sequence[Tagged], max_tags: int) -> dict[tuple[str, str], int]:
    """Creates the missing tags of `changes`, in a transaction; returns their ids by workspace and name.

    Raises Conflict if a workspace would have more than `max_tags`.
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
"""Tags that other transactions may be creating at the same moment."""


async def _overfull(conn: Connection, workspaces: list[str], max_tags: int) -> bool:
    """Whether a workspace has more tags, including those that other transactions are creating."""
    if not await conn.fetchval(_MORE_THAN, workspaces, max_tags - _BEING_MADE):
        return False  # Far from the limit, transactions that create tags need not wait for each other.
    await hold(conn, workspaces)
    return await conn.fetchval(_MORE_THAN, workspaces, max_tags) is not None
