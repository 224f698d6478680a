"""Data of an older major version is brought to the bundled one."""

import hashlib
from pathlib import Path

import pytest

from contactory.embedded import host
from contactory.embedded.server import EmbeddedError, upgrade_data
from tests.embedded.servers import query, refusal, running

OLDER = [p.parents[1] for p in Path("/usr/lib/postgresql").glob("*/bin/initdb") if p.parts[4] < "18"]
needs_older = pytest.mark.skipif(not OLDER, reason="needs an older PostgreSQL in /usr/lib/postgresql")
# As PostgreSQL 15.20 and the releases of that day write for a column, and no release before them knows.
NEW_OPTION = (
    "update pg_attribute set attoptions = '{n_distinct=7,pg_attver=1}' "
    "where attname = 'body' and attrelid = 'note'::regclass;"
)
# An option of an index's column is another thing, and stays.
OF_AN_INDEX = (
    "create index note_body on note using gist (to_tsvector('simple', body) tsvector_ops (siglen=64));"
)


def make_old_store(store: Path, installed: Path, *more: str) -> str:
    """Data as a contactory with an older PostgreSQL left it, after a crash; returns its major version.

    `more` are statements for a superuser, in the database of the data.
    """
    major, account = installed.name, host.service_account()
    store.mkdir()
    (store / f"postgresql-{major}").symlink_to(installed)
    (store / "initdb").mkdir()
    account.take(store / "initdb")
    password, data = store / "initdb/contactory.password", store / f"initdb/data-{major}"
    password.write_text("secret")
    account.take(password)
    access = ["-A", "scram-sha-256", "-U", "postgres", f"--pwfile={password}"]
    made = host.run(account, installed / "bin/initdb", "-D", data, "-E", "LATIN1", "--no-locale", *access)
    assert made.returncode == 0, made.stdout
    host.run(account, installed / "bin/pg_resetwal", "-o", "16384", data)
    sql = (
        "create role contactory login password 'secret'",
        "create database contactory owner contactory",
    )
    single = (installed / "bin/postgres", "--single", "-D", data)
    host.run(account, *single, "postgres", text="\n".join(sql) + "\n")
    rows = (
        "create table note (body text);",
        "insert into note values ('old');",
        "alter table note owner to contactory;",
        *more,
    )
    host.run(account, *single, "contactory", text="\n".join(rows) + "\n")
    password.rename(data / password.name)
    data.rename(store / data.name)
    (store / "initdb").rmdir()
    return major


def digests(folder: Path) -> dict[str, str]:
    """Of each file below a folder, what it holds."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("installed", OLDER, ids=lambda path: path.name)
def test_data_of_an_older_version_is_upgraded(folder: Path, installed: Path) -> None:
    store = folder / "store"
    major = make_old_store(store, installed)
    assert "`contactory upgrade-data`" in refusal(store)
    assert upgrade_data(store) == store / f"data-{major}"
    with running(store) as server:
        assert query(server.url, "select body from note") == "old"
        assert query(server.url, "show server_encoding") == "LATIN1"
    assert upgrade_data(store) is None
    assert (store / f"data-{major}/PG_VERSION").exists()


@needs_older
def test_options_of_columns_that_the_new_version_does_not_know_are_left_out(folder: Path) -> None:
    store = folder / "store"
    make_old_store(store, OLDER[0], OF_AN_INDEX, NEW_OPTION)
    assert upgrade_data(store)
    with running(store) as server:
        assert query(server.url, "select body from note") == "old"
        options = "select array_to_string(attoptions, ',') from pg_attribute where attname = 'body'"
        assert query(server.url, f"{options} and attrelid = 'note'::regclass") == "n_distinct=7"
        definition = query(server.url, "select pg_get_indexdef('note_body'::regclass)")
        assert "siglen='64'" in definition


@needs_older
def test_the_old_data_shares_nothing_with_the_new(folder: Path) -> None:
    store = folder / "store"
    old = store / f"data-{make_old_store(store, OLDER[0], NEW_OPTION)}"
    account = host.service_account()
    host.run(account, OLDER[0] / "bin/postgres", "--single", "-D", old, "contactory")
    before = digests(old / "base")
    assert upgrade_data(store) == old
    with running(store) as server:
        query(server.url, "update note set body = 'new'")
    assert digests(old / "base") == before
    assert {path.stat().st_nlink for path in (old / "base").rglob("*") if path.is_file()} == {1}


@needs_older
def test_a_failed_upgrade_gives_the_reason_that_stands_in_the_log(folder: Path) -> None:
    store = folder / "store"
    unheard = "update pg_class set reloptions = '{unheard_of=1}' where relname = 'note';"
    major = make_old_store(store, OLDER[0], unheard)
    with pytest.raises(EmbeddedError, match=r'is unchanged: unrecognized parameter "unheard_of"'):
        upgrade_data(store)
    assert sorted(path.name for path in store.glob("*-*")) == [
        f"data-{major}",
        f"postgresql-{major}",
        "postgresql-18",
    ]


def test_an_upgrade_without_the_old_binaries_says_where_they_belong(folder: Path) -> None:
    data = folder / "store/data-15"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    host.service_account().take(data)
    with pytest.raises(EmbeddedError, match=r"create the link .*/store/postgresql-15 to"):
        upgrade_data(folder / "store")


def test_there_is_nothing_to_upgrade_in_current_data(store: Path) -> None:
    assert upgrade_data(store) is None
