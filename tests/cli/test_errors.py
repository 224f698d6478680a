"""What every command has in common: how it fails, and how it starts."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.servers import PROJECT, sql_at

COMMANDS = [
    ("account", "create", "x"),
    ("key", "list"),
    ("migrate",),
    ("backup", "x.dump"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_database_that_is_away_is_told_in_a_sentence(words: tuple[str, ...], tmp_path: Path) -> None:
    contactory = CommandLine(tmp_path, database_url="postgresql://a:hush@127.0.0.1:1/x", port=0)
    said = contactory.fails(*words)
    assert "The database cannot be reached" in said
    assert "hush" not in said


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("key", "list")], ids=" ".join)
def test_a_process_that_fails_says_one_sentence_and_ends_with_1(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    process = CommandLine(tmp_path, database_url="postgresql://a:hush@127.0.0.1:1/x").start(*words)
    said, complaint = process.communicate(timeout=30)
    assert (process.returncode, said, complaint.count("\n")) == (1, "", 1)
    assert complaint.startswith("Error: The database cannot be reached")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"database_url": "mysql://a:hush@h/x"}, "CONTACTORY_DATABASE_URL"),
        ({"database_url": "postgresql://a:hush@h:port/x"}, "CONTACTORY_DATABASE_URL"),
        ({"workers": "many"}, "CONTACTORY_WORKERS"),
        ({"public_url": "contacts.example.com"}, "CONTACTORY_PUBLIC_URL"),
        ({"public_url": "ftp://contacts.example.com"}, "CONTACTORY_PUBLIC_URL"),
        ({"public_url": "https://contacts.example.com:99999"}, "CONTACTORY_PUBLIC_URL"),
        ({"public_url": "https://user:hush@contacts.example.com"}, "CONTACTORY_PUBLIC_URL"),
        ({"public_url": "https://contacts.example.com/?a=b"}, "CONTACTORY_PUBLIC_URL"),
        ({"public_url": "https://"}, "CONTACTORY_PUBLIC_URL"),
        ({"metrics": "maybe"}, "CONTACTORY_METRICS='maybe': expected on or off"),
        ({"config": "nosuch.toml"}, "nosuch.toml"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, str], named: str, tmp_path: Path) -> None:
    said = CommandLine(tmp_path, **settings).fails("key", "list")
    assert named in said
    assert "hush" not in said


def test_a_password_that_is_wrong_is_told(new_database: Callable[[], str], tmp_path: Path) -> None:
    user, _, place = new_database().removeprefix("postgresql://").partition("@")
    url = f"postgresql://{user.partition(':')[0]}:wrong@{place}"
    assert "password authentication failed" in CommandLine(tmp_path, database_url=url).fails("key", "list")


def test_a_schema_that_is_behind_is_never_migrated_in_passing(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    contactory = CommandLine(tmp_path, database_url=url)
    contactory.says("account", "create", "x")
    with sql_at(url) as sql:
        sql.execute("delete from schema_migrations where number = 2")
    assert "run `contactory migrate`" in contactory.fails("key", "list")


def test_help_is_there_at_once_as_it_loads_nothing_heavy() -> None:
    script = "import sys, contactory.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True
    ).stdout
    assert "click" in loaded.split()
    assert not {"asyncio", "asyncpg", "msgspec", "rich", "phonenumbers"} & set(loaded.split())


def test_versions_are_told(contactory: CommandLine) -> None:
    assert contactory.gives("version").keys() >= {"contactory", "python", "postgresql", "tzdata"}
