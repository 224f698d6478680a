"""Search while typing, by the beginnings of words: names, e-mails, phones in any format.

The words are in a table of their own, which a job updates within about a second: an index over names on the
contacts table would have to be updated at every PATCH that changes one. Case-folded words and prefixes in a
tsvector need no extension of PostgreSQL, and take 1 to 40 ms among a million contacts. The same table has the
keys by which the grid sorts names (sorted.py).
"""

import asyncio
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec
import phonenumbers

from contactory.contacts.read.filter import Compare
from contactory.database.db import Connection, Database, Row
from contactory.rules.invalid import Invalid
from contactory.schedule.job import Piece
from contactory.values.e164 import read_e164
from contactory.values.phone_writing import plain_writing
from contactory.values.phones import normalise_phone

PIECE = 250
_IN_A_TURN = 20
_AT_ONCE = 100  # Workspaces that one step of `catch_up` looks at.
FEW = 2000  # Up to this number, matches are listed by their ids; above that, a walk finds them soon enough.
_TERMS = 8
_LONGEST = 80
_MOST_NOTED = 20_000
_LATE = timedelta(minutes=1)  # A change that began that long ago is committed, or never will be.
_SEPARATORS = str.maketrans(dict.fromkeys("._-+'\N{RIGHT SINGLE QUOTATION MARK}\"(),;:/|", " "))
_PHONE = set("0123456789+()-./\u00a0 ")


def fold(text: str) -> str:
    """Text without case and accents: Élodie and ELODIE are the same."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).replace("\0", "")


def words_of(first: str | None, last: str | None, email: str | None, phone: str | None) -> set[str]:
    """All words of a contact for the search."""
    found: set[str] = set()
    for name in filter(None, (first, last)):
        found.update(fold(name).split(), fold(name).translate(_SEPARATORS).split())
    if email:
        mailbox, _, domain = fold(email).rpartition("@")
        found.update((fold(email), domain), mailbox.translate(_SEPARATORS).split())
    if phone:
        digits = phone[1:]
        found.update((digits, _national(phone), digits[-4:]))
    return {word[:_LONGEST] for word in found}


def keys_of(first: str | None, last: str | None) -> tuple[str | None, str | None]:
    """The sort keys of a contact's first and last name; None if it has no such name."""
    one, other = (fold(name or "")[:_LONGEST] for name in (first, last))
    return f"{one}\1{other}" if first else None, f"{other}\1{one}" if last else None


@lru_cache(maxsize=8192)
def _national(e164: str) -> str:
    try:
        return str((read_e164(e164) or phonenumbers.parse(e164)).national_number)
    except phonenumbers.NumberParseException:
        return e164[1:]


def _mark(workspace_id: str) -> str:
    """The prefix of each word, so that the words of one workspace are together in the index."""
    return workspace_id[-8:]


def query_of(workspace_id: str, typed: str) -> str | None:
    """The typed text as a tsquery of prefixes that must all match; None for an empty text."""
    typed = typed[: _TERMS * _LONGEST]
    plain = plain_writing(typed)
    alternatives = [_phone_terms(plain)] if _looks_like_phone(plain) else []
    alternatives += [[term] for term in fold(typed).lstrip("@").split()[:_TERMS]] if not alternatives else []
    terms = [f"({' | '.join(_quoted(workspace_id, word) for word in any_of)})" for any_of in alternatives]
    return " & ".join(terms) or None


def _quoted(workspace_id: str, word: str) -> str:
    inner = word[:_LONGEST].replace("\\", "\\\\").replace("'", "''")
    return f"'{_mark(workspace_id)}{inner}':*"


def _looks_like_phone(typed: str) -> bool:
    return set(typed) <= _PHONE and sum(map(str.isdigit, typed)) >= 2


def _phone_terms(typed: str) -> list[str]:
    """The digits as typed, without leading zeros of a trunk or international prefix, and as they are stored
    if they are a whole number with its country code.
    """
    digits = "".join(filter(str.isdigit, typed))
    found = {digits, digits.lstrip("0")}
    with suppress(Invalid):
        found.add(normalise_phone(typed, None)[1:])
    return sorted(found - {""})


async def search(conn: Connection, workspace_id: str, query: str) -> list[str] | None:
    """The ids of the contacts that match; None if there are more than FEW."""
    rows = await conn.fetch(
        f"""select contact_id::text from contact_search
             where workspace_id = $1 and words @@ $2::tsquery limit {FEW + 1}""",
        workspace_id,
        query,
    )
    return [row[0] for row in rows] if len(rows) <= FEW else None


async def count_matches(conn: Connection, workspace_id: str, query: str, most: int) -> int:
    """How many contacts match; stops at one more than `most`."""
    return await conn.fetchval(
        f"""select count(*)
              from (select from contact_search
                     where workspace_id = $1 and words @@ $2::tsquery limit {int(most) + 1}) matched""",
        workspace_id,
        query,
    )


