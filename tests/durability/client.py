"""A small HTTP/1.1 client that knows just how far a request got before its connection broke."""

import asyncio
import json
from types import TracebackType
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def version(self) -> int:
        """The contact's version, from the ETag."""
        return int(self.headers["etag"].strip('"'))

    @property
    def retryable(self) -> bool:
        """Whether the answer says that the same request may succeed later."""
        return self.headers.get("content-type") == "application/problem+json" and self.json["retryable"]


class Cut(Exception):
    """The connection broke and no whole answer came; `begun` where a part of one did."""

    def __init__(self, begun: bool) -> None:
        super().__init__("in the middle of the answer" if begun else "before the answer")
        self.begun = begun


class HttpConnection:
    """One connection that is kept open from request to request: `async with HttpConnection(port, key)`."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = f" HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.closing = False
        """The last answer said that no other follows on this connection."""

    async def __aenter__(self) -> "HttpConnection":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """The answer. `body` is sent as JSON, `idempotency_key=` as a header. Raises Cut."""
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", "content-length": str(len(content)), **headers}
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in sent.items())
        try:
            self._writer.write(f"{method} {path}{self._head}{lines}\r\n".encode() + content)
        except OSError:
            raise Cut(begun=False) from None
        return await self._answer()

    async def _answer(self) -> Answer:
        begun = False
        try:
            first = await self._reader.readuntil(b"\r\n")
            begun = True
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            pairs = (line.partition(": ") for line in lines if line)
            headers = {name.lower(): value for name, _, value in pairs}
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            raise Cut(begun or bool(error.partial)) from None
        except OSError:
            raise Cut(begun) from None
        self.closing = headers.get("connection") == "close"
        return Answer(int(first.split()[1]), headers, body)
