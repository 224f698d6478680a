"""Files for browsers: only those in `static/`."""

import asyncio
import gzip
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from contactory.rules.errors import NotFound
from contactory.web.messages import Response
from contactory.web.operations import Call
from contactory.web.packing import WORTH_PACKING, takes_gzip

_ROOT = files("contactory.dashboard").joinpath("static")
_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
PAGE_POLICY = ("content-security-policy", _POLICY)
PAGE_HEADERS = [
    PAGE_POLICY,
    ("referrer-policy", "no-referrer"),
]
"""The security header of every page for a browser, in addition to those of all answers."""


def _listed(folder: Traversable, path: str = "") -> list[str]:
    found: list[str] = []
    for entry in folder.iterdir():
        inner = f"{path}{entry.name}"
        found += _listed(entry, f"{inner}/") if entry.is_dir() else [inner]
    return found


NAMES = frozenset(name for name in _listed(_ROOT) if name.rpartition(".")[2] in _TYPES)
"""The paths below `static/`: any other path does not exist."""


class _File(msgspec.Struct, frozen=True):
    kind: str
    content: bytes
    packed: bytes | None
    etag: str


@cache
def _read(name: str) -> _File:
    content = _ROOT.joinpath(*name.split("/")).read_bytes()
    packed = gzip.compress(content, mtime=0) if len(content) > WORTH_PACKING else None
    etag = hashlib.sha256(content).hexdigest()[:32]
    return _File(_TYPES[name.rpartition(".")[2]], content, packed, etag)


async def send(call: Call, name: str) -> Response:
    """The file, compressed if the client accepts that; 304 if the client has it. Raises NotFound."""
    if name not in NAMES:
        raise NotFound
    file = await asyncio.to_thread(_read, name)
    packed = file.packed if takes_gzip(call.request.header("accept-encoding")) else None
    # The two encodings are two representations, so each has its own entity tag (RFC 9110, 8.8.3).
    etag = f'"{file.etag}{"-gzip" if packed else ""}"'
    headers = [("etag", etag), ("cache-control", "no-cache"), ("vary", "accept-encoding"), *PAGE_HEADERS]
    known = call.request.header("if-none-match") or ""
    if known.strip() == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]:
        return Response(304, b"", headers)
    if packed:
        headers.append(("content-encoding", "gzip"))
    return Response(200, packed or file.content, [("content-type", file.kind), *headers])


async def static_file(call: Call) -> Response:
    """A file of `static/`. Raises NotFound also for files of the explorer, if that is closed."""
    name = call.path["name"]
    if name.startswith("docs.") and not call.app.settings.docs:
        raise NotFound
    return await send(call, name)
