"""Idempotency-Key: the first answer to a request is stored for a day and returned again.

The answer is stored in the transaction of the change, so that neither can exist without the other. An
operation that is one write through a queue has that write store it, in the same statement; any other
operation runs in a transaction of its own. A refusal has changed nothing, so it is stored afterwards, unless
another process has answered the request in the meantime.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime

from contactory.base.ids import parse_id
from contactory.database import answers
from contactory.database.answers import Answer, Claim, InFlight, Mismatch, Unclear, new_claim
from contactory.database.db import LOCK_TIMEOUT, Connection, Database, translated
from contactory.rules.errors import Conflict, FieldError, IdempotencyMismatch, Problem, ValidationProblem
from contactory.web.messages import Response
from contactory.web.operations import Call

_PATIENCE = 0.15
"""Seconds for which a request waits for the first one with its key: its answer may be available soon."""
_PAUSE = 0.02
"""Seconds between two looks whether another process has answered."""

Run = Callable[[Call], Awaitable[Response]]
Render = Callable[[Call, Problem], Response]


def claim_of(call: Call, body: bytes) -> Claim | None:
    """The request's key, if it has one. Raises ValidationProblem if it is not valid."""
    key = call.request.header("idempotency-key")
    if key is None or not call.operation.idempotent:
        return None
    if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
        detail = "Idempotency-Key must have 1 to 255 printable ASCII characters"
        raise ValidationProblem(detail, [FieldError(None, "Idempotency-Key", "invalid_key", detail)])
    return new_claim(call.actor.id or call.actor.account_id, key, _fingerprint(call, body))


def _fingerprint(call: Call, body: bytes) -> bytes:
    """A hash of the request's method, path, query and body."""
    request = call.request
    parts = (request.method, request.path, request.query_string, request.header("if-match") or "")
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + body).digest()


async def run_once(call: Call, claim: Claim, run: Run, render: Render) -> Response:
    """The answer of `run`, or the stored answer for this key.

    If another request with this key is in progress, waits for it a moment, without a connection. Raises
    Conflict (retryable) if that takes longer, and IdempotencyMismatch if the key is that of another request.
    """
    loop, in_flight, owner = asyncio.get_running_loop(), call.app.in_flight, (claim.owner, claim.key)
    deadline = loop.time() + _PATIENCE
    while True:
        first = in_flight.get(owner)
        if first is not None:
            await asyncio.wait([first], timeout=deadline - loop.time())
            if first.done():
                continue
            raise _in_flight()
        in_flight[owner] = loop.create_future()
        try:
            return await _run(call, claim, run, render)
        except InFlight:
            if loop.time() + _PAUSE > deadline:
                raise _in_flight() from None
        except Mismatch:
            raise IdempotencyMismatch from None
        finally:
            in_flight.pop(owner).set_result(None)
        await asyncio.sleep(_PAUSE)


def _in_flight() -> Conflict:
    return Conflict(
        "The first request with this Idempotency-Key is still in progress: try again in a moment.",
        headers={"Retry-After": "1"},
        retryable=True,
    )


async def _run(call: Call, claim: Claim, run: Run, render: Render) -> Response:
    if not call.operation.coalesced:
        return await _in_transaction(call, claim, run, render)
    call.claim = claim
    try:
        return await run(call)
    except Problem as problem:
        response = render(call, problem)
    except Unclear:
        response = None
    finally:
        call.claim = None
    if response is not None:
        return await _refused(call, claim, response) if _is_final(response) else response
    async with call.connection() as conn:
        kept = await answers.find(conn, claim)
    return await _in_transaction(call, claim, run, render) if kept is None else _again(kept)


def _is_final(response: Response) -> bool:
    """Whether to return it again."""
    return response.status < 500 and response.status not in (401, 403, 429)


def _again(kept: Answer) -> Response:
    return Response(kept.status, kept.body, [*kept.headers, ("idempotency-replayed", "true")])


async def _refused(call: Call, claim: Claim, response: Response) -> Response:
    """Stores a refusal."""
    async with call.transaction() as conn:
        kept = await answers.begin(conn, claim)
        if kept is None:
            await _keep(conn, claim, call, response)
    return response if kept is None else _again(kept)


async def _in_transaction(call: Call, claim: Claim, run: Run, render: Render) -> Response:
    """Runs the operation and stores its answer in one transaction."""
    try:
        async with call.work.whole() as conn:
            kept = await answers.begin(conn, claim)
            if kept is not None:
                return _again(kept)
            response = await _answer(call, run, render)
            if not _is_final(response):
                raise _NotKept(response)
            await _keep(conn, claim, call, response)
            return response
    except _NotKept as unkept:
        return unkept.response


class _NotKept(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


async def _answer(call: Call, run: Run, render: Render) -> Response:
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


async def _keep(conn: Connection, claim: Claim, call: Call, response: Response) -> None:
    answer = Answer(response.status, response.headers, response.body)
    await answers.insert(conn, claim, answer, _subjects(call, response))


async def keep_days(db: Database) -> int:
    """Makes the next days of the table, and drops those with expired answers only.

    Returns how many it has made or dropped, by the database's clock. Several processes can run it at once. If
    a lock is not free, it leaves the work for the next time.

    Days that could not be made for long, for example because a transaction was left open, may have too many
    answers to be made afterwards. These are deleted when they have expired, and then the days are made.
    """
    done = 0
    with suppress(LOCK_TIMEOUT):
        async with db.connection() as conn:
            now: datetime = await conn.fetchval("select now()")
            await answers.delete_expired(conn)
            done = await answers.DAYS.make(conn, now)
            done += len(await answers.DAYS.drop(conn, now - answers.KEPT))
    return done
