"""The address of the server: the beginning of its links."""

import re

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
    for host in (request.forwarded("x-forwarded-host", settings.proxies), request.header("host")):
        found = _HOST.fullmatch(host or "")
        if found:
            return f"{_scheme(request, settings, found[1], signed_in)}://{host}{request.mount}"
    return listening(settings)


def _scheme(request: Request, settings: Settings, name: str, signed_in: bool) -> str:
    passed = (request.forwarded("x-forwarded-proto", settings.proxies) or "").lower()
    if passed in ("http", "https"):
        return passed
    if request.scheme == "https":
        return "https"
    return "https" if signed_in and name not in _AT_HOME and not name.endswith(".localhost") else "http"
