"""Requests and answers, as the operations see them; http_connection.py has how they look on the wire."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes

import msgspec

from contactory.errors import FieldError, PayloadTooLarge, Problem, ValidationProblem
from contactory.ids import new_id

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
JSON = "application/json"
NO_TEXT = "\ufffd"
MOST_PARAMETERS = 10_000
"""Of one query string or form: reading them takes time."""

encode_json = msgspec.json.encode


class Response(msgspec.Struct):
    """An answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = []
    stream: AsyncGenerator[bytes] | None = None
    """The body piece by piece, in place of `body`, where it is too long to be made at once."""


def json_response(status: int, value: Any, headers: list[tuple[str, str]] | None = None) -> Response:
    """An answer whose body is `value` as JSON."""
    return Response(status, encode_json(value), [("content-type", JSON), *(headers or [])])


class Peer(Protocol):
    """The connection that a request came by."""

    address: str

    def want_body(self) -> None:
        """The body is waited for now."""
        ...


class Request:
    """One request: its head, and its body as far as it has arrived."""

    __slots__ = (
        "_body",
        "_failure",
        "_headers",
        "_limit",
        "_peer",
        "_waiter",
        "complete",
        "keep_alive",
        "length",
        "method",
        "path",
        "patient",
        "query_string",
        "received",
        "request_id",
        "version",
    )

    def __init__(self, method: str, target: bytes, headers: dict[str, bytes], peer: Peer) -> None:
        """`target` is a path and a query (RFC 9112, section 3.2.1); names of headers are in lower case."""
        path, _, query = target.partition(b"?")
        self.method = method
        self.path = _text(path)
        self.query_string = query.decode("latin-1")
        self._headers = headers
        self._peer = peer
        sent = headers.get("x-request-id")
        self.request_id = (sent and _sane(sent)) or new_id()
        self.version = "1.1"
        self.keep_alive = True
        self.length = int(headers.get("content-length", b"0"))
        """Bytes of the body, where the head tells."""
        self.received = 0
        self.complete = False
        """Whether the body has arrived to its end."""
        self.patient = False
        """Whether what is larger than usual waits with the client until the body is asked for."""
        self._limit = 0
        self._body: bytes | bytearray = b""
        self._failure: Problem | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: str) -> str | None:
        """A header's value; None where it is missing, U+FFFD (which nothing takes) where it is no ASCII.

        Several headers of one name are one, with commas (RFC 9110, section 5.3).
        """
        value = self._headers.get(name)
        if value is None:
            return None
        return value.decode() if value.isascii() else NO_TEXT

    def address(self, proxies: int) -> str:
        """The client's address, where so many proxies of ours each have added to X-Forwarded-For."""
        passed = (self.header("x-forwarded-for") or "").split(",")
        if proxies and len(passed) >= proxies and passed[-proxies].strip():
            return passed[-proxies].strip()
        return self._peer.address

    async def body(self, limit: int, timeout: float) -> bytes:
        """The whole body. Raises PayloadTooLarge past `limit` bytes, ValidationProblem after `timeout` s."""
        if self.length > limit:
            raise _too_large(limit)
        self._limit, self.patient = limit, False
        if not self.complete and self._failure is None and self.received <= limit:
            await self._arrival(timeout)
        if self._failure is not None:
            raise self._failure
        if self.received > limit:
            raise _too_large(limit)
        return bytes(self._body)

    async def _arrival(self, timeout: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        self._peer.want_body()
        task = deadlines.begin(timeout)
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.keep_alive = False
            deadlines.pass_on(task, timeout)
            raise
        finally:
            deadlines.end(task)
            self._waiter = None

    def feed(self, data: bytes, limit: int) -> None:
        """A piece of the body has arrived. Past `limit` bytes, or those that were asked for, none is kept."""
        self.received += len(data)
        if self.received > max(limit, self._limit) and not self.patient:
            self._body = b""
            self._wake()
        elif not self._body:
            self._body = data
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data

    def end(self) -> None:
        """The body has arrived to its end."""
        self.complete = True
        self._wake()

    def fail(self, problem: Problem) -> None:
        """The body will not arrive: that is what is wrong with it."""
        self._failure = problem
        self._wake()

    def abandon(self) -> None:
        """The client has gone: who waits for the body is cancelled, who does not goes on."""
        self._failure = ValidationProblem("The client has gone.")
        if self._waiter is not None:
            self._waiter.cancel()

    @property
    def failure(self) -> Problem | None:
        """What was wrong with the request as HTTP."""
        return self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _text(path: bytes) -> str:
    # What is no UTF-8 becomes U+FFFD, which no path and no name of ours has.
    return (unquote_to_bytes(path) if b"%" in path else path).decode("utf-8", "replace")


def _sane(request_id: bytes) -> str | None:
    text = request_id.decode("latin-1")
    return text if _SANE_REQUEST_ID.fullmatch(text) else None


class _Deadlines:
    """Ends the waits that take too long, at the cost of one look a second, not of one timer a request."""

    def __init__(self) -> None:
        self._waits: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    def begin(self, seconds: float) -> "asyncio.Task[Any]":
        """The present task begins a wait that is cancelled after `seconds`, or up to one more."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        self._waits[task] = time.monotonic() + seconds
        return task

    def pass_on(self, task: "asyncio.Task[Any]", seconds: float) -> None:
        """The task was cancelled: raises ValidationProblem where that was for its being late."""
        if task in self._late:
            task.uncancel()
            raise ValidationProblem(f"The body did not arrive within {seconds:g} s.") from None

    def end(self, task: "asyncio.Task[Any]") -> None:
        """The wait is over, in one way or the other."""
        del self._waits[task]
        self._late.discard(task)

    async def watch(self) -> None:
        """Looks after the waits, for ever."""
        while True:
            await asyncio.sleep(1)
            now = time.monotonic()
            for task, end in list(self._waits.items()):
                if end < now and task not in self._late:
                    self._late.add(task)
                    task.cancel()


deadlines = _Deadlines()


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit} bytes: send less at once.")


def parse_query(query: str) -> dict[str, list[str]]:
    """The parameters of a query string (application/x-www-form-urlencoded), each with its values in order."""
    if query.count("&") >= MOST_PARAMETERS:
        raise ValidationProblem(f"More than {MOST_PARAMETERS:,} parameters or fields were sent: send fewer.")
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            values.setdefault(decode_part(name, "query"), []).append(decode_part(value, "query"))
    return values


def decode_part(text: str, where: str) -> str:
    """A percent-encoded part of a URL. Raises ValidationProblem where it is no UTF-8 or holds U+0000."""
    if where == "query":
        text = text.replace("+", " ")
    if "%" not in text and "\0" not in text:
        return text
    try:
        decoded = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        error = FieldError(
            parameter=where, code="invalid_encoding", detail=f"The {where} is not valid UTF-8 text"
        )
        raise ValidationProblem(errors=[error])
    return decoded
