"""The configurations in docs/running.md, run as they stand there."""

import re
import ssl
import subprocess
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.conftest import client_of
from tests.proxies.programs import installed, started
from tests.servers import PROJECT, Server, free_port, running

NAME = "contacts.example.com"
_AROUND_NGINX = """
user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/answers;
    {block}
}}
"""


class Proxied(NamedTuple):
    """A server with a proxy before it."""

    http: httpx.Client
    """A client that asks the proxy."""
    direct: httpx.Client
    """One that asks the server itself."""
    server: Server
    port: int
    tls: ssl.SSLContext


def documented(language: str) -> str:
    """The block of code in this language that docs/running.md has."""
    text = (PROJECT / "docs/running.md").read_text("utf-8")
    [block] = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return block


def replaced(block: str, values: dict[str, str]) -> str:
    """The block with other places in it: each stands there, or the docs have changed."""
    for old, new in values.items():
        assert block.count(old) >= 1, old
        block = block.replace(old, new)
    return block


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key, for NAME, signed by itself."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2")
    names = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1")
    subprocess.run(
        [installed("openssl"), "req", "-x509", *kind, *names, "-keyout", key, "-out", made],
        check=True,
        capture_output=True,
    )
    return made, key


def nginx(folder: Path, port: int, server: Server) -> list[str | Path]:
    """The command that runs nginx by the docs."""
    program, (made, key) = installed("nginx"), certificate(folder)
    places = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/contacts.example.com.pem": str(made),
        "/etc/ssl/contacts.example.com.key": str(key),
        "127.0.0.1:8000": f"127.0.0.1:{server.port}",
    }
    block = replaced(documented("nginx"), places)
    file = folder / "nginx.conf"
    file.write_text(_AROUND_NGINX.format(folder=folder, block=block, user=folder.owner()))
    return [program, "-e", "stderr", "-p", folder, "-c", file]


def haproxy(folder: Path, port: int, server: Server) -> list[str | Path]:
    """The command that runs HAProxy by the docs."""
    program, (made, key) = installed("haproxy"), certificate(folder)
    both = folder / "both.pem"
    both.write_text(made.read_text() + key.read_text())
    places = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/haproxy/contacts.example.com.pem": str(both),
        "127.0.0.1:8000": f"127.0.0.1:{server.port}",
    }
    file = folder / "haproxy.cfg"
    file.write_text(replaced(documented("haproxy"), places))
    return [program, "-db", "-f", file]


_PROXIES: dict[str, Callable[[Path, int, Server], list[str | Path]]] = {"nginx": nginx, "haproxy": haproxy}


@pytest.fixture(scope="module", params=list(_PROXIES))
def proxied(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Proxied]:
    """A server as the docs set it up, once behind each of the proxies."""
    folder = tmp_path_factory.mktemp("proxy")
    with ExitStack() as stack:
        settings = {"database_url": database_url, "proxies": 1, "log_requests": "all", "log_addresses": "on"}
        server = stack.enter_context(running(folder / "server.log", **settings))
        port = free_port()
        command = _PROXIES[request.param](folder, port, server)
        stack.enter_context(started(folder / "proxy.log", port, *command))
        tls = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        url = f"https://127.0.0.1:{port}"
        http = stack.enter_context(httpx.Client(base_url=url, verify=tls, timeout=20))
        yield Proxied(http, stack.enter_context(client_of(server)), server, port, tls)
