"""A client that sends what it is told to, byte by byte, and takes answers apart as they come."""

import socket
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from tests.world import Caller

LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"
ALIVE = b'{"status":"live"}'


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A connection of our own, byte by byte."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname or "", address.port or 0), timeout=15)
        self.rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, bodiless: bool = False) -> Answer:
        """The next answer; `bodiless` where it is one to HEAD."""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        code = int(status.split()[1])
        if bodiless or code in (100, 204, 304):
            return Answer(code, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(code, headers, self.chunks())
        if "content-length" not in headers:
            return Answer(code, headers, self.to_the_end())
        return Answer(code, headers, self.take(int(headers["content-length"])))

    def take(self, size: int) -> bytes:
        while len(self.rest) < size:
            self.more()
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def chunks(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self.rest:
                self.more()
            size, _, self.rest = self.rest.partition(b"\r\n")
            piece = self.take(int(size, 16) + 2)
            if len(piece) == 2:
                return body
            body += piece[:-2]

    def more(self) -> None:
        data = self.socket.recv(65536)
        assert data, f"the connection ended after {self.rest!r}"
        self.rest += data

    def to_the_end(self) -> bytes:
        """All that comes until the server ends the connection, which it does with no reset."""
        while data := self.socket.recv(65536):
            self.rest += data
        found, self.rest = self.rest, b""
        return found

    @property
    def ended(self) -> bool:
        return self.to_the_end() == b""


def patch(caller: Caller, contact_id: str, body: bytes, *more: str, framing: str | None = None) -> bytes:
    """A PATCH as it goes over the wire; `more` are headers."""
    lines = [
        f"PATCH /v1/contacts/{contact_id} HTTP/1.1",
        "Host: contacts.example.com",
        f"Authorization: Bearer {caller.key}",
        "Content-Type: application/json",
        framing or f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
