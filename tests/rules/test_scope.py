"""Nothing of one workspace can be reached from another: every statement says which one it is about."""

import re

import pytest

from tests.rules.statements import HOLE, PACKAGE, Statement, literals, statements, unscoped

ALLOWED = {
    "fields/retype.py": "next_type_at not between",  # finds changes of type that a crash left, anywhere
    "contacts/read/listing.py": f"where {HOLE}",  # Query begins every condition with the workspace
    "contacts/read/by_change.py": f"where {HOLE}",  # likewise
    "contacts/read/counting.py": f"where {HOLE}",  # likewise
    "database/first_part.py": "contact_events",  # prepares the table of all workspaces
    "jobs/leases.py": "distinct on (workspace_id)",  # finds what is due in any workspace
    "jobs/store.py": "finished_at < now()",  # finds what is old in any workspace; each is removed by its key
    "contacts/write/cleanup.py": "swept_at is null",  # finds what is due anywhere; each piece is scoped
}


def allowed(statement: Statement) -> bool:
    path = statement.place.partition(":")[0]
    return path in ALLOWED and ALLOWED[path] in statement.sql


@pytest.mark.parametrize("statement", list(statements()), ids=lambda statement: statement.place)
def test_a_statement_says_which_workspace_it_is_about(statement: Statement) -> None:
    assert allowed(statement) or unscoped(statement.sql) == []


HANDLES = re.compile(r"^from contactory\.web\.operations import .*\bCall\b", re.MULTILINE)
SQL = re.compile(
    r"\bselect\b.+\bfrom\b|\binsert into\b|\bupdate \w+ set\b|\bdelete from\b|\bc\.\w+ *[<>=@?]", re.DOTALL
)
"""Statements, and conditions on a contact `c`."""


def test_no_module_that_knows_a_call_contains_sql() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "web"]
    handlers = [path for path in modules if HANDLES.search(path.read_text("utf-8"))]
    assert len(handlers) > 20
    assert [found.place for path in handlers for found in literals(path) if SQL.search(found.sql)] == []


def test_the_statements_are_found_at_all() -> None:
    assert len(list(statements())) > 25


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("select id from contacts where id = $1", ["contacts"]),
        ("select 1 from contacts c join tags t on t.id = 1 where c.workspace_id = $1", ["tags"]),
        ("select (select name from tags where id = c.t) from contacts c where c.workspace_id = $1", ["tags"]),
        ("update contacts set phone = null where id = $1", ["contacts"]),
        ("insert into tags (name) values ($1)", ["tags"]),
        ("insert into tags (workspace_id, name) values ($1, $2)", []),
        ("delete from contact_events where workspace_id = $1 and contact_id = $2", []),
    ],
)
def test_the_rule_sees_what_is_missing(sql: str, tables: list[str]) -> None:
    assert unscoped(sql) == tables
