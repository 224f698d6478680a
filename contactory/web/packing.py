"""Compression (gzip): what a client accepts, compressed answers, and bodies decompressed up to a limit."""

import asyncio
import zlib
from collections.abc import AsyncGenerator, Awaitable
from functools import lru_cache

from contactory.rules.errors import PayloadTooLarge, UnsupportedMediaType, ValidationProblem
from contactory.web.messages import JSON, PROBLEM, Request, Response

WORTH_PACKING = 1024  # Bytes; a smaller answer fits into one packet.
APART = 64 * 1024
"""Bytes above which compression runs in a thread: it takes 0.3 ms."""
_UNPACKED_APART = 1024  # They may contain a thousand times as many bytes.
_EFFORT = 3  # A higher level takes four times as long, for a tenth of the length.
_GZIP = 16 + zlib.MAX_WBITS  # zlib's parameter for the format of gzip (RFC 1952).
_NAMES = ("gzip", "x-gzip")  # RFC 9110, section 8.4.1.3.
_MOST_MEMBERS = 64
_PIECE = 256 * 1024
"""Bytes that are unpacked at once: less than a millisecond."""
_DAMAGED = "it is damaged, or other bytes follow it"
_CUT_OFF = "it is incomplete"
_IN_PARTS = f"it has more than {_MOST_MEMBERS} parts"
_LONGEST = 200
_VARY = ("vary", "accept-encoding")


def takes_gzip(header: str | None) -> bool:
    """Whether an Accept-Encoding accepts gzip, and does not prefer no coding (RFC 9110, 12.5.3)."""
    if header is None:
        return False
    return _takes_gzip(header) if len(header) > _LONGEST else _known(header)


def _takes_gzip(header: str) -> bool:
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        weight = parameter.replace(" ", "").replace("\t", "").removeprefix("q=")
        try:
            weights[coding.strip()] = float(weight) if weight else 1.0
        except ValueError:
            continue
    packed = next((weights[name] for name in _NAMES if name in weights), weights.get("*", 0.0))
    return packed > 0 and packed >= weights.get("identity", 0.0)


_known = lru_cache(maxsize=256)(_takes_gzip)


def may_pack(request: Request, response: Response) -> bool:
    """Whether to compress an answer of the API that is large enough.

    If that depends on the request, the answer gets Vary.
    """
    if response.status == 304:
        response.headers.append(_VARY)
        return False
    if not any(name == "content-type" and value in (JSON, PROBLEM) for name, value in response.headers):
        return False
    response.headers.append(_VARY)
    return takes_gzip(request.header("accept-encoding"))


async def pack(response: Response) -> None:
    """Compresses an answer; a large one in a thread, so that others do not wait."""
    if len(response.body) > APART:
        await asyncio.to_thread(pack_at_once, response)
    else:
        pack_at_once(response)


def pack_at_once(response: Response) -> None:
    """Compresses an answer."""
    response.body = zlib.compress(response.body, _EFFORT, _GZIP)
    response.headers.append(("content-encoding", "gzip"))


def read_body(request: Request, limit: int, timeout: float) -> Awaitable[bytes]:
    """A request's body, decompressed, with at most `limit` bytes before and after.

    Raises UnsupportedMediaType for another coding, before it waits for the body; PayloadTooLarge; Unavailable
    if all bodies together use too much memory; and ValidationProblem if it cannot be decompressed, or does
    not arrive within `timeout` seconds.
    """
    return _read_packed(request, limit, timeout) if _is_packed(request) else request.body(limit, timeout)


def read_pieces(request: Request, limit: int, timeout: float) -> AsyncGenerator[bytes]:
    """A request's body in pieces, decompressed; like read_body, but `timeout` is for each piece."""
    pieces = request.pieces(limit, timeout)
    return _unpacked_pieces(pieces, limit) if _is_packed(request) else pieces


def _is_packed(request: Request) -> bool:
    """Whether the body is compressed. Raises UnsupportedMediaType for another coding than gzip."""
    coding = request.header("content-encoding")
    if coding is None or coding.strip().lower() in ("", "identity"):
        return False
    if coding.strip().lower() not in _NAMES:
        raise UnsupportedMediaType(
            "Send the body uncompressed, or compressed with gzip (Content-Encoding: gzip).",
            headers={"Accept-Encoding": "gzip, identity"},
        )
    return True


async def _read_packed(request: Request, limit: int, timeout: float) -> bytes:
    body = await request.body(limit, timeout)
    if len(body) > _UNPACKED_APART:
        whole = await asyncio.to_thread(unpacked, body, limit)
    else:
        whole = unpacked(body, limit)
    request.replace(whole)
    return whole


def unpacked(body: bytes, limit: int) -> bytes:
    """Decompresses gzip up to `limit` bytes, and stops above that. Raises like read_body."""
    pieces, room, rest = list[bytes](), limit, body
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        try:
            piece = member.decompress(rest, room + 1)
        except zlib.error:
            raise _broken(_DAMAGED) from None
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            raise _too_large(limit)
        if not member.eof:
            raise _broken(_CUT_OFF)
        rest = member.unused_data
        if not rest:
            return b"".join(pieces)
    raise _broken(_IN_PARTS)


async def _unpacked_pieces(pieces: AsyncGenerator[bytes], limit: int) -> AsyncGenerator[bytes]:
    """Decompresses what arrives, in pieces of at most `_PIECE` bytes, up to `limit` bytes together."""
    member, members, room = zlib.decompressobj(_GZIP), 1, limit
    async for packed in pieces:
        rest, piece = packed, b""
        while rest or (len(piece) == _PIECE and not member.eof):
            if member.eof:
                member, members = zlib.decompressobj(_GZIP), members + 1
                if members > _MOST_MEMBERS:
                    raise _broken(_IN_PARTS)
            try:
                piece = member.decompress(rest, _PIECE)
            except zlib.error:
                raise _broken(_DAMAGED) from None
            room -= len(piece)
            if room < 0:
                raise _too_large(limit)
            rest = member.unused_data or member.unconsumed_tail
            if piece:
                yield piece
    if not member.eof:
        raise _broken(_CUT_OFF)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit} bytes after decompression: send less at once.")


def _broken(why: str) -> ValidationProblem:
    return ValidationProblem(
        f"The body cannot be decompressed as gzip: {why}. Compress it again, or send it uncompressed."
    )
