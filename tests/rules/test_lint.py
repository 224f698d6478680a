"""What `make lint` finds besides style and types: dead code, and migrations that would hold others up."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import PROJECT
from tools.dead import dead_code

MODULE = '''
import asyncio


class Answer:
    first_name: str

    def shown(self) -> str:
        return self.first_name

    def never_shown(self) -> str:
        return "never_shown"


class Connection(asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        used(data)


def used(data: bytes) -> bytes:
    return data
    data = b""


def unused() -> Answer:
    """unused() only says its own name."""
    return Answer()


FORGOTTEN = Connection
'''
TEMPLATE = "<p>Unused, never_shown: {{ answer.shown() }}</p>"


def test_dead_code_is_found_and_what_a_template_or_asyncio_uses_is_not(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "page.html").write_text(TEMPLATE)
    found = {(item.typ, item.name) for item in dead_code(tmp_path)}
    assert found == {
        ("method", "never_shown"),
        ("unreachable_code", "return"),
        ("function", "unused"),
        ("variable", "FORGOTTEN"),
    }


def test_what_only_a_test_or_a_tool_uses_is_dead(tmp_path: Path) -> None:
    package, tools = tmp_path / "package", tmp_path / "tools"
    for folder, text in ((package, "def helps():\n    pass\n"), (tools, "helps()\n\n\ndef idle(): ...\n")):
        folder.mkdir()
        (folder / "module.py").write_text(text)
    assert [item.name for item in dead_code(package, [tools])] == ["helps", "idle"]


def judged(migration: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What squawk says of a migration, by the project's settings."""
    migration.write_text(text)
    squawk = Path(sys.executable).with_name("squawk")
    return subprocess.run([squawk, migration], cwd=PROJECT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("create index contacts_by_zone on contacts (workspace_id, timezone);", "require-concurrent-index"),
        ("alter table contacts alter column timezone set not null;", "adding-not-nullable-field"),
        ("alter table contacts alter column version type bigint;", "changing-column-type"),
        ("alter table contacts rename column phone to number;", "renaming-column"),
    ],
)
def test_a_migration_that_holds_others_up_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    refused = judged(tmp_path / "0099_planted.sql", text)
    assert refused.returncode == 1
    assert rule in refused.stdout


def test_a_migration_may_fill_a_new_table_and_say_why_it_breaks_a_rule(tmp_path: Path) -> None:
    text = """
    create table notes (workspace_id uuid, id uuid, words text, primary key (workspace_id, id));
    create index notes_by_words on notes (workspace_id, words);
    alter table contacts add column notes bigint;
    -- Few contacts have a zone of their own.
    -- squawk-ignore require-concurrent-index-creation
    create index contacts_by_zone on contacts (workspace_id, timezone);
    """
    assert judged(tmp_path / "0099_planted.sql", text).returncode == 0
