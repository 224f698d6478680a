"""HTTP/1.1 on one connection (RFC 9112): answers its requests one after the other, in their order.

reader.py reads the requests from the bytes; this module limits how much may wait and how long. A request
starts together with its body if both arrived together, which saves a turn of the loop for each.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from contactory.base.logs import log
from contactory.rules.errors import Unavailable, ValidationProblem
from contactory.web.budgets import SMALL_BODY
from contactory.web.heads import NO_BODY, PIECE, answer_head
from contactory.web.listener import NEVER, Listener
from contactory.web.messages import ENDS, Request, Response, end_in_order
from contactory.web.reader import RequestReader

HEAD_SECONDS = 10.0
"""Seconds for the head of a request."""
IDLE_SECONDS = 75.0
"""Seconds for which an idle connection is kept."""
STALLED_SECONDS = 30.0
"""Seconds for which a client may not read from an answer that is larger than the buffers."""
LINGER_SECONDS = 2.0
"""Seconds for which bytes are read and discarded after the last answer."""
_ALWAYS_WAITS = 4096
"""Bytes that may wait on a connection, independent of others."""
_JOINED = 64 * 1024
"""A body up to this size is appended to its head, which costs less than two writes."""
_CLOSE = ("connection: close\r\n",)
_TOO_MUCH_WAITS = "Too many requests are waiting: try again in a second."


class HttpConnection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_again",
        "_answered",
        "_counted",
        "_deadline",
        "_held",
        "_left",
        "_listener",
        "_reader",
        "_resumed",
        "_stalled",
        "_task",
        "_throws_away",
        "_transport",
        "_work",
        "address",
    )
    scheme = "http"
    mount = ""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._reader = RequestReader(listener, self)
        self._transport: Any = None
        self.address = ""
        self._again = False
        """Whether parsing continues after a turn for others."""
        self._held = False
        """Whether reading is paused because enough waits."""
        self._counted = 0
        """The waiting bytes that the listener has counted."""
        self._throws_away = False
        """Whether the body of an answered request still arrives."""
        self._work: Request | None = None
        """The current request, until its client has the answer."""
        self._task: asyncio.Task[None] | None = None
        self._answered: tuple[Request, bool] | None = None
        """The request whose answer waits for its client, and whether the connection ends after it."""
        self._deadline = NEVER
        self._stalled = NEVER
        self._left = 0
        """The unread bytes at the last check."""
        self._resumed: asyncio.Future[None] | None = None
        """Done when the client has read everything that was written; None if it has."""

    # Callbacks of the event loop.

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        if not self._listener.admits(transport):
            return
        self._transport = transport
        # Writing pauses if the system does not take all of an answer at once.
        transport.set_write_buffer_limits(0)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._listener.connections.add(self)
        self._deadline = self._listener.now + HEAD_SECONDS

    def data_received(self, data: bytes) -> None:
        """Bytes have arrived."""
        reader = self._reader
        if reader.ended and reader.receiving is None:
            return
        if len(data) <= PIECE and not reader.begun:
            reader.parse(data)
        else:
            reader.keep(data)
            reader.rested()
        if self._work is None and reader.queue:
            self._next()
        waits = reader.queue or reader.begun or reader.rest or reader.receiving is not None
        if waits or self._counted or self._resumed is not None:
            self._settle()
        if self._work is None:
            self._wait()

    def eof_received(self) -> bool:
        """The client has ended its side; outstanding answers are still sent."""
        reader = self._reader
        reader.ended = True
        if reader.receiving is not None or reader.begun:
            reader.refuse(ValidationProblem("The request ended in the middle."))
        if self._work is None and reader.queue:
            self._next()
        return self._work is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has disconnected. Its request continues, unless the body is incomplete."""
        self._listener.connections.discard(self)
        if self._reader.receiving is not None:
            self._reader.receiving.abandon()
        self._forget_waiting()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The client does not read fast enough: pauses reading from it."""
        self._stalled = self._listener.now + STALLED_SECONDS
        self._left = self._transport.get_write_buffer_size()
        if self._resumed is None:
            self._resumed = self._listener.loop.create_future()
        self._settle()

    def resume_writing(self) -> None:
        """The client has read everything, or has disconnected."""
        self._stalled = NEVER
        waiter, self._resumed = self._resumed, None
        answered, self._answered = self._answered, None
        self._listener.unread.remove(self)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        if answered is not None:
            self._done(*answered)

    # Waiting requests.

    def _settle(self) -> None:
        """Parses the bytes up to the limits, resumes or pauses reading, and counts what waits."""
        reader, held_up = self._reader, self._resumed is not None
        while reader.rest and not reader.is_full(held_up) and not reader.is_tired:
            reader.go_on(held_up)
            if self._work is None and reader.queue:
                self._next()
        held, self._held = self._held, bool(reader.rest) or reader.is_ahead or reader.is_full(held_up)
        if self._held and not held:
            self._transport.pause_reading()
        elif held and not self._held:
            self._transport.resume_reading()
        waiting = reader.waiting
        within = self._listener.waiting.take(waiting - self._counted)
        self._counted = waiting
        if not within and waiting > _ALWAYS_WAITS:
            self._forget_waiting()
            reader.refuse(Unavailable(_TOO_MUCH_WAITS))
        if reader.rest and reader.is_tired and not self._again:
            self._again = True
            self._listener.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Continues after a turn for others."""
        self._again = False
        if self._transport.is_closing():
            return
        self._reader.rested()
        self._settle()
        if self._work is None:
            self._wait()

    def _forget_waiting(self) -> None:
        self._reader.forget()
        self._listener.waiting.take(-self._counted)
        self._counted = 0

    def _wait(self) -> None:
        """Sets the time limit while no request is running."""
        reader = self._reader
        if reader.queue:
            self._next()
        elif reader.ended and not self._transport.is_closing():
            self._close(at_once=False)  # The bytes are not a request, or were answered already.
        elif reader.begun:
            self._deadline = reader.begun_at + HEAD_SECONDS
        elif self._throws_away and reader.receiving is None:
            self._throws_away = False
            self._deadline = self._listener.now + IDLE_SECONDS

    # Called by running requests.

    def want_body(self) -> None:
        """A handler waits for the body, or its next piece: answers a client that asked whether to send it."""
        request = self._work
        if request is None:
            return
        if request.asks_first and not request.received:
            self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if request.in_pieces:
            if request.counted:
                self._listener.bodies.count(request)
            self._settle()

    def count_body(self) -> None:
        """The body of the current request uses more memory, or less."""
        request = self._work
        if request is not None and request.kept > SMALL_BODY:
            self._listener.bodies.count(request)

    def send(self, request: Request, response: Response) -> None:
        """Answers the current request with a complete answer."""
        body, close = response.body, self._closes(request)
        length = () if response.status in NO_BODY else (f"content-length: {len(body)}\r\n",)
        head = answer_head(response, self._listener.date, *length, *(_CLOSE if close else ()))
        if request.method == "HEAD" or not length:
            self._write(head)
        elif len(body) <= _JOINED:
            self._write(head + body)
        elif not self._transport.is_closing():
            self._transport.writelines((head, body))
        if request.complete and self._resumed is None:
            self._done(request, close)
        else:
            self._finish(request, close, body)

    async def send_stream(self, request: Request, response: Response, stream: AsyncGenerator[bytes]) -> None:
        """Answers the current request in pieces, as fast as the client reads, or until it disconnects."""
        chunked = request.version == "1.1"
        close = self._closes(request) or not chunked
        framing = ("transfer-encoding: chunked\r\n",) if chunked else ()
        self._write(answer_head(response, self._listener.date, *framing, *(_CLOSE if close else ())))
        async with aclosing(stream):
            if request.method != "HEAD":
                await self._send_pieces(stream, chunked)
        self._finish(request, close, b"")

    async def _send_pieces(self, stream: AsyncGenerator[bytes], chunked: bool) -> None:
        async for piece in stream:
            if self._transport.is_closing():
                return
            if piece:
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if self._resumed is not None:
                self._listener.unread.add(self, piece)
                await self._resumed
        if chunked:
            self._write(b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def _closes(self, request: Request) -> bool:
        last = self._reader.ended and not self._reader.queue
        return last or not request.keep_alive or (not request.complete and self._stays_unread(request))

    def _stays_unread(self, request: Request) -> bool:
        """Whether the rest of the body is not read, or may never be sent, so that no request can follow."""
        too_long = max(request.length, request.received) > self._listener.body_limit
        return too_long or (request.asks_first and not request.received)

    # The end of an answer and of the connection.

    def _next(self) -> None:
        self._work = request = self._reader.queue.popleft()
        self._deadline = NEVER
        self._task = self._listener.loop.create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        try:
            await self._listener.handle(request, self)
        except asyncio.CancelledError:
            self._transport.abort()
        except (Exception, *ENDS) as error:
            log.error("answer lost", request_id=request.request_id, error=type(error).__name__)
            self._transport.abort()
            if isinstance(error, ENDS):
                end_in_order()
        finally:
            if request.counted:
                self._listener.bodies.let_go(request)

    def _finish(self, request: Request, close: bool, body: bytes) -> None:
        """The answer is written: the next request starts when the client has read all of it."""
        if not request.complete:
            self._listener.bodies.let_go(request)
        if self._resumed is None:
            self._done(request, close)
        else:
            self._answered = request, close
            self._listener.unread.add(self, body)

    def _done(self, request: Request, close: bool) -> None:
        reader = self._reader
        self._work = self._task = None
        if close or (reader.ended and not reader.queue):
            self._close(request.complete and request.failure is None)
            return
        if reader.queue:
            self._next()
        elif reader.receiving is not None:
            self._throws_away = True
            self._deadline = self._listener.now + self._listener.body_timeout
        else:
            reader.begun_at = self._listener.now
            self._deadline = self._listener.now + IDLE_SECONDS
        if self._held or self._counted:
            self._settle()
            if self._work is None:
                self._wait()

    def _close(self, at_once: bool) -> None:
        """Ends the connection. If bytes still arrive, closing at once could destroy the unread answer."""
        self._forget_waiting()
        if at_once or self._transport.is_closing():
            self._transport.close()
        else:
            self._transport.resume_reading()
            self._transport.write_eof()
            self._deadline = self._listener.now + LINGER_SECONDS

    def rests_since(self) -> float:
        """Since when the connection is idle; NEVER if it is not."""
        reader = self._reader
        if self._work or reader.queue or reader.receiving or reader.begun or reader.ended:
            return NEVER
        return self._deadline - (IDLE_SECONDS if reader.heads else HEAD_SECONDS)

    def stop(self) -> None:
        """Accepts no further requests, and ends when the current ones are answered."""
        self._reader.ended = True
        if self._work is None:
            self._transport.close()

    def sweep(self) -> None:
        """Cuts the connection of a client that is too slow."""
        if self._resumed is not None:
            left = self._transport.get_write_buffer_size()
            if left < self._left:
                self._left, self._stalled = left, self._listener.now + STALLED_SECONDS
                self._listener.unread.renew(self)
        if self._listener.now > min(self._stalled, self._deadline):
            self._transport.abort()

    def cut(self) -> None:
        """Ends the connection and its current request at once."""
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()
