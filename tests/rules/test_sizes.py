"""The code stays in pieces that can be read at once, and each module in its place."""

import ast
import re
import subprocess
from pathlib import Path
from statistics import median, quantiles

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "contactory"
MODULES = sorted(PACKAGE.rglob("*.py"))
# Written in two parts each, so that this file does not hold them itself.
FORBIDDEN = [
    "py" + "pi.org",
    "files.python" + "hosted",
    "npm" + "js.org",
    "/wor" + "k/",
    "/ro" + "ot/",
    "/tmp/tr" + "y",
]


def lengths() -> dict[str, int]:
    """Lines of every function, by its place."""
    return {
        f"{path.relative_to(PACKAGE)}:{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_functions_are_short() -> None:
    found = lengths()
    assert {place: lines for place, lines in found.items() if lines > 45} == {}
    assert median(found.values()) <= 10
    assert quantiles(found.values(), n=10)[-1] <= 30


def imported(path: Path) -> set[str]:
    """The packages that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_only_the_database_module_knows_the_driver() -> None:
    assert [path.name for path in MODULES if "asyncpg" in imported(path)] == ["db.py"]


def test_no_file_names_a_registry_or_a_place_on_somebodys_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("this is no git repository")
    words = re.compile("|".join(map(re.escape, FORBIDDEN)))
    found: list[str] = []
    for name in filter(None, listed.stdout.split("\0")):
        path = PROJECT / name
        if path.is_file() and "/vendor/" not in name:
            text = path.read_text("utf-8", errors="replace")
            found += [f"{name}: {word}" for word in sorted(set(words.findall(text)))]
    assert found == []
