"""Writing many contacts for one request: each write is of its own, but they share statements and look-ups."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

from contactory.catalog.catalog import Catalog
from contactory.contacts.identities import Identity
from contactory.contacts.model import Contact
from contactory.contacts.read.show import contact_of
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.commands import refuse
from contactory.contacts.write.context import WriteContext
from contactory.contacts.write.create import NewContact, create_contacts
from contactory.contacts.write.lanes import Found, apply_changes
from contactory.contacts.write.queue import Apart
from contactory.contacts.write.statement import FINDABLE, MATCH
from contactory.database.constraints import Violation
from contactory.database.db import COLLISION, REFUSED, Connection
from contactory.rules.errors import Conflict

T = TypeVar("T")
R = TypeVar("R")
Changed: TypeAlias = list[Outcome | Exception]
Created: TypeAlias = list[NewContact | Exception | None]


class Again(Exception):
    """Another write has got in between, or has refused this one together with others: write it alone."""


class ByAddress:
    """The contacts that were found for many writes, by phone and e-mail."""

    def __init__(self, identities: Iterable[Identity]) -> None:
        self._phones: dict[str | None, str] = {}
        self._emails: dict[str | None, str] = {}
        for each in identities:
            if each.phone:
                self._phones[each.phone] = each.id
            if each.email_key:
                self._emails[each.email_key] = each.id

    def found(self, phone: str | None, email_key: str | None) -> Found:
        """The contacts with this phone and with this e-mail."""
        return Found(self._phones.get(phone), self._emails.get(email_key))


def write_many(
    ctx: WriteContext,
    catalog: Catalog,
    changes: Sequence[Change],
    contacts: Sequence[NewContact],
    after: Awaitable[object] | None,
) -> "asyncio.Future[tuple[Changed, Created]]":
    """Commits changes and creations, each of its own; an exception in place of each refused one.

    They are in the queues when this function returns. In the transaction of the whole work they are written
    when the writes `after` which they come are done. Changes of one contact are written in their order.
    """
    if ctx.work.conn is None:
        queues = ctx.shared
        return asyncio.gather(queues.changes.put_many(changes), queues.creates.put_many(contacts))
    return asyncio.create_task(_within(ctx.work.conn, ctx, catalog, changes, contacts, after))


async def _within(
    conn: Connection,
    ctx: WriteContext,
    catalog: Catalog,
    changes: Sequence[Change],
    contacts: Sequence[NewContact],
    after: Awaitable[object] | None,
) -> tuple[Changed, Created]:
    if after is not None:
        await after
    found: dict[int, Outcome | Exception] = {}
    for places in _turns(changes):
        turn = [changes[place] for place in places]
        results = await _each(conn, turn, lambda some: apply_changes(conn, some, ctx.shared.settings))
        found.update(zip(places, results, strict=True))
    created = await _each(conn, contacts, lambda some: create_contacts(conn, some, ctx.shared.settings))
    outcomes = [found[place] for place in range(len(changes))]
    await know_tags(ctx, catalog, outcomes)
    return outcomes, created


async def know_tags(ctx: WriteContext, catalog: Catalog, outcomes: Changed) -> None:
    """Makes sure that the catalogue knows the tags of the contacts after changes."""
    found = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    for outcome in found:
        if outcome.made_tags:
            catalog.learn_tags(outcome.made_tags)
            outcome.made_tags = []
    sets = [outcome.row["tag_ids"] for outcome in found if outcome.row]
    await ctx.shared.catalogs.tag_names(catalog, sets, ctx.work.conn)


def _turns(changes: Sequence[Change]) -> list[list[int]]:
    """The places of changes that one statement can write: a contact has only one change in each turn."""
    turns: list[list[int]] = []
    seen: dict[tuple[str, str], int] = {}
    for place, change in enumerate(changes):
        turn = seen[change.key] = seen.get(change.key, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(place)
    return turns


async def _each(
    conn: Connection, items: Sequence[T], write: Callable[[Sequence[T]], Awaitable[Sequence[R]]]
) -> list[R | Exception]:
    """Writes items in one savepoint. If one is refused, both halves are written again, and so on."""
    if not items:
        return []
    try:
        async with conn.transaction():
            return [*await write(items)]
    except COLLISION:
        raise
    except (Apart, Conflict, Violation, REFUSED) as refusal:
        if len(items) == 1:
            if isinstance(refusal, REFUSED):
                raise
            return [refusal]
    half = len(items) // 2
    return [*await _each(conn, items[:half], write), *await _each(conn, items[half:], write)]


def shown_changes(
    ctx: WriteContext, catalog: Catalog, changes: Sequence[Change], outcomes: Changed
) -> Iterator[Contact | Exception]:
    """The contacts after changes, in order: or Again, or the reason of a refusal (a Problem, or Stale).

    The catalogue must know their tags. Each is rendered when it is asked for, since they may be large.
    """
    pairs = list(zip(changes, outcomes, strict=True))
    written = [(c, o.verdict) for c, o in pairs if isinstance(o, Outcome) and o.verdict in _WRITTEN]
    ctx.touched.extend(change.contact_id for change, _ in written)
    findable = [c.contact_id for c, verdict in written if c.mask & FINDABLE and verdict == "changed"]
    _note(ctx, catalog, findable)
    return (_shown(change, outcome, catalog) for change, outcome in pairs)


_WRITTEN = ("changed", "same")


def _shown(change: Change, outcome: Outcome | Exception, catalog: Catalog) -> Contact | Exception:
    if isinstance(outcome, Exception):
        return Again() if isinstance(outcome, Violation | Apart) else outcome
    if outcome.verdict in _WRITTEN:
        return contact_of(outcome.row, change.contact_id, catalog)
    return _refusal(change, outcome)


def _refusal(change: Change, outcome: Outcome) -> Exception:
    if change.mask & MATCH and outcome.verdict in ("missing", "moved"):
        return Again()
    try:
        refuse(outcome)
    except Exception as reason:
        return reason
    raise AssertionError(outcome.verdict)


def shown_creations(
    ctx: WriteContext, catalog: Catalog, names: Sequence[list[str]], created: Created
) -> Iterator[Contact | Exception]:
    """The new contacts, in order, whose tags have these names; Again if another contact has an address.

    Each is rendered when it is asked for.
    """
    made = [new for new in created if isinstance(new, NewContact)]
    for new in made:
        catalog.learn_tags(new.made_tags)
    contact_ids = [new.id for new in made]
    ctx.touched.extend(contact_ids)
    _note(ctx, catalog, contact_ids)
    return (_born(new, tags, catalog) for tags, new in zip(names, created, strict=True))


def _born(new: NewContact | Exception | None, tags: list[str], catalog: Catalog) -> Contact | Exception:
    if isinstance(new, NewContact):
        return new.shown(tags, catalog)
    return Again() if new is None or isinstance(new, Apart) else new


def _note(ctx: WriteContext, catalog: Catalog, contact_ids: list[str]) -> None:
    """The search index must take in these contacts."""
    if contact_ids:
        ctx.work.after_commit(partial(ctx.shared.search.note, catalog.workspace_id, contact_ids))
