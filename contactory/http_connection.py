"""HTTP/1.1 on one connection (RFC 9112): requests out of its bytes, and their answers in the same order.

httptools (the parser of Node.js) reads the grammar; this says what may wait, how long and how much. A request
is handed over together with its body, where that arrived with it, which saves a turn of the loop for each.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Container
from contextlib import aclosing
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from contactory.errors import HeadersTooLarge, Problem, ValidationProblem
from contactory.http import Request, Response
from contactory.logs import log

HEAD_SECONDS = 10.0
"""What a client may take for a request's head."""
IDLE_SECONDS = 75.0
"""How long a connection is kept between requests."""
STALLED_SECONDS = 30.0
"""How long a client may leave an answer unread that is larger than the buffers between."""
LINGER_SECONDS = 2.0
"""How long what still arrives is read, and thrown away, after the last answer."""
HEAD_BYTES = 64 * 1024
PIPELINED = 16
"""Requests that wait on one connection while more are read; what came with them may be so many times more."""
_CROWD = 16
_NEVER = float("inf")
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_NO_BODY = (204, 304)
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.1\r\n")


class Listener:
    """What the connections of one server process share."""

    def __init__(
        self,
        handle: Callable[[Request, "HttpConnection"], Awaitable[None]],
        body_limit: int,
        body_timeout: float,
        large_bodies: Container[str] = (),
    ) -> None:
        self.handle = handle
        self.body_limit = body_limit
        self.body_timeout = body_timeout
        self.large_bodies = large_bodies  # Paths whose bodies may be larger than that.
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.now = 0.0
        """Seconds by the loop's clock, brought up to date once a second."""
        self.date = ""
        """The header line of that name (RFC 9110, section 6.6.1)."""
        self._tell_time()

    async def watch(self) -> None:
        """Cuts off who keeps the server waiting, for ever: one look a second costs less than timers."""
        while True:
            await asyncio.sleep(1)
            self._tell_time()
            for connection in tuple(self.connections):
                connection.sweep()

    def _tell_time(self) -> None:
        self.now = self.loop.time()
        self.date = f"date: {formatdate(usegmt=True)}\r\n"

    async def stop(self, seconds: float) -> None:
        """Lets the requests at work be answered, for so many seconds at most."""
        end = self.loop.time() + seconds
        while self.connections and self.loop.time() < end:
            for connection in tuple(self.connections):  # Each time: some come in the last moment.
                connection.stop()
            await asyncio.sleep(0.01)
        for connection in tuple(self.connections):
            connection.cut()


