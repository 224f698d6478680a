"""The answers that are kept for an Idempotency-Key: their table, by periods of time, and its SQL.

An answer is inserted in the transaction of its change, so that neither can exist without the other, and
dropped with its whole period. Its key belongs to an owner: an API key.

Two requests with one key cannot both be carried out. The first one holds an advisory lock until its commit,
so that a second one knows of it without waiting inside a statement. A second one that looked before that
commit, and has the lock after it, violates the unique index of the period, so that its change is undone too.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from contactory.database.db import Connection
from contactory.database.periods import Periods

KEPT = timedelta(hours=24)
_DAY = timedelta(days=1)
_PIECE = 10_000


def day_of(moment: datetime) -> datetime:
    """The beginning of the day of this moment."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def following(day: datetime) -> datetime:
    """The beginning of the next day."""
    return day + _DAY


DAYS = Periods(
    "kept_answers",
    "created_at",
    begin=day_of,
    following=following,
    label="%Y_%m_%d",
    ahead=1,
    keys=[
        # A unique index of the whole table would have to include the time.
        "alter table {name} add primary key (key_id, key)",
        # A purge finds the answers of a contact by them. Nearly all answers have only one contact.
        "create index on {name} ((contact_ids[1])) where cardinality(contact_ids) = 1",
        "create index on {name} using gin (contact_ids) where cardinality(contact_ids) > 1",
    ],
)


class Claim(msgspec.Struct, frozen=True):
    """A request with an Idempotency-Key."""

    owner: str
    key: str
    fingerprint: bytes
    """Of the request: the same key with another request is refused."""
    lock: int
    """The number of its advisory lock."""


def new_claim(owner: str, key: str, fingerprint: bytes) -> Claim:
    """The claim of a request of this owner."""
    digest = hashlib.blake2b(f"{owner} {key}".encode(), digest_size=8).digest()
    return Claim(owner, key, fingerprint, int.from_bytes(digest, signed=True))


class Answer(msgspec.Struct, frozen=True):
    """A kept answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Unclear(Exception):
    """A write was not made: its key may have an answer already, or be in use."""


class InFlight(Exception):
    """Another request with this key is in progress."""


class Mismatch(Exception):
    """The key was used for another request."""


_LOCK = "pg_try_advisory_xact_lock({})"


def reserved(number: str, owner: str, key: str) -> str:
    """SQL that reserves a key until the end of the transaction; false if it has an answer or is in use."""
    # Also an answer that has expired: begin() finds out.
    answer = f"select from kept_answers k where k.key_id = {owner} and k.key = {key}"
    return f"{_LOCK.format(number)} and not exists ({answer})"


_FIND = """
select fingerprint, status, headers, body
  from kept_answers
 where key_id = $1 and key = $2 and created_at between now() - $3::interval and now() + $3::interval
 order by created_at desc
 limit 1
"""


async def find(conn: Connection, claim: Claim) -> Answer | None:
    """The answer to this request, if it has not expired. Raises Mismatch.

    An answer from more than a day in the future has expired too: the clock was set back.
    """
    row = await conn.fetchrow(_FIND, claim.owner, claim.key, KEPT)
    if row is None:
        return None
    if row["fingerprint"] != claim.fingerprint:
        raise Mismatch
    return Answer(row["status"], msgspec.json.decode(row["headers"], type=list[tuple[str, str]]), row["body"])


async def begin(conn: Connection, claim: Claim) -> Answer | None:
    """Reserves the key for this transaction, or returns its answer. Raises InFlight and Mismatch."""
    if not await conn.fetchval(f"select {_LOCK.format('$1')}", claim.lock):
        raise InFlight
    return await find(conn, claim)


# Around the end of a day, two requests with one key could be in two unique indexes. Therefore an answer of
# the first minutes of a day is also put at the end of the day before, where it meets that of a request that
# began before it and is not visible yet.
_TIMES = """
unnest(case when {now} < date_bin('1 day', {now}, timestamptz '2001-01-01 00:00+00') + interval '10 minutes'
            then array[{now}, date_bin('1 day', {now}, timestamptz '2001-01-01 00:00+00')
                              - interval '1 microsecond']
            else array[{now}] end)
