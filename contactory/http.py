"""Requests and answers, between granian's RSGI interface and the operations."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, Literal, Protocol
from urllib.parse import unquote_to_bytes

import msgspec

from contactory.errors import FieldError, PayloadTooLarge, Problem, ValidationProblem
from contactory.ids import new_id

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
JSON = "application/json"
NO_TEXT = "\ufffd"

encode_json = msgspec.json.encode


class Scope(Protocol):
    """What granian knows of a request before its body."""

    method: str
    path: str
    query_string: str
    headers: Any
    client: str
    """The peer's address and port."""


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


class Request:
    """One request: what was sent, and what the operation's checks have made of it."""

    __slots__ = ("_protocol", "_read", "_scope", "headers", "method", "path", "query_string", "request_id")

    def __init__(self, scope: Scope, protocol: Any) -> None:
        self.method = scope.method
        self.path = scope.path
        self.query_string = scope.query_string
        self.headers = scope.headers
        self._scope = scope
        self._protocol = protocol
        self._read: Literal["no", "in part", "yes"] = "no"
        sent: str | None = scope.headers.get("x-request-id")
        self.request_id = sent if sent and _SANE_REQUEST_ID.fullmatch(sent) else new_id()

    def header(self, name: str) -> str | None:
        """A header's value; None where it is missing, U+FFFD (which nothing takes) where it is no ASCII."""
        value = self.headers.get(name)
        return NO_TEXT if value is None and name in self.headers else value

    def address(self, proxies: int) -> str:
        """The client's address, where so many proxies of ours each have added to X-Forwarded-For."""
        passed = (self.header("x-forwarded-for") or "").split(",")
        if proxies and len(passed) >= proxies and passed[-proxies].strip():
            return passed[-proxies].strip()
        return self._scope.client.rpartition(":")[0]

    async def body(self, limit: int, timeout: float) -> bytes:
        """The whole body. Raises PayloadTooLarge past `limit` bytes, ValidationProblem after `timeout` s."""
        self._read = "in part"
        length: str | None = self.headers.get("content-length")
        if length and length.isascii() and length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        task = deadlines.begin(timeout)
        try:
            found = await (self._protocol() if length else self._chunks(limit))
        except asyncio.CancelledError:
            deadlines.pass_on(task, timeout)
            raise
        finally:
            deadlines.end(task)
        self._read = "yes"
        return found

    async def send_stream(self, response: Response, stream: AsyncGenerator[bytes]) -> None:
        """Sends an answer piece by piece, until its end or until the client has gone."""
        transport = self._protocol.response_stream(response.status, response.headers)
        async with aclosing(stream):
            async for piece in stream:
                try:
                    await transport.send_bytes(piece)
                except RuntimeError:  # granian's ProtocolClosed: the client has gone
                    return

    @property
    def unread(self) -> bool:
        """Whether a body was sent that has not been read to its end."""
        return self._read != "yes" and (
            "content-length" in self.headers or "transfer-encoding" in self.headers
        )

    async def finish(self, limit: int, timeout: float) -> bool:
        """Reads a body that nobody has asked for; says whether another request can follow on the connection.

        What is left unread makes granian cut the connection, without a word to the client.
        """
        if self._read == "no":
            with suppress(Problem):
                await self.body(limit, timeout)
        return self._read == "yes"

    async def _chunks(self, limit: int) -> bytes:
        received = bytearray()
        async for chunk in self._protocol:
            received += chunk
            if len(received) > limit:
                raise _too_large(limit)
        return bytes(received)


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
        raise ValidationProblem("The URL is not valid.", [error])
    return decoded
