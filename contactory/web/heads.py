"""The heads of HTTP/1.1 messages (RFC 9110, RFC 9112): checks of requests, and the heads of answers.

httptools parses the grammar; this module refuses what httptools accepts and the RFCs do not.
"""

import re
from http import HTTPStatus

from contactory.rules.errors import HeadersTooLarge, ValidationProblem
from contactory.web.messages import Response

HEAD_BYTES = 64 * 1024
PIECE = 2048
"""The number of bytes to parse at once, so that few parsed requests have to wait."""
HEAD_LINES = PIECE // 4
"""A header has at least four bytes, which limits the number of headers in a piece."""
STAND_IN = "POST / HTTP/1.1\r\nhost: contactory\r\n{framing}\r\n\r\n"
"""A substitute head, for a second parser that reads a body."""
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}
_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.1\r\n")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)
_HOST = re.compile(rb"(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{0,5}))?")
_USUAL = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection"),
    *("Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Forwarded", "Host", "Idempotency-Key"),
    *("If-Match", "If-None-Match", "Origin", "Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site"),
    *("User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"),
    *("X-Request-Id", "HX-Request", "X-CSRF-Token"),
)
NAMES = {spelling.encode(): name.lower() for name in _USUAL for spelling in (name, name.lower())}
"""Usual header names in lower case, by their usual spellings: a look-up is faster than a conversion."""


NO_BODY = (204, 304)
"""Statuses of answers without a body."""


def checked_target(method: str, version: str, target: bytes, headers: dict[str, bytes]) -> bytes:
    """The path and the query in a head. Raises ValidationProblem if the head is not valid.

    A target that names the host replaces the Host header (RFC 9112, section 3.2.2).
    """
    if version not in ("1.0", "1.1"):
        raise ValidationProblem(f"HTTP/{version} is not supported: send HTTP/1.1.")
    if method == "CONNECT":
        raise ValidationProblem("CONNECT is not supported: this server is not a proxy.")
    if version == "1.1" and "host" not in headers:
        raise ValidationProblem("The request has no Host header: send one.")
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute and not target.startswith(b"/"):
        headers["host"], target = absolute[1], absolute[2]
        target = target if target.startswith(b"/") else b"/" + target
    if "host" in headers and not _is_host(headers["host"]):
        raise ValidationProblem("The Host header is not valid: send a host name or an address, and a port.")
    _check_codings(version, headers)
    return target


def _is_host(value: bytes) -> bool:
    found = _HOST.fullmatch(value)
    return found is not None and int(found[1] or 0) <= 65_535


def _check_codings(version: str, headers: dict[str, bytes]) -> None:
    coding = headers.get("transfer-encoding")
    if coding is not None and version == "1.0":
        raise ValidationProblem("HTTP/1.0 does not have Transfer-Encoding: send a Content-Length.")
    if coding is not None and coding.strip().lower() != b"chunked":
        raise ValidationProblem(
            "The only supported Transfer-Encoding is chunked: send the body without another coding."
        )
    if b"chunked" in headers.get("te", b"").lower():
        raise ValidationProblem("TE must not name chunked (RFC 9112, section 7.4): leave it out.")


def joined(key: str, before: bytes, value: bytes) -> bytes:
    """The value of a header that stands there once more (RFC 9110, section 5.3). Raises ValidationProblem."""
    if key == "host":
        raise ValidationProblem("The request has more than one Host header.")
    return before + (b"; " if key == "cookie" else b", ") + value


def of_unknown_method(data: bytes) -> tuple[str, bytes] | None:
    """The method and target of a request that is valid except for a method that the parser does not know."""
    found = _REQUEST_LINE.match(data)
    return (found[1].decode(), found[2]) if found else None


def answer_head(response: Response, *lines: str) -> bytes:
    """The head of an answer; `lines` are the common lines of all answers."""
    shown = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"]
    shown += [f"{name}: {value}\r\n" for name, value in response.headers]
    shown += lines
    text = "".join(shown)
    if text.count("\n") != len(shown) or text.count("\r") != len(shown):
        raise ValueError("a header of the answer has a line break in it")
    return f"{text}\r\n".encode("latin-1")


class Measure:
    """The size of a head, or of the framing of a chunked body: sizes, trailers."""

    __slots__ = ("_lines", "_of", "size")

    def __init__(self) -> None:
        self.size = self._lines = 0
        self._of = (0, 0)

    def add(self, data: bytes, heads: int, received: int | None) -> None:
        """Counts `received` more bytes of the head after `heads`, or of the last one's body.

        Raises HeadersTooLarge above the limit.
        """
        of = (heads, -1 if received is None else received)
        if of != self._of:
            self._of = of
            self.size = self._lines = 0
            if received is not None:
                return
        self.size += len(data)
        self._lines += data.count(b"\n")
        if self.size >= HEAD_BYTES:
            raise HeadersTooLarge
        if self._lines > HEAD_LINES:
            raise HeadersTooLarge(f"The request has more than {HEAD_LINES} headers: send fewer.")
