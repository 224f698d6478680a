"""Reads the requests from the bytes of one connection (RFC 9112), in their order."""

from collections import deque

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade, HttpRequestParser

from contactory.rules.errors import Problem, ValidationProblem
from contactory.web.budgets import SMALL_BODY
from contactory.web.heads import (
    HEAD_BYTES,
    NAMES,
    PIECE,
    STAND_IN,
    Measure,
    checked_target,
    joined,
    of_unknown_method,
)
from contactory.web.listener import Listener
from contactory.web.messages import Peer, Request

PIPELINED = 16
"""The number of requests that may wait on a connection before reading pauses."""
PIPELINED_BYTES = 64 * 1024
"""And the bytes of their bodies."""
_PIECES_A_TURN = 2000
"""The number of pieces of bodies per turn: each takes one or two microseconds."""
_HEAD_COST = 3
"""The memory of a head with many headers, in bytes per sent byte."""
_REQUEST_BYTES = 1024
"""The usual memory of a waiting request without its body."""


class RequestReader:
    """Reads requests from bytes. Bytes that are not a request become a failed request, which is the last."""

    __slots__ = (
        "_at",
        "_headers",
        "_listener",
        "_measure",
        "_parser",
        "_peer",
        "_pieces",
        "_replayed",
        "_target",
        "_upgrading",
        "begun",
        "begun_at",
        "ended",
        "heads",
        "queue",
        "receiving",
        "rest",
    )

    def __init__(self, listener: Listener, peer: Peer) -> None:
        self._listener = listener
        self._peer = peer
        self._parser = HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, bytes] = {}
        self._measure = Measure()
        self._upgrading: Request | None = None
        """The request whose head has an Upgrade to another protocol."""
        self._replayed: Request | None = None
        """The request for which a new parser reads a substitute head."""
        self._pieces = 0
        """The pieces of bodies in this turn of the connection."""
        self._at = 0
        """The position in `rest` up to which it was parsed."""
        self.rest = b""
        """Bytes that were read and are not parsed yet, because enough waits."""
        self.queue: deque[Request] = deque()
        """The requests whose heads have arrived and that have not started."""
        self.receiving: Request | None = None
        """The request whose body is arriving."""
        self.heads = 0
        """The number of complete heads."""
        self.begun = False
        """Whether a head is incomplete."""
        self.begun_at = 0.0
        self.ended = False
        """Whether no further requests are accepted."""

    @property
    def is_deaf(self) -> bool:
        """Whether further bytes are useless."""
        return self.ended and self.receiving is None

    @property
    def waiting(self) -> int:
        """The waiting bytes that no running request needs."""
        head = _HEAD_COST * self._measure.size if self.begun else 0
        return head + len(self.rest) + sum(request.received + _REQUEST_BYTES for request in self.queue)

    def is_full(self, held_up: bool) -> bool:
        """Whether to pause reading: enough waits, or the previous answer is `held_up`.

        The rest of a body is read in any case, if nothing waits before it.
        """
        if self.receiving is not None and not self.queue:
            return False
        if held_up or len(self.queue) >= PIPELINED:
            return True
        return sum(request.received for request in self.queue) >= PIPELINED_BYTES

    @property
    def is_ahead(self) -> bool:
        """Whether the body that arrives is taken in pieces, and enough of it waits."""
        return self.receiving is not None and self.receiving.is_ahead

    def parse(self, data: bytes) -> None:
        """Parses bytes."""
        heads, between = self.heads, not self.begun and self.receiving is None
        try:
            self._parser.feed_data(data)
            if self.begun:
                self._measure.add(data, self.heads, None)
            elif self.receiving is not None:
                self._measure.add(data, self.heads, self.receiving.received)
        except HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except HttpParserInvalidMethodError as error:
            at_its_start = between and heads == self.heads
            self.refuse(_nonsense(error), of_unknown_method(data) if at_its_start else None)
        except HttpParserError as error:
            self.refuse(error.__context__ if isinstance(error.__context__, Problem) else _nonsense(error))
        except Problem as problem:
            self.refuse(problem)

    def keep(self, data: bytes) -> None:
        """Stores bytes, to parse them piece by piece."""
        self.rest, self._at = data, 0

    @property
    def is_tired(self) -> bool:
        """Whether it is the turn of other connections."""
        return self._pieces >= _PIECES_A_TURN

    def rested(self) -> None:
        """Starts a new turn."""
        self._pieces = 0

    def go_on(self, held_up: bool) -> None:
        """Parses the rest piece by piece, so that few parsed requests have to wait."""
        while self._at < len(self.rest) and not self.is_full(held_up) and not self.is_tired:
            end = self._at + self._piece()
            piece, self._at = self.rest[self._at : end], end
            self.parse(piece)
            if self.is_deaf:
                break
        if self._at >= len(self.rest) or self.is_deaf:
            self.rest, self._at = b"", 0

    def _piece(self) -> int:
        """How many bytes to parse at once: the whole body if its length is known, otherwise a few."""
        if self.begun:
            return min(PIECE, HEAD_BYTES - self._measure.size)
        request = self.receiving
        return max(PIECE, request.length - request.received) if request is not None else PIECE

    def forget(self) -> None:
        """Drops the waiting requests, and stops reading."""
        for request in self.queue:
            self._listener.bodies.let_go(request)
        self.queue.clear()
        self.rest, self._at = b"", 0
        self._end()
        self.receiving = None

    def refuse(self, problem: Problem, of: tuple[str, bytes] | None = None) -> None:
        """The bytes are not a request: the last request in the queue gets the problem.

        `of` is a method and a target: then the answer is the one of that path to that method.
        """
        self._end()
        request, self.receiving = self.receiving, None
        if request is None:
            method, target = of or ("", b"/")
            request = Request(method, target, {}, self._peer)
            self.queue.append(request)
        request.keep_alive = False
        if of is None:
            request.fail(problem)

    def _end(self) -> None:
        self.ended, self.begun = True, False
        self._target, self._headers = b"", {}

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._target, self._headers = b"", {}
        self.begun, self.begun_at = True, self._listener.now

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes | None) -> None:
        """One header; after the head, a trailer, which is ignored."""
        if not self.begun:
            return
        value = value or b""
        key = NAMES.get(name) or name.decode("latin-1").lower()
        if key in self._headers:
            value = joined(key, self._headers[key], value)
        self._headers[key] = value

    def on_headers_complete(self) -> None:
        """The head has ended."""
        self.begun = False
        if self._replayed is not None:
            self.receiving, self._replayed = self._replayed, None
            return
        self.heads += 1
        parser, headers, target = self._parser, self._headers, self._target
        method, version = parser.get_method().decode(), parser.get_http_version()
        usual = version == "1.1" and headers.get("host") in self._listener.hosts and target.startswith(b"/")
        upgrades = parser.should_upgrade()
        if not usual or upgrades or "transfer-encoding" in headers or "te" in headers:
            target = checked_target(method, version, target, headers)
            if "host" in headers:
                self._listener.remember(headers["host"])
        request = Request(method, target, headers, self._peer)
        request.version = version
        request.limit = self._listener.body_limit
        request.keep_alive = version == "1.1" and parser.should_keep_alive()
        if upgrades:
            self._upgrading = request
        else:
            self.receiving = request
        self.queue.append(request)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._pieces += 1
        request = self.receiving
        if request is not None:
            if request.received + len(body) > request.limit and not request.dropped:
                request.limit = self._listener.limit_of(request)
            request.feed(body)
            if request.received > SMALL_BODY:
                self._listener.bodies.count(request)

    def on_message_complete(self) -> None:
        """The request is complete."""
        request, self.receiving = self.receiving, None
        if request is not None:
            request.end()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Continues as if the head had no Upgrade (RFC 9110, section 7.8).

        The parser treats the next bytes as the other protocol. So a new parser reads a head without the
        Upgrade and with the same length of the body, and then the next bytes.
        """
        request, self._upgrading = self._upgrading, None
        if request is None:
            self.ended = True
            return
        chunked = request.header("transfer-encoding") is not None
        framing = "transfer-encoding: chunked" if chunked else f"content-length: {request.length}"
        self._parser = HttpRequestParser(self)
        self._replayed = request
        self.parse(STAND_IN.format(framing=framing).encode())
        if rest:
            self.parse(rest)


def _nonsense(error: Exception) -> Problem:
    return ValidationProblem(f"The request is not valid HTTP/1.1: {error}.")
