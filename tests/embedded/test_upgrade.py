"""Data of an older major version is brought to the bundled one."""

from pathlib import Path

import pytest

from contactory import embedded_host
from contactory.embedded import EmbeddedError, upgrade_data
from tests.embedded.servers import query, refusal, running

OTHER_POSTGRES = [p.parents[1] for p in Path("/usr/lib/postgresql").glob("*/bin/initdb") if p.parts[4] < "18"]


def make_old_store(store: Path, installed: Path) -> str:
    """Data as a contactory with an older PostgreSQL left it, after a crash; returns its major version."""
    major, account = installed.name, embedded_host.service_account()
    store.mkdir()
    (store / f"postgresql-{major}").symlink_to(installed)
    (store / "initdb").mkdir()
    account.take(store / "initdb")
    password, data = store / "initdb/contactory.password", store / f"initdb/data-{major}"
    password.write_text("secret")
    account.take(password)
    access = ["-A", "scram-sha-256", "-U", "postgres", f"--pwfile={password}"]
    made = embedded_host.run(
        account, installed / "bin/initdb", "-D", data, "-E", "LATIN1", "--no-locale", *access
    )
    assert made.returncode == 0, made.stdout
    embedded_host.run(account, installed / "bin/pg_resetwal", "-o", "16384", data)
    sql = (
        "create role contactory login password 'secret'",
        "create database contactory owner contactory",
    )
    single = (installed / "bin/postgres", "--single", "-D", data)
    embedded_host.run(account, *single, "postgres", text="\n".join(sql) + "\n")
    rows = (
        "create table note (body text);",
        "insert into note values ('old');",
        "alter table note owner to contactory;",
    )
    embedded_host.run(account, *single, "contactory", text="\n".join(rows) + "\n")
    password.rename(data / password.name)
    data.rename(store / data.name)
    (store / "initdb").rmdir()
    return major


@pytest.mark.skipif(not OTHER_POSTGRES, reason="needs an older PostgreSQL in /usr/lib/postgresql")
def test_data_of_an_older_version_is_upgraded(folder: Path) -> None:
    store = folder / "store"
    major = make_old_store(store, OTHER_POSTGRES[0])
    assert "`contactory upgrade-data`" in refusal(store)
    assert upgrade_data(store) == store / f"data-{major}"
    with running(store) as server:
        assert query(server.url, "select body from note") == "old"
        assert query(server.url, "show server_encoding") == "LATIN1"
    assert upgrade_data(store) is None
    assert (store / f"data-{major}/PG_VERSION").exists()


def test_an_upgrade_without_the_old_binaries_says_where_they_belong(folder: Path) -> None:
    data = folder / "store/data-15"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("15\n")
    embedded_host.service_account().take(data)
    with pytest.raises(EmbeddedError, match=r"make .*/store/postgresql-15 a link"):
        upgrade_data(folder / "store")


def test_there_is_nothing_to_upgrade_in_current_data(store: Path) -> None:
    assert upgrade_data(store) is None
