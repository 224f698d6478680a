"""Requests and answers, as the operations see them; connection.py has how they look on the wire."""

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
"""An IP address as proxies write it, some with a port."""
NOSNIFF = ("x-content-type-options", "nosniff")
JSON = "application/json"
PROBLEM = "application/problem+json"
NO_STORE = ("cache-control", "no-store")
NO_TEXT = "\ufffd"

encode_json = msgspec.json.encode
ENDS: tuple[type[BaseException], ...] = (SystemExit, KeyboardInterrupt)
"""What asks for the end of the process, wherever it is raised."""


def end_in_order() -> None:
    """The process ends as it does when its supervisor asks for it: it answers first what it has accepted."""
    signal.raise_signal(signal.SIGTERM)


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


def problem_response(problem: Problem, path: str, request_id: str) -> Response:
    """A problem as JSON (RFC 9457); `path` is that of the request."""
    body = encode_json(problem.body(quote(path), request_id))
    return Response(problem.status, body, [("content-type", PROBLEM), *problem.header_lines])


class Peer(Protocol):
    """The connection that a request came by."""

    address: str

    def want_body(self) -> None:
        """The body is waited for now."""
        ...

    def count_body(self) -> None:
        """The body of the request at work takes more memory, or less."""
        ...


class Request:
    """One request: its head, and its body as far as it has arrived."""

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
        "keep_alive",
        "key_id",
        "length",
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
        """The path as it was sent, in which an encoded slash can be told from a plain one."""
        self.encoded = b"%" in path
        """Whether anything in it is percent-encoded."""
        self.path = decoded(path) if self.encoded else path.decode("utf-8", "replace")
        self.query_string = query.decode("latin-1")
        self._headers = headers
        self._peer = peer
        sent = headers.get("x-request-id")
        self.request_id = (sent and _sane(sent)) or new_id()
        self.key_id: str | None = None
        self.user_id: str | None = None
        self.workspace_id: str | None = None
        """Who asks, and about which workspace, as far as that is known: for the log."""
        self.problem: Problem | None = None
        """What it is answered with, for the log too."""
        self.version = "1.1"
        self.keep_alive = True
        self.length = int(headers.get("content-length", b"0"))
        """Bytes of the body, where the head tells."""
        self.received = 0
        self.complete = False
        """Whether the body has arrived to its end."""
        self.dropped = False
        """Whether nothing is kept of the body."""
        self.counted = 0
        """Bytes of it that count among those of all requests (budgets.py)."""
        self._body: bytes | bytearray = b""
        self._failure: Problem | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: str) -> str | None:
        """A header's value; None where it is missing, U+FFFD (which nothing takes) where it is not ASCII.

        Several headers of one name are one, with commas (RFC 9110, section 5.3).
        """
        value = self._headers.get(name)
        if value is None:
            return None
        return value.decode() if value.isascii() else NO_TEXT

    def forwarded(self, name: str, proxies: int) -> str | None:
        """What the first of so many proxies of ours wrote into a header to which each of them adds.

        What stands before that was sent by the client, and can say anything. A proxy that replaces the header
        leaves fewer values than there are proxies: then it is the first one. None where there is nothing.
        """
        sent = self._headers.get(name)
        if not proxies or sent is None:
            return None
        values = sent.split(b",")
        value = values[-min(proxies, len(values))].strip()
        return value.decode() if value and value.isascii() else None

    def address(self, proxies: int) -> str:
        """The client's address, where so many proxies of ours each have added to X-Forwarded-For.

        One client has one address, however it or a proxy writes it: without a port and without a zone.
        """
        peer = self._peer.address.partition("%")[0]
        passed = self._headers.get("x-forwarded-for", b"").count(b",") + 1
        sent = self.forwarded("x-forwarded-for", proxies) if passed >= proxies else None
        return _normal_address(sent or "") or _normal_address(peer) or peer

    async def body(self, limit: int, timeout: float) -> bytes:
        """The whole body. Raises PayloadTooLarge past `limit` bytes, ValidationProblem after `timeout` s."""
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
        """A piece of the body has arrived. Past `limit` bytes, and once it was dropped, nothing is kept."""
        self.received += len(data)
        if self.received > limit or self.dropped:
            self._body = b""
            self._wake()
        elif not self._body:
            self._body = data
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += data

    def replace(self, body: bytes) -> None:
        """The body, once unpacked. Raises Unavailable where all requests together keep too much by it."""
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
        """Bytes of the body that are in memory."""
        return len(self._body)

    @property
    def asks_first(self) -> bool:
        """Whether the client asks first, and sends the body after the answer (RFC 9110, section 10.1.1)."""
        return self.version == "1.1" and (self.header("expect") or "").lower() == "100-continue"

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


def decoded(path: bytes) -> str:
    """A path, or a segment of one, as text. What is not UTF-8 becomes U+FFFD, which no path of ours has."""
    return unquote_to_bytes(path).decode("utf-8", "replace")


def _normal_address(text: str) -> str | None:
    """An IP address in the one way that it is written here; None where the text is not one."""
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
            raise ValidationProblem(f"The body did not arrive within {seconds:g} s: send it again.") from None

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