""".strip()


def keep(source: str, body: str, now: str = "now()") -> str:
    """SQL that keeps an answer for each row of `source`, which has the columns by name; `body` is SQL.

    `now` is the SQL of the present time; a long transaction cannot use that of its beginning.
    """
    return f"""
insert into kept_answers (key_id, key, fingerprint, status, headers, body, contact_ids, created_at)
select key_id, key, fingerprint, status, headers, {body}, contact_ids,
       {_TIMES.format(now=now)}
  from {source}
""".strip()


# Answers with this key have expired: begin() did not find one.
_KEEP = f"""
with expired as (
    delete from kept_answers where key_id = $1 and key = $2 returning 1
), answer as (
    select $1::uuid as key_id, $2 as key, $3::bytea as fingerprint, $4::smallint as status,
           $5::jsonb as headers, $6::bytea as body, $7::uuid[] as contact_ids
     where (select count(*) from expired) >= 0 -- so that they are deleted first
), clock as materialized (
    select clock_timestamp() as now
)
{keep("answer cross join clock", "body", "clock.now")}
"""


_RESERVE = f"""
select c.number is null or {reserved("c.number", "c.owner", "c.key")}
  from unnest($1::uuid[], $2::text[], $3::bigint[]) with ordinality as c (owner, key, number, place)
 order by c.place
"""


async def reserve(conn: Connection, claims: Sequence[Claim | None]) -> list[bool]:
    """Reserves the keys for this transaction; whether each is reserved."""
    columns = zip(*((c.owner, c.key, c.lock) if c else (None,) * 3 for c in claims), strict=True)
    return [row[0] for row in await conn.fetch(_RESERVE, *map(list, columns))]


_INSERT_ALL = f"""
with answer as (
    select key_id, key, fingerprint, status, headers, body, array[contact_id] as contact_ids
      from unnest($1::uuid[], $2::text[], $3::bytea[], $4::smallint[], $5::jsonb[], $6::bytea[], $7::uuid[])
           as i (key_id, key, fingerprint, status, headers, body, contact_id)
)
{keep("answer", "body")}
"""


async def insert_all(conn: Connection, kept: Sequence[tuple[Claim, Answer, str]]) -> None:
    """Keeps answers, each with the id of its contact, in the transaction of reserve()."""
    if not kept:
        return
    rows = [
        (c.owner, c.key, c.fingerprint, a.status, _headers(a), a.body, contact_id)
        for c, a, contact_id in kept
    ]
    await conn.execute(_INSERT_ALL, *map(list, zip(*rows, strict=True)))


def _headers(answer: Answer) -> str:
    return msgspec.json.encode(answer.headers).decode()


async def insert(conn: Connection, claim: Claim, answer: Answer, contact_ids: list[str]) -> None:
    """Keeps an answer, in the transaction of begin(); `contact_ids` are those by which a purge finds it."""
    await conn.execute(
        _KEEP,
        claim.owner,
        claim.key,
        claim.fingerprint,
        answer.status,
        _headers(answer),
        answer.body,
        contact_ids,
    )


# While a day cannot be made, its answers are in the last partition, which is never dropped.
_DELETE_EXPIRED = f"""
with expired as (
    select ctid from kept_answers_later where created_at < now() - $1::interval limit {_PIECE}
), gone as (
    delete from kept_answers_later k using expired where k.ctid = expired.ctid returning 1
)
select count(*) from gone
"""


async def delete_expired(conn: Connection) -> int:
    """Deletes expired answers that are not in a day, piece by piece; returns how many."""
    deleted = piece = await conn.fetchval(_DELETE_EXPIRED, KEPT)
    while piece == _PIECE:
        piece = await conn.fetchval(_DELETE_EXPIRED, KEPT)
        deleted += piece
    return deleted
