"""The heads of HTTP/1.1 messages (RFC 9110, RFC 9112): what is taken of requests, and how answers begin.

httptools reads the grammar; what it lets pass and the RFCs do not is refused here.
"""

import re
from http import HTTPStatus

from contactory.rules.errors import HeadersTooLarge, ValidationProblem
from contactory.web.messages import Response

HEAD_BYTES = 64 * 1024
PIECE = 2048
"""Bytes that are parsed at once where more have come, so that little is parsed which then has to wait."""
HEAD_LINES = PIECE // 4
"""A header takes four bytes at least, so that no piece has more of them."""
STAND_IN = "POST / HTTP/1.1\r\nhost: contactory\r\n{framing}\r\n\r\n"
"""A head for a body that a second parser is to read."""
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
"""Usual names of headers in lower case, by how clients write them: found faster than converted."""


NO_BODY = (204, 304)
"""Statuses of answers without a body."""


def checked_target(method: str, version: str, target: bytes, headers: dict[str, bytes]) -> bytes:
    """The path and the query that a head asks for. Raises ValidationProblem where the head is not valid.

    A target that names the host replaces the Host header (RFC 9112, section 3.2.2).
    """
    if version not in ("1.0", "1.1"):
        raise ValidationProblem(f"HTTP/{version} is not spoken here: send HTTP/1.1.")
    if method == "CONNECT":
        raise ValidationProblem("CONNECT is not possible here: this server is not a proxy.")
    if version == "1.1" and "host" not in headers:
        raise ValidationProblem("The request has no Host header.")
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
        raise ValidationProblem("HTTP/1.0 knows no Transfer-Encoding: send a Content-Length.")
    if coding is not None and coding.strip().lower() != b"chunked":
        raise ValidationProblem("The one Transfer-Encoding that is taken is chunked: send the body as it is.")
    if b"chunked" in headers.get("te", b"").lower():
        raise ValidationProblem("TE must not name chunked (RFC 9112, section 7.4): leave it out.")


def joined(key: str, before: bytes, value: bytes) -> bytes:
    """The value of a header that stands there once more (RFC 9110, section 5.3). Raises ValidationProblem."""
    if key == "host":
        raise ValidationProblem("The request has more than one Host header.")
    return before + (b"; " if key == "cookie" else b", ") + value


def of_unknown_method(data: bytes) -> tuple[str, bytes] | None:
    """The method and target of a request that is valid but for a method which the parser does not know."""
    found = _REQUEST_LINE.match(data)
    return (found[1].decode(), found[2]) if found else None


def answer_head(response: Response, *lines: str) -> bytes:
    """The head of an answer; `lines` are those that stand in each of this server's."""
    shown = [_STATUS_LINES.get(response.status) or f"HTTP/1.1 {response.status} \r\n"]
    shown += [f"{name}: {value}\r\n" for name, value in response.headers]
    shown += lines
    text = "".join(shown)
    if text.count("\n") != len(shown) or text.count("\r") != len(shown):
        raise ValueError("a header of the answer has a line break in it")
    return f"{text}\r\n".encode("latin-1")


class Measure:
    """How much has come of a head, or of what a chunked body has besides data: sizes, trailers."""

    __slots__ = ("_lines", "_of", "size")

    def __init__(self) -> None:
        self.size = self._lines = 0
        self._of = (0, 0)

    def add(self, data: bytes, heads: int, received: int | None) -> None:
        """So much more has come of the head after `heads`, or of the last one's body, `received` bytes long.

        Raises HeadersTooLarge where that is too much.
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