_READ = """
select c.id::text, c.first_name, c.last_name, c.email, c.phone
  from contacts c
 where c.workspace_id = $1 and c.id = any($2::text[]::uuid[]) and c.deleted_at is null
"""
_WRITE = """
insert into contact_search as s (workspace_id, contact_id, words, first_key, last_key)
select $1, i.id, array_to_tsvector(array(select jsonb_array_elements_text(i.words))), i.first_key, i.last_key
  from unnest($2::uuid[], $3::jsonb[], $4::text[], $5::text[]) as i (id, words, first_key, last_key)
 order by i.id
    on conflict (workspace_id, contact_id) do update
   set words = excluded.words, first_key = excluded.first_key, last_key = excluded.last_key
 where (s.words, s.first_key, s.last_key)
       is distinct from (excluded.words, excluded.first_key, excluded.last_key)
"""
_DROP = """
delete from contact_search
 where workspace_id = $1 and contact_id = any($2::text[]::uuid[]) and contact_id <> all ($3::uuid[])
"""


async def index(conn: Connection, workspace_id: str, contact_ids: Sequence[str]) -> None:
    """Updates the search words of these contacts, in a transaction."""
    rows = await conn.fetch(_READ, workspace_id, contact_ids)
    ids: list[str] = []
    words: list[str] = []
    firsts: list[str | None] = []
    lasts: list[str | None] = []
    for row in rows:
        if len(ids) % _IN_A_TURN == 0:  # A piece takes 10 ms: other requests run in between.
            await asyncio.sleep(0)
        first, last = keys_of(row[1], row[2])
        ids.append(row[0])
        words.append(_words(workspace_id, row))
        firsts.append(first)
        lasts.append(last)
    await conn.execute(_WRITE, workspace_id, ids, words, firsts, lasts)
    await conn.execute(_DROP, workspace_id, contact_ids, ids)


def _words(workspace_id: str, row: Row) -> str:
    mark = _mark(workspace_id)
    return msgspec.json.encode([mark + word for word in words_of(*row[1:])]).decode()


_DUE = """
select w.id::text, coalesce(p.at, timestamptz 'epoch') as at
  from workspaces w
  left join search_progress p on p.workspace_id = w.id
 where w.deleted_at is null
   and exists (select from contact_events e
                where e.workspace_id = w.id and e.at > coalesce(p.at, timestamptz 'epoch') and e.at <= $1)
 -- So that workspaces that always have changes do not hold up the others.
 order by at limit $2
"""
# With ties: changes at the same moment, for example of a batch, are not split.
_MISSED = """
select e.contact_id::text, e.at,
       e.type <> 'contact.updated' or e.changes ?| '{firstName,lastName,email,phone}' as findable
  from contact_events e
 where e.workspace_id = $1 and e.at > $2 and e.at <= $3
 order by e.at fetch first $4 rows with ties
"""
_DONE = """
insert into search_progress (workspace_id, at) values ($1, $2)
    on conflict (workspace_id) do update set at = greatest(search_progress.at, excluded.at)
"""


async def catch_up(db: Database) -> Piece:
    """Indexes a piece of the changes that may have been missed; returns how many.

    These are changes of a process that died, and of a release without the search.
    """
    settled, found = datetime.now(UTC) - _LATE, 0
    async with db.connection() as conn:
        due = await conn.fetch(_DUE, settled, _AT_ONCE)
    more = len(due) == _AT_ONCE
    for workspace_id, at in due:
        async with db.transaction() as conn:
            rows = await conn.fetch(_MISSED, workspace_id, at, settled, PIECE)
            changed = sorted({row["contact_id"] for row in rows if row["findable"]})
            if changed:
                await index(conn, workspace_id, changed)
            full = len(rows) >= PIECE
            await conn.execute(_DONE, workspace_id, rows[-1]["at"] if full else settled)
        found += len(rows)
        more = more or full
    return Piece(found, more)


class SearchIndex:
    """The changes of this process that are not in the search index yet."""

    def __init__(self) -> None:
        self._noted: dict[str, dict[str, None]] = {}
        self._count = 0

    def note(self, workspace_id: str, contact_ids: Iterable[str]) -> None:
        """Notes contacts with a new name, e-mail or phone, and new and deleted ones."""
        if self._count < _MOST_NOTED:  # Otherwise `catch_up` finds them.
            noted = self._noted.setdefault(workspace_id, {})
            before = len(noted)
            noted.update(dict.fromkeys(contact_ids))
            self._count += len(noted) - before

    async def work(self, db: Database) -> Piece:
        """Indexes a piece of the noted contacts, from every workspace in turn."""
        left = PIECE
        for workspace_id in list(self._noted):
            taken = self._take(workspace_id, left)
            left -= len(taken)
            async with db.transaction() as conn:
                await index(conn, workspace_id, taken)
            if left == 0:
                break
        return Piece(PIECE - left)

    def _take(self, workspace_id: str, most: int) -> list[str]:
        noted = self._noted.pop(workspace_id)
        taken = list(noted)[:most]
        for contact_id in taken:
            del noted[contact_id]
        self._count -= len(taken)
        if noted:  # To the end of the order, so that one busy workspace does not make the others wait.
            self._noted[workspace_id] = noted
        return taken


def matches(query: str, ids: list[str] | None, *, all_of_them: bool) -> Compare:
    """A condition of a list, for what `search` has found.

    `all_of_them`: every one is wanted, and not the first ones of an order.
    """
    if ids is not None:
        return Compare("id", "in", (*ids,))
    return Compare("search", "finds" if all_of_them else "meets", query)
