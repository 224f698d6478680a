"""PgBouncer before the database: session mode serves, the other modes are refused in words."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
import pytest

from contactory.database import db
from contactory.embedded.host import service_account
from tests.cli.conftest import CommandLine
from tests.conftest import client_of
from tests.proxies.programs import installed, started
from tests.servers import Sql, free_port, running
from tests.world import World, at_once

SHARING = ("transaction", "statement")


@pytest.fixture
def folder() -> Generator[Path]:
    """A folder that the user whom PgBouncer runs as reaches, too."""
    path = Path(tempfile.mkdtemp(prefix="contactory-pgbouncer-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextmanager
def pooled(folder: Path, url: str, mode: str, *more: str) -> Generator[str]:
    """The URL of a database by way of a PgBouncer in this mode; `more` are lines of its settings."""
    program, port, parts = installed("pgbouncer"), free_port(), urlsplit(url)
    query, account = parse_qs(parts.query), service_account()
    host, at = parts.hostname or query["host"][0], parts.port or query["port"][0]
    login = f"user={unquote(parts.username or '')} password={unquote(parts.password or '')}"
    settings = (
        "[databases]",
        f"* = host={host} port={at} {login}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        f"pool_mode = {mode}",
        *more,
    )
    file = folder / f"{mode}-{port}.ini"
    file.touch(0o600)
    file.write_text("\n".join(settings))
    account.take(file)
    with started(folder / "log", port, program, file, account=account):
        yield f"postgresql://any@127.0.0.1:{port}{parts.path}"


def test_everything_works_by_way_of_a_pooler_in_session_mode(
    folder: Path, world: World, database_url: str
) -> None:
    with (
        pooled(folder, database_url, "session") as url,
        running(folder / "server.log", database_url=url, workers=2) as server,
        client_of(server) as http,
    ):
        alice = world.alice.at(http)
        made = [alice.made(firstName="Jane")["id"] for _ in range(8)]
        answers = at_once(*(partial(alice.patch, each, {"tags": ["vip"]}) for each in made * 5))
        assert {answer.status_code for answer in answers} == {200}
        assert [alice.read(each)["tags"] for each in made] == [["vip"]] * 8
        assert http.get("/health/ready").status_code == 200
        assert "unexpected" not in server.log.read_text()


async def settings_of(url: str, session: dict[str, str]) -> dict[str, str]:
    """What holds in a session of ours, asked for when others have used the pooler after it was opened."""
    conn = await db.connect(url, 4, session)
    other = await db.connect(url)
    try:
        await other.fetchval("select 1")
        return dict(await conn.fetch("select name, setting from pg_settings"))
    finally:
        await other.close()
        await conn.close()


@pytest.mark.parametrize("way", ["directly", "session"])
def test_what_a_session_needs_holds_whatever_the_database_has_set(
    way: str, folder: Path, sql: Sql, new_database: Callable[[], str]
) -> None:
    direct = new_database()
    name = urlsplit(direct).path[1:]
    for setting in ("synchronous_commit = off", "jit = on", "timezone = 'Asia/Tokyo'", "lock_timeout = 0"):
        sql.execute(f"alter database {name} set {setting}")
    sql.execute(f"alter database {name} set default_transaction_isolation = serializable")
    expected = {
        "synchronous_commit": "on",
        "jit": "off",
        "TimeZone": "UTC",
        "default_transaction_isolation": "read committed",
        "statement_timeout": "4000",
        "lock_timeout": "1000",
        "application_name": "contactory",
    }

    def hold(url: str) -> None:
        found = asyncio.run(settings_of(url, {"lock_timeout": "1s"}))
        assert {name: found[name] for name in expected} == expected

    if way == "directly":
        hold(direct)
    else:
        with pooled(folder, direct, way) as url:
            hold(url)


@pytest.mark.parametrize("mode", SHARING)
def test_a_pooler_that_shares_sessions_is_refused_in_words(
    mode: str, folder: Path, tmp_path: Path, database_url: str
) -> None:
    with pooled(folder, database_url, mode) as url:
        contactory = CommandLine(tmp_path, database_url=url)
        server = contactory.start("serve", "--port", "0")
        said = server.communicate(timeout=30)[1]
        assert server.returncode == 1
        assert "Set pool_mode = session" in said
        assert "Traceback" not in said
        done = contactory.run("doctor", "--json")
        assert done.returncode == 1
        last = json.loads(done.stdout)[-1]
        assert last["status"] == "fail"
        assert "pool_mode = session" in last["detail"]


def test_doctor_is_content_with_session_mode(folder: Path, tmp_path: Path, database_url: str) -> None:
    with pooled(folder, database_url, "session") as url:
        findings = CommandLine(tmp_path, database_url=url).gives_anyway("doctor")
    assert {each["check"]: each["status"] for each in findings}["session"] == "ok"


async def refusals(url: str, others: int) -> list[bool]:
    """Whether each of several looks refuses the pooler, while others use it, too."""

    async def use() -> None:
        conn = await asyncpg.connect(url, statement_cache_size=0)
        try:
            while True:
                await conn.execute("begin; select pg_sleep(0.002); commit")
        finally:
            conn.terminate()

    async def look() -> bool:
        try:
            await db.check_session(url)
        except db.SharedSession:
            return True
        return False

    users = [asyncio.create_task(use()) for _ in range(others)]
    try:
        return [await look() for _ in range(15)]
    finally:
        for user in users:
            user.cancel()
        await asyncio.gather(*users, return_exceptions=True)


@pytest.mark.parametrize(("mode", "refused"), [("transaction", True), ("session", False)])
@pytest.mark.parametrize("order", ["server_round_robin = 0", "server_round_robin = 1"])
@pytest.mark.parametrize("others", [0, 1, 2, 6])
def test_neither_traffic_nor_the_order_of_a_pool_deceives(
    mode: str, refused: bool, order: str, others: int, folder: Path, database_url: str
) -> None:
    with pooled(folder, database_url, mode, order) as url:
        assert asyncio.run(refusals(url, others)) == [refused] * 15


def test_a_refusal_leaves_no_settings_behind_in_the_pool(folder: Path, database_url: str) -> None:
    async def look(url: str) -> set[str]:
        with pytest.raises(db.SharedSession):
            await db.check_session(url)
        conn = await asyncpg.connect(url, statement_cache_size=0)
        try:
            changed = "select name from pg_settings where source = 'session'"
            async with conn.transaction():
                return {row[0] for row in await conn.fetch(changed)}
        finally:
            await conn.close()

    with pooled(folder, database_url, "transaction") as url:
        assert asyncio.run(look(url)) & {"statement_timeout", "synchronous_commit", "jit"} == set()
