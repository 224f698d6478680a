"""Look-ups and locks of contacts for writes, and the lane that commits batches of changes."""

from collections.abc import Sequence

import msgspec

from contactory.base.settings import Settings
from contactory.contacts.objections import Taker, take_over
from contactory.contacts.write.change import Change, Outcome, change, make_tags
from contactory.contacts.write.queue import Apart
from contactory.database.db import COLLISION, LOCK_TIMEOUT, REFUSED, Connection, Lane, translated
from contactory.rules.actor import Actor
from contactory.rules.errors import Conflict, Unavailable

ATTEMPTS = 5
_LOCATE = """
select c.workspace_id::text
  from workspaces w
  join contacts c on c.workspace_id = w.id and c.id = $3
 where w.account_id = $1 and w.mode = $2 and w.deleted_at is null
"""


async def locate(conn: Connection, actor: Actor, contact_id: str) -> str | None:
    """The workspace of a contact (deleted or not), among those that an account-scoped actor sees."""
    return await conn.fetchval(_LOCATE, actor.account_id, actor.mode, contact_id)


_FIND_IDS = """
select c.id::text, true, (c.email_key = $3) is true
  from contacts c
 where c.workspace_id = $1 and c.deleted_at is null and c.phone = $2
union all
select c.id::text, false, true
  from contacts c
 where c.workspace_id = $1 and c.deleted_at is null and c.email_key = $3 and (c.phone = $2) is not true
"""


class Found(msgspec.Struct):
    """The active contacts that have a phone or an e-mail."""

    by_phone: str | None = None
    by_email: str | None = None

    @property
    def id(self) -> str | None:
        """The contact for an upsert."""
        return self.by_phone or self.by_email

    def has(self, phone: str | None, email_key: str | None) -> bool:
        """Whether that contact has all that were looked for."""
        return (not phone or self.by_phone == self.id) and (not email_key or self.by_email == self.id)


async def find(conn: Connection, workspace_id: str, phone: str | None, email_key: str | None) -> Found:
    """The active contacts of a workspace with this phone and with this e-mail."""
    rows = await conn.fetch(_FIND_IDS, workspace_id, phone, email_key)
    found = Found()
    for row in rows:
        if row[1]:
            found.by_phone = row[0]
        if row[2]:
            found.by_email = row[0]
    return found


async def identifiers(conn: Connection, workspace_id: str, contact_id: str) -> tuple[str | None, str | None]:
    """The phone and the key of the e-mail of a contact, deleted or not; None for a missing one."""
    row = await conn.fetchrow(
        "select phone, email_key from contacts where workspace_id = $1 and id = $2", workspace_id, contact_id
    )
    return tuple(row) if row else (None, None)


async def lock(conn: Connection, workspace_id: str, contact_ids: Sequence[str]) -> None:
    """Locks contacts that a transaction will change one after the other.

    Uses the same order as every statement, so that two such transactions cannot deadlock.
    """
    await conn.execute(
        """select from contacts where workspace_id = $1 and id = any($2::text[]::uuid[])
            order by workspace_id, id for update""",
        workspace_id,
        contact_ids,
    )


async def apply_changes(conn: Connection, changes: Sequence[Change], settings: Settings) -> list[Outcome]:
    """Writes changes of different contacts, with their tags, all or none.

    A contact that gets a phone or an e-mail gets the objections of deleted contacts that had it. Raises Apart
    if one of several is refused (nothing is stored), and Violation if a single one uses another contact's
    phone or e-mail.
    """
    limits = (settings.max_tags_per_contact, settings.max_custom_characters)
    try:
        if not any(c.new_tags or c.may_gain for c in changes):
            with translated():
                return await change(conn, changes, *limits)
        return await _apply_in_steps(conn, changes, settings.max_tags, limits)
    except Conflict as refusal:
        if len(changes) > 1:
            raise Apart from refusal
        raise
    except _Unmade as unmade:
        if len(changes) > 1:
            raise Apart from unmade
        return unmade.outcomes


class _Unmade(Exception):
    """A change with new tags was not written, so the tags must not stay either."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__()
        self.outcomes = outcomes


async def _apply_in_steps(
    conn: Connection, changes: Sequence[Change], max_tags: int, limits: tuple[int, int]
) -> list[Outcome]:
    with translated():
        async with conn.transaction():
            made = await make_tags(conn, changes, max_tags)
            resolved = [_with_tags(c, made) if c.new_tags else c for c in changes]
            outcomes = await change(conn, resolved, *limits)
            for c, outcome in zip(changes, outcomes, strict=True):
                if c.new_tags and outcome.verdict not in ("changed", "same"):
                    raise _Unmade(outcomes)
                outcome.made_tags = [(name, made[c.workspace_id, name]) for name in c.new_tags]
            await take_over(
                conn,
                [
                    Taker(c.workspace_id, c.contact_id, c.undated)
                    for c, outcome in zip(changes, outcomes, strict=True)
                    if c.may_gain and outcome.verdict == "changed"
                ],
            )
    return outcomes


def _with_tags(c: Change, made: dict[tuple[str, str], int]) -> Change:
    ids = {*c.tag_ids, *(made[c.workspace_id, name] for name in c.new_tags)}
    return msgspec.structs.replace(c, tag_ids=sorted(ids))


class ChangeLane:
    """Commits batches of changes through a connection of its own: a lane of the Writer."""

    def __init__(self, lane: Lane, settings: Settings) -> None:
        self._lane = lane
        self._settings = settings

    async def __call__(self, changes: Sequence[Change]) -> list[Outcome]:
        """Commits a batch. Raises Apart, Violation, or Unavailable if the outcome is not known."""
        for _ in range(ATTEMPTS):
            conn = await self._lane.connection()
            try:
                return await apply_changes(conn, changes, self._settings)
            except COLLISION:
                continue
            except REFUSED as refusal:
                if len(changes) > 1:
                    raise Apart from refusal
                if not isinstance(refusal, LOCK_TIMEOUT):
                    raise
                break
            except Unavailable:
                self._lane.drop()
                raise
        if len(changes) > 1:  # Two of them collide with each other, or with the same other transaction.
            raise Apart
        raise Unavailable("Other requests are changing the contact: try again in a second.")
