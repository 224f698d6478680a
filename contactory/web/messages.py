"""Requests and answers for the operations; connection.py has their form on the network."""

import asyncio
import re
import signal
import time
from collections.abc import AsyncGenerator
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import quote, unquote_to_bytes

import msgspec

from contactory.base.ids import new_id
from contactory.rules.errors import PayloadTooLarge, Problem, ValidationProblem

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ADDRESS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+(?=:\d+$)|[0-9A-Fa-f:.]+)(?::\d+)?")
"""An IP address in the form of proxies, some with a port."""
NOSNIFF = ("x-content-type-options", "nosniff")
JSON = "application/json"
PROBLEM = "application/problem+json"
NO_STORE = ("cache-control", "no-store")
NO_TEXT = "\ufffd"
READ_AHEAD = 64 * 1024
"""The number of waiting bytes of a body in pieces at which reading pauses until the handler takes them."""

encode_json = msgspec.json.encode
ENDS: tuple[type[BaseException], ...] = (SystemExit, KeyboardInterrupt)
"""The exceptions that end the process."""


def end_in_order() -> None:
    """Ends the process as its supervisor does: it first answers the accepted requests."""
    signal.raise_signal(signal.SIGTERM)


class Response(msgspec.Struct):
    """An answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = []
    stream: AsyncGenerator[bytes] | None = None
    """The body in pieces, instead of `body`, if it is too long to be created at once."""


def json_response(status: int, value: Any, headers: list[tuple[str, str]] | None = None) -> Response:
    """An answer whose body is `value` as JSON."""
    return Response(status, encode_json(value), [("content-type", JSON), *(headers or [])])


def problem_response(problem: Problem, path: str, request_id: str) -> Response:
    """A problem as JSON (RFC 9457); `path` is the path of the request."""
    body = encode_json(problem.body(quote(path), request_id))
    return Response(problem.status, body, [("content-type", PROBLEM), *problem.header_lines])


class Peer(Protocol):
    """The connection of a request."""

    address: str
    scheme: str
    """http or https, as the client came to the server itself."""
    mount: str
    """The path below which the server has the application; empty for all of them."""

    def want_body(self) -> None:
        """A handler waits for the body."""
        ...

    def count_body(self) -> None:
        """The body of the current request uses more memory, or less."""
        ...

    def send(self, request: "Request", response: Response) -> None:
        """Answers the request at work, with all of the answer at once."""
        ...

    async def send_stream(
        self, request: "Request", response: Response, stream: AsyncGenerator[bytes]
    ) -> None:
        """Answers the request at work piece by piece."""
        ...


class Request:
    """One request: its head, and the part of its body that has arrived."""

    __slots__ = (
        "_body",
        "_failure",
        "_headers",
        "_peer",
        "_waiter",
        "complete",
        "counted",
        "dropped",
        "encoded",
        "in_pieces",
        "keep_alive",
        "key_id",
        "length",
        "limit",
        "method",
        "path",
        "problem",
        "query_string",
        "raw_path",
        "received",
        "request_id",
        "user_id",
        "version",
        "workspace_id",
    )

    def __init__(self, method: str, target: bytes, headers: dict[str, bytes], peer: Peer) -> None:
        """`target` is a path and a query (RFC 9112, section 3.2.1); names of headers are in lower case."""
        path, _, query = target.partition(b"?")
        self.method = method
        self.raw_path = path
        """The path as sent, in which an encoded slash differs from a plain one."""
        self.encoded = b"%" in path
        """Whether the path contains percent-encoding."""
        self.path = decoded(path) if self.encoded else path.decode("utf-8", "replace")
        self.query_string = query.decode("latin-1")
        self._headers = headers
        self._peer = peer
        sent = headers.get("x-request-id")
        self.request_id = (sent and _sane(sent)) or new_id()
        self.key_id: str | None = None
        self.user_id: str | None = None
        self.workspace_id: str | None = None
        """The ids of the caller and the workspace, if known, for the log."""
        self.problem: Problem | None = None
        """The answer, also for the log."""
        self.version = "1.1"
        self.keep_alive = True
        self.length = int(headers.get("content-length", b"0"))
        """The length of the body in bytes, if the head has it."""
        self.limit = 0
        """The most bytes that the body may have."""
        self.in_pieces = False
        """Whether the handler takes the body piece by piece, which limits the speed of reading."""
        self.received = 0
        self.complete = False
        """Whether the whole body has arrived."""
        self.dropped = False
        """Whether the body is discarded."""
        self.counted = 0
        """The bytes of the body that are counted in the budget of all requests (budgets.py)."""
        self._body: bytes | bytearray = b""
        self._failure: Problem | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def scheme(self) -> str:
        """http or https, as the client came to the server itself."""
        return self._peer.scheme

    @property
    def mount(self) -> str:
        """The path below which the server has the application; empty for all of them."""
        return self._peer.mount

    def header(self, name: str) -> str | None:
        """A header's value; None if it is missing, U+FFFD (which is never valid) if it is not ASCII.

        Several headers of one name are one, with commas (RFC 9110, section 5.3).
        """
        value = self._headers.get(name)
        if value is None:
            return None
        return value.decode() if value.isascii() else NO_TEXT

    def forwarded(self, name: str, proxies: int) -> str | None:
        """The value that the first of that many trusted proxies added to a header.

        Earlier values were sent by the client and cannot be trusted. A proxy that replaces the header leaves
        fewer values than there are proxies: then it is the first value. None without a value.
        """
        sent = self._headers.get(name)
        if not proxies or sent is None:
            return None
        values = sent.split(b",")
        value = values[-min(proxies, len(values))].strip()
        return value.decode() if value and value.isascii() else None

    def address(self, proxies: int) -> str:
        """The client's address, if that many trusted proxies have added to X-Forwarded-For.

        The address is normalised: without a port and without a zone, in any form that a proxy uses.
        """
        peer = self._peer.address.partition("%")[0]
        passed = self._headers.get("x-forwarded-for", b"").count(b",") + 1
        sent = self.forwarded("x-forwarded-for", proxies) if passed >= proxies else None
        return _normal_address(sent or "") or _normal_address(peer) or peer

    async def body(self, limit: int, timeout: float) -> bytes:
        """The whole body. Raises PayloadTooLarge above `limit` bytes, ValidationProblem after `timeout` s."""
        if self.length > limit:
            raise _too_large(limit)
        if not self.complete and self._failure is None and self.received <= limit:
            await self._arrival(timeout)
        if self._failure is not None:
            raise self._failure
        if self.received > limit:
            raise _too_large(limit)
        self._body = whole = bytes(self._body)
        return whole

    async def pieces(self, limit: int, timeout: float) -> AsyncGenerator[bytes]:
        """The body piece by piece, once: while the caller handles a piece, reading pauses soon.

        Raises PayloadTooLarge above `limit` bytes, and ValidationProblem if the next piece takes more than
        `timeout` s, or the client has disconnected.
        """
        self.in_pieces = True
        if self.length > limit:
            raise _too_large(limit)
        while True:
            if not (self._body or self.complete or self._failure or self.received > limit):
                await self._arrival(timeout)
            if self._failure is not None:
                raise self._failure
            if self.received > limit:
                raise _too_large(limit)
            piece, self._body = bytes(self._body), b""
            if piece:
                yield piece
            elif self.complete:
                return

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

    def feed(self, data: bytes) -> None:
        """A piece of the body has arrived. Past the limit, and once it was dropped, nothing is kept."""
        self.received += len(data)
        if self.received > self.limit or self.dropped:
            self._body = b""
            self._wake()
            return
        if not self._body:
            self._body = data
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data
        if self.in_pieces:
            self._wake()

    def replace(self, body: bytes) -> None:
        """Sets the decompressed body. Raises Unavailable if all requests together use too much memory."""
        self._body = body
        self._peer.count_body()
        if self._failure is not None:
            raise self._failure

    def drop(self) -> None:
        """The body is not needed any more."""
        self.dropped = True
        self._body = b""

    @property
    def kept(self) -> int:
        """The bytes of the body in memory."""
        return len(self._body)

    @property
    def is_ahead(self) -> bool:
        """Whether enough of a body in pieces has arrived, so that reading can pause."""
        return self.in_pieces and len(self._body) >= READ_AHEAD

    @property
    def asks_first(self) -> bool:
        """Whether the client asks first, and sends the body after the answer (RFC 9110, section 10.1.1)."""
        return self.version == "1.1" and (self.header("expect") or "").lower() == "100-continue"

    def end(self) -> None:
        """The whole body has arrived."""
        self.complete = True
        self._wake()

    def fail(self, problem: Problem) -> None:
        """The body will not arrive, because of this problem."""
        self._failure = problem
        self._wake()

    def abandon(self) -> None:
        """The client has disconnected: cancels a handler that waits for the body, and no others."""
        self._failure = ValidationProblem("The client has disconnected.")
        if self._waiter is not None:
            self._waiter.cancel()

    @property
    def failure(self) -> Problem | None:
        """The problem of the request as HTTP."""
        return self._failure

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def decoded(path: bytes) -> str:
    """A path, or a segment of one, as text. Bytes that are not UTF-8 become U+FFFD, which no path has."""
    return unquote_to_bytes(path).decode("utf-8", "replace")


def _normal_address(text: str) -> str | None:
    """An IP address in its normal form; None if the text is not an address."""
    found = _ADDRESS.fullmatch(text)
    try:
        address = ip_address((found[1] or found[2]) if found else "")
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _sane(request_id: bytes) -> str | None:
    text = request_id.decode("latin-1")
    return text if _SANE_REQUEST_ID.fullmatch(text) else None


class _Deadlines:
    """Ends waits that take too long, with one check per second instead of one timer per request."""

    def __init__(self) -> None:
        self._waits: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()

    def begin(self, seconds: float) -> "asyncio.Task[Any]":
        """Starts a wait of the current task, which is cancelled after `seconds` or up to one more."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        self._waits[task] = time.monotonic() + seconds
        return task

    def pass_on(self, task: "asyncio.Task[Any]", seconds: float) -> None:
        """Called when the task was cancelled: raises ValidationProblem if the wait was too long."""
        if task in self._late:
            task.uncancel()
            raise ValidationProblem(f"The body did not arrive within {seconds:g} s: send it again.") from None

    def end(self, task: "asyncio.Task[Any]") -> None:
        """Ends the wait."""
        del self._waits[task]
        self._late.discard(task)

    async def watch(self) -> None:
        """Checks the waits, for ever."""
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
