"""The application under ASGI servers, started by the commands of the documentation."""

import re
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import PROJECT, Server

ASGI = "contactory.asgi:app"
_PROGRAM = """
import os, runpy, sys
import {before}

port = os.environ["CONTACTORY_PORT"]
sys.argv = [word.replace("8000", port) for word in {words}]
runpy.run_module(sys.argv[0], run_name="__main__")
"""


def documented(name: str) -> list[str]:
    """The words of the command by which docs/running.md starts an ASGI server, without settings."""
    text = (PROJECT / "docs/running.md").read_text("utf-8").replace(" \\\n ", "")
    [line] = re.findall(rf"^(?:CONTACTORY\S+ )*({name} contactory\.asgi:app .*)$", text, re.MULTILINE)
    return shlex.split(line)


def program(*words: str, before: str = "os") -> str:
    """What Python runs for an ASGI server: the command `words`, once the module `before` was imported."""
    return _PROGRAM.format(words=list(words), before=before)


@contextmanager
def under(name: str, log: Path, *more: str, before: str = "os", **settings: object) -> Generator[Server]:
    """The application under an ASGI server, started by the documented command and the words of `more`."""
    server = Server(log, program(*documented(name), *more, before=before), **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
