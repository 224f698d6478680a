"""Fails on dead code: what nothing in the package uses, or can reach, though a test may.

    .venv/bin/python tools/dead.py

A template uses every name in its code. The fields that a class declares are part of an answer or of a row,
and a protocol's methods are called by asyncio: both count as used.
"""

import ast
import asyncio
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from vulture.core import Item, Vulture

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "contactory"
OTHERS = [PROJECT / "bench", PROJECT / "tools"]
EXCEPTIONS = [
    "on_*",  # httptools calls what has these names
    "exc",  # of asyncio's connection_lost
    "logger",  # of a processor of structlog
    "frame",  # of a handler of signals
    "enqueue",  # of jobs: nothing starts one yet
]
COMMANDS = ["@*.command", "@*.group"]  # click calls what these decorate
_CODE = re.compile(r"{[{%].*?[%}]}", re.DOTALL)
_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def dead_code(package: Path = PACKAGE, others: Sequence[Path] = ()) -> list[Item]:
    """What is dead in the package, by place; `others` use the package, and are not used by it."""
    found = _unused(package, [package])
    return found + [item for each in others for item in _unused(each, [package, *others])]


def _unused(within: Path, paths: Sequence[Path]) -> list[Item]:
    vulture = Vulture(ignore_names=EXCEPTIONS, ignore_decorators=COMMANDS)
    vulture.scavenge(paths)
    for path in paths:
        for template in path.rglob("*.html"):
            code = "".join(_CODE.findall(template.read_text("utf-8")))
            vulture.used_names.update(_WORD.findall(code))
    vulture.used_names.update(name for name in dir(asyncio.Protocol) if not name.startswith("_"))
    fields = {name for path in paths for name in _fields(path)}
    return [
        item
        for item in vulture.get_unused_code()
        if item.filename.is_relative_to(within)
        and not (item.typ in ("variable", "attribute") and item.name in fields)
    ]


def _fields(path: Path) -> Iterator[str]:
    """The names that classes declare with a type."""
    for module in path.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            for line in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id


if __name__ == "__main__":
    found = dead_code(others=OTHERS)
    for item in found:
        sys.stdout.write(f"{item.filename.relative_to(PROJECT)}:{item.first_lineno}: {item.message}\n")
    sys.exit(bool(found))
