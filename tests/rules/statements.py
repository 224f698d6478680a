"""The SQL in the package, as its source has it: every string literal that is a statement, or part of one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parents[2] / "contactory"
OWNED = (
    *("contacts", "tags", "custom_fields", "contact_events", "send_windows"),
    *("contact_search", "search_progress", "grid_layouts", "saved_views"),
    *("jobs", "jobs_due", "job_problems"),
)
"""The tables whose rows belong to a workspace."""
HOLE = "\N{WHITE SQUARE}"
"""Stands where an f-string has a value."""
_TABLES = re.compile(
    rf"\b(from|join|update|into)\s+(?:only\s+)?({'|'.join(OWNED)})\b(?:\s+(?:as\s+)?(?!set\b|where\b|on\b)(\w+))?"
)
_NESTED = re.compile(r"\([^()]*\)")


class Statement(NamedTuple):
    """One literal of SQL, and where it stands."""

    place: str
    sql: str


def literals(path: Path) -> Iterator[Statement]:
    """The strings of a module, f-strings too, docstrings left out."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    name = path.relative_to(PACKAGE).as_posix()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside | notes:
            yield Statement(f"{name}:{node.lineno}", node.value)
        elif isinstance(node, ast.JoinedStr) and id(node) not in notes:
            parts = [p.value if isinstance(p, ast.Constant) else HOLE for p in node.values]
            yield Statement(f"{name}:{node.lineno}", "".join(map(str, parts)))


def statements() -> Iterator[Statement]:
    """Every literal that reads or writes a table of OWNED."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for found in literals(path):
            sql = re.sub(r"--.*", "", found.sql.lower())
            if _TABLES.search(sql) and re.search(r"\b(select|insert|update|delete)\b", sql):
                yield Statement(found.place, sql)


def queries(sql: str) -> Iterator[str]:
    """The selects of a statement, the innermost first, each with `()` where another one stood."""
    while inner := _NESTED.search(sql):
        yield inner[0]
        # A list of columns stays to be seen: it is what an insert names its workspace in.
        kept = f"[{inner[0][1:-1]}]" if not re.search(r"\b(select|update|delete)\b", inner[0]) else "[]"
        sql = sql[: inner.start()] + kept + sql[inner.end() :]
    yield sql


def unscoped(sql: str) -> list[str]:
    """Tables that the statement touches without saying of which workspace."""
    found: list[str] = []
    for query in queries(sql):
        tables = list(_TABLES.finditer(query))
        for verb, table, alias in (m.groups() for m in tables):
            columns = rf"\b{alias}\.workspace_id" if alias and len(tables) > 1 else r"\bworkspace_id"
            compared = rf"{columns}\s*(=|in\b)|(=|in)\s*{columns}"
            if not re.search(r"\bworkspace_id" if verb == "into" else compared, query):
                found.append(table)
    return found
