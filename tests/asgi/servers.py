"""The application under ASGI servers, started by the commands of the documentation."""

import re
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import PROJECT, Server

ASGI = "contactory.asgi:app"
MORE = "tests.web.pieces_app:app"
"""The application with a few operations more."""
SERVERS = ["uvicorn", "hypercorn", "granian"]
_PROGRAM = """
import os, runpy, sys

port = os.environ["CONTACTORY_PORT"]
sys.argv = [word.replace("8000", port) for word in {words}]
runpy.run_module(sys.argv[0], run_name="__main__")
"""

OWN_WITH_MORE = """
import os, socket, tempfile
from pathlib import Path

import tests.web.pieces_app
from contactory.process.server import main
from contactory.process.workers import listen

[listening] = listen("127.0.0.1", int(os.environ["CONTACTORY_PORT"]), 1)
main(listening.fileno(), os.pipe()[1], Path(tempfile.mkdtemp()), "server-1")
"""
"""A server process of our own with these."""


def documented(name: str, tls: bool = False) -> list[str]:
    """The words of the command by which docs/running.md starts an ASGI server."""
    text = (PROJECT / "docs/running.md").read_text("utf-8")
    lines = re.findall(rf"^{name} contactory\.asgi:app .*$", text, re.MULTILINE)
    [line] = [line for line in lines if ("--certfile" in line) == tls]
    return shlex.split(line)


@contextmanager
def under(name: str, log: Path, *more: str, app: str = ASGI, **settings: object) -> Generator[Server]:
    """The application under an ASGI server, started by the documented command and the words of `more`."""
    words = [app if word == ASGI else word for word in documented(name)]
    server = Server(log, _PROGRAM.format(words=[*words, *more]), **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
