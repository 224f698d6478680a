"""`contactory backup` and `contactory restore`."""

import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from contactory.embedded import cluster
from contactory.embedded.server import database
from tests.cli.conftest import CommandLine
from tests.servers import sql_at

_FILL = """
insert into contacts (workspace_id, id, first_name, tag_ids, fields, version, created_at, updated_at)
select id, gen_random_uuid(), e'J\\u00fc\\trgen\\n\\\\ ' || n, '{}', '{"1": "x"}', 1, now(), now()
  from workspaces, generate_series(1, 2000) n
"""
_EVENTS = """
insert into contact_events (workspace_id, contact_id, version, id, type, at, actor_type, via, changes)
select workspace_id, id, 1, gen_random_uuid(), 'contact.created', now() + (n % 200 - 100) * interval '1 day',
       'system', 'cli', '{}'
  from (select workspace_id, id, row_number() over () as n from contacts) numbered
"""
_TABLES = """
select table_name from information_schema.tables
 where table_schema = 'public' and table_name <> 'rate_buckets' order by 1
"""


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Of each table, how many rows it has, and a digest of them."""
    digest = "select count(*), coalesce(md5(string_agg(t::text, '' order by t::text)), '') from"
    with sql_at(url) as sql:
        return {row[0]: tuple(sql.row(f"{digest} {row[0]} t")) for row in sql.fetch(_TABLES)}


@pytest.fixture
def filled(new_database: Callable[[], str], tmp_path: Path) -> CommandLine:
    """The command line on a database with a workspace and 2,000 contacts."""
    url = new_database()
    contactory = CommandLine(tmp_path, database_url=url)
    account = contactory.gives("account", "create", "Acme")
    contactory.says("workspace", "create", "Acme", "--account", account["accountId"])
    with sql_at(url) as sql:
        sql.execute(_FILL)
        sql.execute(_EVENTS)
    return contactory


@pytest.fixture
def data_folder() -> Generator[Path]:
    """A place for an embedded PostgreSQL that its system user reaches, too."""
    folder = Path(tempfile.mkdtemp(prefix="contactory-backup-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "data"
    shutil.rmtree(folder, ignore_errors=True)


def at(contactory: CommandLine) -> str:
    return contactory.environment["CONTACTORY_DATABASE_URL"]


def test_a_backup_brings_everything_back(filled: CommandLine, new_database: Callable[[], str]) -> None:
    written = filled.gives("backup", "acme.dump")
    file = filled.folder / "acme.dump"
    assert written == {"file": "acme.dump", "bytes": file.stat().st_size}
    assert file.stat().st_mode & 0o777 == 0o600

    elsewhere = CommandLine(filled.folder, database_url=new_database())
    assert elsewhere.gives("restore", "acme.dump") == {"accounts": 1, "workspaces": 1, "contacts": 2000}
    assert contents(at(elsewhere)) == contents(at(filled))
    with sql_at(at(elsewhere)) as sql:
        assert sql.value("insert into tags values ($1, default, 'x', null, now()) returning id", NOBODY) == 1


NOBODY = "019297c4-0000-7000-8000-000000000000"


def test_only_force_replaces_what_is_there(filled: CommandLine) -> None:
    filled.says("backup", "acme.dump")
    before = contents(at(filled))
    assert "exists already" in filled.fails("backup", "acme.dump")
    filled.says("account", "create", "Later")
    assert "The database is not empty" in filled.fails("restore", "acme.dump")
    filled.says("restore", "acme.dump", "--force")
    assert contents(at(filled)) == before
    filled.says("backup", "acme.dump", "--force")


def test_a_damaged_backup_changes_nothing(filled: CommandLine) -> None:
    filled.says("backup", "acme.dump")
    before = contents(at(filled))
    whole = (filled.folder / "acme.dump").read_bytes()
    (filled.folder / "half.dump").write_bytes(whole[: len(whole) * 2 // 3])
    (filled.folder / "junk.dump").write_bytes(b"hello")
    assert "is damaged" in filled.fails("restore", "half.dump", "--force")
    assert "is not a readable backup" in filled.fails("restore", "junk.dump", "--force")
    assert contents(at(filled)) == before


def test_nothing_is_restored_under_a_server(filled: CommandLine) -> None:
    filled.says("backup", "acme.dump")
    with sql_at(at(filled)):
        assert "stop it first" in filled.fails("restore", "acme.dump", "--force")


def test_a_backup_of_a_newer_release_is_refused(filled: CommandLine, new_database: Callable[[], str]) -> None:
    with sql_at(at(filled)) as sql:
        sql.execute("insert into schema_migrations values (9999, '9999_later.sql', 'x', now())")
    assert "newer" in filled.fails("workspace", "list")
    filled.says("backup", "acme.dump")
    elsewhere = CommandLine(filled.folder, database_url=new_database())
    assert "was created by a newer Contactory" in elsewhere.fails("restore", "acme.dump")


def test_a_file_that_cannot_be_written_is_told(filled: CommandLine) -> None:
    assert "cannot be written" in filled.fails("backup", "/proc/acme.dump")
    assert "does not exist" in filled.fails("restore", "nosuch.dump", code=2)


def test_a_backup_of_a_server_that_writes_options_of_its_own_comes_into_any_other(
    data_folder: Path, tmp_path: Path
) -> None:
    """PostgreSQL 15.20, and what was released with it, writes pg_attver, which earlier ones refuse."""
    contactory = CommandLine(tmp_path, data_dir=data_folder)
    contactory.says("account", "create", "Acme")
    place = cluster.layout(data_folder)
    column = "where attrelid = 'contacts'::regclass and attname ="
    sql = (
        f"update pg_attribute set attoptions = '{{pg_attver=7,n_distinct=9}}' {column} 'tag_ids';",
        f"update pg_attribute set attoptions = '{{pg_attver=7}}' {column} 'first_name';",
    )
    cluster.single_user(place, place.cluster, "\n".join(sql) + "\n", database="contactory")
    contactory.says("backup", "acme.dump")
    assert contactory.gives("restore", "acme.dump", "--force")["accounts"] == 1
    kept = "select attoptions from pg_attribute where attrelid = 'contacts'::regclass and attname = 'tag_ids'"
    with database(data_folder) as url, sql_at(url) as restored:
        assert restored.value(kept) == ["n_distinct=9"]
