"""The answers that the release before keeps become the first part of the table by days, while it goes on."""

from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path

import pytest

from contactory.base.ids import new_id
from contactory.database import answers
from contactory.database.migrate import migrations
from tests.cli.conftest import CommandLine
from tests.servers import Sql, sql_at

RECORDS = 20_000
_FILL = """
insert into idempotency_records (key_id, key, fingerprint, status, headers, body, contact_ids, created_at)
select $1::uuid, n::text, 'print', 200, '[["etag", "1"]]', '{}', array[$1]::uuid[],
       now() - n * interval '4 seconds'
  from generate_series(1, $2) n
"""
# As a server of the release before claims a key, stores the answer, and purges.
_CLAIM = """
insert into idempotency_records (key_id, key, fingerprint, created_at) values ($1::uuid, $2, $3, now())
    on conflict (key_id, key) do update
       set fingerprint = excluded.fingerprint, status = null, created_at = excluded.created_at
     where idempotency_records.created_at not between now() - $4::interval and now() + $4::interval
returning true
"""
_STORE = """
update idempotency_records set status = 201, headers = '[]', body = 'old', contact_ids = $3
 where key_id = $1 and key = $2
"""
_PURGE = "delete from idempotency_records where contact_ids && $1::uuid[] and contact_ids <> '{}'"
DAY = timedelta(hours=24)


@pytest.fixture
def before(new_database: Callable[[], str]) -> Generator[Sql]:
    """A database of the release before, in use."""
    with sql_at(new_database()) as sql:
        sql.execute(
            """create table schema_migrations (
                   number integer primary key, name text not null, checksum text not null,
                   applied_at timestamptz not null)"""
        )
        for each in migrations():
            if each.title == "kept_answers_by_day":
                break
            sql.execute(each.sql)
            done = "insert into schema_migrations values ($1, $2, $3, now())"
            sql.execute(done, each.number, each.name, each.checksum)
        sql.execute("insert into accounts values (gen_random_uuid(), 'Acme', now())")
        yield sql


@pytest.mark.parametrize("records", [RECORDS, 0])
def test_servers_of_both_releases_know_one_key_as_one(before: Sql, tmp_path: Path, records: int) -> None:
    sql, owner, contact = before, new_id(), new_id()
    sql.execute(_FILL, owner, records)
    CommandLine(tmp_path, database_url=sql.url).gives("migrate")
    assert sql.value("select count(*) from kept_answers") == records

    def new_server(key: str) -> answers.Answer | None:
        """What it finds for a key, or else keeps."""
        claim = answers.new_claim(owner, key, b"print")

        async def run() -> answers.Answer | None:
            async with sql.conn.transaction():
                found = await answers.begin(sql.conn, claim)
                if found is None:
                    await answers.insert(sql.conn, claim, answers.Answer(200, [], b"new"), [contact])
                return found

        return sql.run(run())

    if records:
        assert new_server("17") == answers.Answer(200, [("etag", "1")], b"{}")
        assert sql.value(_CLAIM, owner, "17", b"print", DAY) is None
    assert sql.value(_CLAIM, owner, "of the old", b"print", DAY)
    sql.execute(_STORE, owner, "of the old", [contact])
    found = new_server("of the old")
    assert found
    assert found.body == b"old"
    assert new_server("of the new") is None
    assert sql.value(_CLAIM, owner, "of the new", b"print", DAY) is None
    assert sql.execute(_PURGE, [contact]) == "DELETE 2"
    [first, *_] = sql.run(answers.DAYS.parts(sql.conn))
    assert first.name == "idempotency_records"
    assert first.high
    assert first.high - sql.value("select now()") > DAY, "a rolling update may take a day"
    assert sql.fetch("select from pg_constraint where conname = 'idempotency_records_end'") == []


def test_a_new_database_has_days_from_the_present_one_on(
    new_database: Callable[[], str], tmp_path: Path
) -> None:
    url = new_database()
    CommandLine(tmp_path, database_url=url).gives("migrate")
    with sql_at(url) as sql:
        found, today = sql.run(answers.DAYS.parts(sql.conn)), answers.day_of(sql.value("select now()"))
    assert [part.name for part in found] == [
        "idempotency_records",
        f"kept_answers_{today:%Y_%m_%d}",
        f"kept_answers_{today + DAY:%Y_%m_%d}",
        "kept_answers_later",
    ]
    assert found[0].high == today