class HttpConnection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_begun",
        "_deadline",
        "_ending",
        "_head_size",
        "_headers",
        "_heads",
        "_listener",
        "_parser",
        "_queue",
        "_receiving",
        "_resumed",
        "_stalled",
        "_target",
        "_task",
        "_transport",
        "_work",
        "address",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser = HttpRequestParser(self)
        self._transport: Any = None
        self.address = ""
        self._target = b""
        self._headers: dict[str, bytes] = {}
        self._head_size = 0
        self._heads = 0
        """How many heads have arrived."""
        self._begun = False
        """Whether a head has begun to arrive, and not ended."""
        self._receiving: Request | None = None
        """The request whose body arrives."""
        self._queue: deque[Request] = deque()
        self._work: Request | None = None
        """The request that is being answered."""
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        """Whether no further request is taken."""
        self._deadline = _NEVER
        self._stalled = _NEVER
        self._resumed: asyncio.Future[None] | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._listener.connections.add(self)
        self._deadline = self._listener.now + HEAD_SECONDS

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._ending and self._receiving is None:
            return
        heads, between = self._heads, not self._begun and self._receiving is None
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._ending = True  # To a protocol that is not spoken here: what follows is of no use.
        except HttpParserInvalidMethodError as error:
            at_its_start = between and heads == self._heads
            self._refuse(_nonsense(error), _of_unknown_method(data) if at_its_start else None)
        except HttpParserError as error:
            self._refuse(error.__context__ if isinstance(error.__context__, Problem) else _nonsense(error))
        if self._begun:
            self._head_size += len(data)
            if self._head_size > HEAD_BYTES:
                self._refuse(HeadersTooLarge())
        if self._work is None and self._queue:
            self._next()
        if len(self._queue) >= PIPELINED and not self._transport.is_closing():
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; answers that it waits for are still sent."""
        self._ending = True
        if self._receiving is not None or self._begun:
            self._refuse(ValidationProblem("The request ended in the middle."))
        if self._work is None and self._queue:
            self._next()
        return self._work is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone. What is being done for it is done to its end, unless its body is missing."""
        self._listener.connections.discard(self)
        self._ending = True
        self._queue.clear()
        if self._receiving is not None:
            self._receiving.abandon()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        self._stalled = self._listener.now + STALLED_SECONDS
        if self._resumed is None:
            self._resumed = self._listener.loop.create_future()

    def resume_writing(self) -> None:
        """It has read, or gone."""
        self._stalled = _NEVER
        waiter, self._resumed = self._resumed, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._target, self._headers, self._head_size = b"", {}, 0
        self._begun = True
        if self._work is None:
            self._deadline = self._listener.now + HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header; after the head, a trailer, which nothing here takes."""
        if not self._begun:
            return
        value = value or b""
        key = name.decode("latin-1").lower()
        if key in self._headers:
            if key == "host":
                raise ValidationProblem("The request has more than one Host header.")
            value = self._headers[key] + (b"; " if key == "cookie" else b", ") + value
        self._headers[key] = value

    def on_headers_complete(self) -> None:
        """The head has ended."""
        if len(self._queue) >= PIPELINED * _CROWD:
            raise ValidationProblem("Too many requests were sent at once on this connection.")
        self._begun = False
        self._heads += 1
        parser = self._parser
        request = Request(parser.get_method().decode(), _origin_form(self._target), self._headers, self)
        request.version = parser.get_http_version()
        if request.version == "1.1" and "host" not in self._headers:
            raise ValidationProblem("The request has no Host header.")
        request.keep_alive = request.version == "1.1" and parser.should_keep_alive()
        request.patient = request.path in self._listener.large_bodies
        self._receiving = request
        self._queue.append(request)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        request = self._receiving
        if request is not None:
            request.feed(body, self._listener.body_limit)
            if request.patient and request.received > self._listener.body_limit:
                self._transport.pause_reading()  # Until it is asked for, with a good key.

    def on_message_complete(self) -> None:
        """The request has arrived to its end."""
        request, self._receiving = self._receiving, None
        if request is not None:
            request.end()
            if request.patient:
                self._transport.resume_reading()

    # What the requests at work call.

    def want_body(self) -> None:
        """The body is waited for: a client that asked whether to send it is told so."""
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._headers.get("expect", b"").lower() == b"100-continue":
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def send(self, request: Request, response: Response) -> None:
        """Answers the request at work, with all of the answer at once."""
        close = self._closes(request)
        length = () if response.status in _NO_BODY else (f"content-length: {len(response.body)}\r\n",)
        head = self._head(response, *length, *(("connection: close\r\n",) if close else ()))
        self._write(head if request.method == "HEAD" or not length else head + response.body)
        self._done(request, close)

    async def send_stream(self, request: Request, response: Response, stream: AsyncGenerator[bytes]) -> None:
        """Answers the request at work piece by piece, as fast as the client reads, or until it has gone."""
        chunked = request.version == "1.1"
        close = self._closes(request) or not chunked
        framing = ("transfer-encoding: chunked\r\n",) if chunked else ()
        self._write(self._head(response, *framing, *(("connection: close\r\n",) if close else ())))
        async with aclosing(stream):
            if request.method != "HEAD":
                await self._send_pieces(stream, chunked)
        self._done(request, close)

    async def _send_pieces(self, stream: AsyncGenerator[bytes], chunked: bool) -> None:
        async for piece in stream:
            if self._transport.is_closing():
                return
            if piece:
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if self._resumed is not None:
                await self._resumed
        if chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _closes(self, request: Request) -> bool:
        last = self._ending and not self._queue
        unread = not request.complete and max(request.length, request.received) > self._listener.body_limit
        return last or unread or not request.keep_alive

    def _head(self, response: Response, *framing: str) -> bytes:
        status = _STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"
        lines = [status, self._listener.date]
        lines += [f"{name}: {value}\r\n" for name, value in response.headers]
        lines += framing
        text = "".join(lines)
        if text.count("\n") != len(lines) or text.count("\r") != len(lines):
            raise ValueError("a header of the answer has a line break in it")
        return f"{text}\r\n".encode("latin-1")

    # Its own course.

    def _next(self) -> None:
        self._work = request = self._queue.popleft()
        self._deadline = _NEVER
        self._task = self._listener.loop.create_task(self._answer(request))
        if len(self._queue) == PIPELINED - 1 and not self._transport.is_closing():
            self._transport.resume_reading()

    async def _answer(self, request: Request) -> None:
        try:
            await self._listener.handle(request, self)
        except asyncio.CancelledError:
            self._transport.abort()
        except Exception as error:
            log.error("answer lost", request_id=request.request_id, error=type(error).__name__)
            self._transport.abort()

    def _done(self, request: Request, close: bool) -> None:
        self._work = self._task = None
        request.patient = False
        if close:
            self._close(request.complete and request.failure is None)
        elif self._queue:
            self._next()
        else:
            patience = self._listener.body_timeout if self._receiving else IDLE_SECONDS
            self._deadline = self._listener.now + (HEAD_SECONDS if self._begun else patience)

    def _close(self, at_once: bool) -> None:
        """Ends the connection. To close it while something arrives would take the answer from the client."""
        self._ending = True
        self._receiving = None
        if at_once or self._transport.is_closing():
            self._transport.close()
        else:
            self._transport.write_eof()
            self._transport.resume_reading()
            self._deadline = self._listener.now + LINGER_SECONDS

    def _refuse(self, problem: Problem, of: tuple[str, bytes] | None = None) -> None:
        """What arrives is no request: says so after the answers to those before it, and ends.

        `of` is a method and a target: then the answer is what that path says to that method.
        """
        self._ending, self._begun = True, False
        request, self._receiving = self._receiving, None
        if request is None:
            method, target = of or ("", b"/")
            request = Request(method, target, {}, self)
            self._queue.append(request)
        elif request is not self._work and request not in self._queue:
            self._close(at_once=False)  # It has its answer already.
        request.keep_alive = False
        if of is None:
            request.fail(problem)

    def stop(self) -> None:
        """Takes no further request, and ends once those at work are answered."""
        self._ending = True
        if self._work is None:
            self._transport.close()

    def sweep(self) -> None:
        """Cuts off a client that has kept the server waiting for too long."""
        if self._listener.now > min(self._stalled, self._deadline):
            self._transport.abort()

    def cut(self) -> None:
        """Ends the connection at once, and what is at work for it."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()


def _nonsense(error: Exception) -> Problem:
    return ValidationProblem(f"The request is not valid HTTP/1.1: {error}.")


def _of_unknown_method(data: bytes) -> tuple[str, bytes] | None:
    """The method and target of a request that is sound but for a method which the parser does not know."""
    found = _REQUEST_LINE.match(data)
    return (found[1].decode(), found[2]) if found else None


def _origin_form(target: bytes) -> bytes:
    """A request's target without the scheme and the host that it may begin with (RFC 9112, section 3.2.2)."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    return b"/" + target.partition(b"://")[2].partition(b"/")[2]
