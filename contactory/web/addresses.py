"""The address of the server: the beginning of its links."""

import re
from functools import lru_cache

from contactory.base.settings import Settings
from contactory.web.messages import Request

_HOST = re.compile(r"([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
_AT_HOME = ("localhost", "127.0.0.1", "[::1]")


def listening(settings: Settings) -> str:
    """The address that the server listens on; if that is every address, one that works on this machine."""
    host = settings.host
    shown = _EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{settings.port}"


def base_url(request: Request, settings: Settings, *, signed_in: bool = False) -> str:
    """The client's address of this server, such as `https://contacts.example.com`, as the beginning of links.

    The public URL if it is set, otherwise the headers of trusted proxies, otherwise the request's Host.
    `signed_in`: a browser sent its session, which browsers do only over https and on this machine.
    """
    if settings.public_url:
        return settings.public_url
    passed = request.forwarded("x-forwarded-proto", settings.proxies) or ""
    for host in (request.forwarded("x-forwarded-host", settings.proxies), request.header("host")):
        found = host and _origin(host, passed, request.scheme, signed_in)
        if found:
            return found + request.mount
    return listening(settings)


@lru_cache(maxsize=1024)
def _origin(host: str, passed: str, scheme: str, signed_in: bool) -> str | None:
    """The address at a host; None if it is not a host. `passed` is the scheme that a proxy has passed on."""
    found = _HOST.fullmatch(host)
    return f"{_scheme(passed.lower(), scheme, found[1], signed_in)}://{host}" if found else None


def _scheme(passed: str, scheme: str, name: str, signed_in: bool) -> str:
    if passed in ("http", "https"):
        return passed
    if scheme == "https":
        return "https"
    return "https" if signed_in and name not in _AT_HOME and not name.endswith(".localhost") else "http"
