"""A request of an ASGI server, and its answer (ASGI 3.0): the counterpart of connection.py."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any, TypeAlias
from urllib.parse import quote

from contactory.base.logs import log
from contactory.rules.errors import HeadersTooLarge, Problem, ValidationProblem
from contactory.web.budgets import SMALL_BODY, Bodies
from contactory.web.dispatch import Dispatcher
from contactory.web.heads import HEAD_BYTES, HEAD_LINES, NO_BODY, checked_target, joined
from contactory.web.messages import ENDS, Request, Response, end_in_order

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Exchange:
    """One request and its answer. The body is received only when a handler needs it."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self.scheme: str = scope.get("scheme") or "http"
        self.mount: str = (scope.get("root_path") or "").rstrip("/")
        self._scope = scope
        self._receive = receive
        self._send = send
        self._response: Response | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._watches = False
        """Whether it continues to receive after the body, to detect when the client disconnects."""
        self._gone = False

    async def answer(self, dispatcher: Dispatcher, bodies: Bodies) -> None:
        """Answers the request, whatever happens; `bodies` are those of all requests."""
        self._dispatcher, self._bodies = dispatcher, bodies
        self._request = request = _request_of(self._scope, self)
        try:
            await dispatcher.handle(request, self)
            if self._response is not None:
                await self._send_whole(self._response)
        except asyncio.CancelledError:
            if not self._gone:
                raise
        except (Exception, *ENDS) as error:
            # Not raised: the ASGI server would log what it says. It ends what was begun and not completed.
            log.error("answer lost", request_id=request.request_id, error=type(error).__name__)
            if isinstance(error, ENDS):
                end_in_order()
        finally:
            if self._receiving is not None:
                self._receiving.cancel()
            bodies.let_go(request)

    # Called by the running request.

    def want_body(self) -> None:
        """A handler waits for the body, or its next piece: the server asks the client for it if necessary."""
        self.count_body()
        if self._receiving is None or self._receiving.done():
            self._receiving = asyncio.create_task(self._take())

    def count_body(self) -> None:
        """The body uses more memory, or less."""
        request = self._request
        if request.counted or request.kept > SMALL_BODY:
            self._bodies.count(request)

    def send(self, request: Request, response: Response) -> None:
        """Sends the complete answer, as soon as the handler has ended."""
        self._response = response

    async def send_stream(self, request: Request, response: Response, stream: AsyncGenerator[bytes]) -> None:
        """Sends the answer in pieces, as fast as the client reads, or until it disconnects."""
        async with aclosing(stream):
            await self._begin(response)
            if request.method != "HEAD":
                self._watches = True
                self.want_body()
                async for piece in stream:
                    if self._gone:
                        return
                    if piece:
                        await self._send_body(piece, more=True)
        await self._send_body(b"")

    # Receiving.

    async def _take(self) -> None:
        """Receives the body up to the limit, and whether the client disconnects, if that is watched."""
        request = self._request
        request.limit = request.limit or self._dispatcher.limit_of(request)
        while not self._has_enough(request):
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self._gone = True
                if not request.complete:
                    request.abandon()
                return
            if request.complete:
                continue
            if body := message.get("body"):
                request.feed(body)
                self.count_body()
            if not message.get("more_body"):
                request.end()

    def _has_enough(self, request: Request) -> bool:
        if request.is_ahead:
            return True
        ended = request.complete or request.dropped or request.received > request.limit
        return ended and not self._watches

    async def _send_whole(self, response: Response) -> None:
        has_body = response.status not in NO_BODY
        length = [(b"content-length", b"%d" % len(response.body))] if has_body else []
        await self._begin(response, *length)
        await self._send_body(response.body if has_body and self._request.method != "HEAD" else b"")

    async def _begin(self, response: Response, *lines: tuple[bytes, bytes]) -> None:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        if any(b"\n" in value or b"\r" in value for _, value in headers):
            raise ValueError("a header of the answer has a line break in it")
        start = {"type": "http.response.start", "status": response.status, "headers": [*headers, *lines]}
        await self._send(start)

    async def _send_body(self, body: bytes, more: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _request_of(scope: Message, peer: Exchange) -> Request:
    """The request; one whose head is not valid has failed."""
    method, version = scope["method"].upper(), scope["http_version"]
    try:
        headers = _headers_of(scope)
        # For HTTP/2 and HTTP/3, the server has checked their special rules.
        as_if = version if version in ("1.0", "1.1") else "1.1"
        target = checked_target(method, as_if, _target_of(scope, peer.mount), headers)
        request = Request(method, target, headers, peer)
    except Problem as problem:
        request = Request(method, b"/", {}, peer)
        request.fail(problem)
    request.version = version
    return request


def _headers_of(scope: Message) -> dict[str, bytes]:
    lines: list[tuple[bytes, bytes]] = list(scope["headers"])
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in lines)
    if size + len(scope["query_string"]) >= HEAD_BYTES:
        raise HeadersTooLarge
    if len(lines) > HEAD_LINES:
        raise HeadersTooLarge(f"The request has more than {HEAD_LINES} headers: send fewer.")
    headers: dict[str, bytes] = {}
    for name, value in lines:
        key = name.decode("latin-1").lower()
        headers[key] = joined(key, headers[key], value) if key in headers else value
    # Most servers convert it to a Host header themselves, as ASGI requires.
    if ":authority" in headers:
        headers["host"] = headers[":authority"]
    if not headers.get("content-length", b"0").isdigit():
        raise ValidationProblem("The Content-Length is not a number: send how many bytes the body has.")
    return headers


def _target_of(scope: Message, mount: str) -> bytes:
    """Path and query as sent, below the path at which the server has mounted the application."""
    path: bytes = scope.get("raw_path") or quote(scope["path"], safe="/!$&'()*+,;=:@").encode()
    prefix = mount.encode()
    if prefix and (path + b"/").startswith(prefix + b"/"):
        path = path[len(prefix) :] or b"/"
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path
