"""Idempotency-Key: the first answer to a request is stored for a day and returned again.

The record is written in the transaction of the change, so that neither can exist without the other. Its age
is by the database's clock; a record from more than a day in the future has expired too, because the clock was
set back.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec

from contactory.base.ids import parse_id
from contactory.database.db import LOCK_TIMEOUT, Connection, Database, translated
from contactory.database.statements import affected
from contactory.rules.errors import Conflict, FieldError, IdempotencyMismatch, Problem, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call

KEPT = timedelta(hours=24)
_PIECE = 5000
_WAIT = "150ms"  # For another process with the same request: its answer may be available soon.

Render = Callable[[Call, Problem], Response]


def idempotency_key(call: Call) -> str | None:
    """The request's key, if it has one. Raises ValidationProblem if it is not valid."""
    key = call.request.header("idempotency-key")
    if key is None or not call.operation.idempotent:
        return None
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        detail = "Idempotency-Key must have 1 to 255 printable ASCII characters"
        raise ValidationProblem(detail, [FieldError(None, "Idempotency-Key", "invalid_key", detail)])
    return key


def fingerprint(call: Call, body: bytes) -> bytes:
    """The fingerprint of a request: a hash of its method, path, query and body."""
    request = call.request
    parts = (request.method, request.path, request.query_string, request.header("if-match") or "")
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + body).digest()


async def run_once(
    call: Call, key: str, body: bytes, run: Callable[[Call], Awaitable[Response]], render: Render
) -> Response:
    """The answer of `run`, or the stored answer for this key.

    Raises Conflict (retryable) while the first is in progress, and IdempotencyMismatch for another request.
    """
    owner = (call.actor.id or call.actor.account_id, key)
    if owner in call.app.in_flight:
        raise _in_flight()
    call.app.in_flight.add(owner)
    try:
        async with call.work.whole() as conn:
            kept = await _claim(conn, owner, fingerprint(call, body))
            if kept is not None:
                return kept
            response = await _answer(call, run, render)
            if response.status < 500 and response.status not in (401, 403, 429):
                await _keep(conn, owner, call, response)
                return response
            raise _NotKept(response)
    except _NotKept as unkept:
        return unkept.response
    finally:
        call.app.in_flight.discard(owner)


class _NotKept(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _in_flight() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key is still in progress: try again in a moment.",
        headers={"Retry-After": "1"},
        retryable=True,
    )


_CLAIM = """
insert into idempotency_records (key_id, key, fingerprint, created_at) values ($1, $2, $3, now())
    on conflict (key_id, key) do update
       set fingerprint = excluded.fingerprint, status = null, created_at = excluded.created_at
     where idempotency_records.created_at not between now() - $4::interval and now() + $4::interval
returning true
"""


async def _claim(conn: Connection, owner: tuple[str, str], print_: bytes) -> Response | None:
    """Reserves the key for this transaction, or returns its stored answer."""
    await conn.execute(f"set local lock_timeout = '{_WAIT}'")
    try:
        claimed = await conn.fetchval(_CLAIM, *owner, print_, KEPT)
    except LOCK_TIMEOUT:
        raise _in_flight() from None
    await conn.execute("set local lock_timeout = 0")
    if claimed:
        return None
    row = await conn.fetchrow(
        "select fingerprint, status, headers, body from idempotency_records where key_id = $1 and key = $2",
        *owner,
    )
    if row is None:
        raise _in_flight()
    if row["fingerprint"] != print_:
        raise IdempotencyMismatch
    headers = [tuple(pair) for pair in msgspec.json.decode(row["headers"])]
    return Response(row["status"], row["body"], [*headers, ("idempotency-replayed", "true")])


async def _answer(call: Call, run: Callable[[Call], Awaitable[Response]], render: Render) -> Response:
    """The answer of `run`; if it is a problem, its writes are rolled back."""
    try:
        with translated():
            async with call.transaction():
                return await run(call)
    except Problem as problem:
        return render(call, problem)


def _subjects(call: Call, response: Response) -> list[str]:
    """The ids by which a purge finds the answer: of the contacts whose values it may contain.

    A refusal quotes the request, so it belongs to every contact that the request was about.
    """
    found = set(call.touched)
    if response.status >= 400:
        found.update(call.named, filter(None, map(parse_id, call.path.values())))
    return list(found)


async def _keep(conn: Connection, owner: tuple[str, str], call: Call, response: Response) -> None:
    headers: Any = msgspec.json.encode(response.headers).decode()
    await conn.execute(
        """update idempotency_records set status = $3, headers = $4, body = $5, contact_ids = $6
            where key_id = $1 and key = $2""",
        *owner,
        response.status,
        headers,
        response.body,
        _subjects(call, response),
    )


_FORGET = """
with old as materialized (
    select key_id, key from idempotency_records where created_at < now() - $1::interval
     order by created_at limit $2 for update skip locked
), ahead as materialized (
    -- Stored before the clock was set back.
    select key_id, key from idempotency_records where created_at > now() + $1::interval
     order by created_at limit $2 for update skip locked
)
delete from idempotency_records r using (select * from old union all select * from ahead) gone
 where r.key_id = gone.key_id and r.key = gone.key
"""


async def forget(db: Database) -> tuple[int, bool]:
    """Deletes a piece of the expired answers.

    Returns how many, and whether there may be more.
    """
    async with db.connection() as conn:
        count = affected(await conn.execute(_FORGET, KEPT, _PIECE))
    return count, count >= _PIECE
