"""The statements that change contacts, written out as they run, to be read, reviewed and explained.

contacts/write/statement.py makes them of parts. In the files the bits of `mask` have their names.
CONTACTORY_TEST_WRITE_STATEMENTS=1 writes them anew.
"""

import os
import re
from pathlib import Path

import pytest

import contactory
from contactory.contacts.write import statement
from tests.servers import Sql

FOLDER = Path(contactory.__file__).parent / "contacts/write"
BITS = {bit: name for name, bit in vars(statement).items() if name.isupper() and isinstance(bit, int)}
STATEMENTS = {
    "short": statement.SHORT,
    "long": statement.LONG,
    "short_keyed": statement.SHORT_KEYED,
    "long_keyed": statement.LONG_KEYED,
}
HEAD = """\
-- {title}, as it runs. Made of the parts in statement.py: change them there.
-- Its plan, from PostgreSQL 16 on: explain (generic_plan) with …
"""
TITLES = {
    "short": "What PATCH usually does",
    "long": "All that a change of a contact can do",
    "short_keyed": "What PATCH usually does, in a batch with an Idempotency-Key",
    "long_keyed": "All that a change of a contact can do, in a batch with an Idempotency-Key",
}


def written_out(name: str) -> str:
    sql = re.sub(r"\bmask & (\d+)", _with_names, STATEMENTS[name])
    return HEAD.format(title=TITLES[name]) + sql + "\n"


def _with_names(found: re.Match[str]) -> str:
    names = [name for bit, name in BITS.items() if bit.bit_count() == 1 and bit & int(found[1])]
    return f"{found[0]} /* {' | '.join(names)} */"


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_written_out_as_it_runs(name: str) -> None:
    shown, file = written_out(name), FOLDER / f"{name}.sql"
    if os.environ.get("CONTACTORY_TEST_WRITE_STATEMENTS"):
        file.write_text(shown, "utf-8")
    assert shown == file.read_text("utf-8"), "CONTACTORY_TEST_WRITE_STATEMENTS=1 writes it anew"


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_that_is_written_out_has_a_plan(sql: Sql, name: str) -> None:
    shown = (FOLDER / f"{name}.sql").read_text("utf-8")
    sql.execute(f"prepare written_out_{name} (json, int, int) as {shown}")
    plan = [row[0] for row in sql.fetch(f"explain execute written_out_{name} ('[]', 1, 1)")]
    assert any("LockRows" in line for line in plan)
    assert sum("Insert on contact_events" in line for line in plan) == 1
