"""`contactory restore`."""

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import click

from contactory.cli.output import json_option, print_result
from contactory.cli.pgtools import complaint, programs, server_major, target
from contactory.cli.running import database_url, explained, load, say, with_connection

if TYPE_CHECKING:
    from contactory.database.db import Connection

_COLUMN_OPTIONS = re.compile(rb"(ALTER TABLE ONLY .+ ALTER COLUMN .+ SET \()(.+)(\);\s*)$")


class Restored(NamedTuple):
    """The contents of the database after a restore."""

    accounts: int
    workspaces: int
    contacts: int


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace the contents of the database.")
@json_option
def restore(file: Path, force: bool, as_json: bool) -> None:
    """Restore FILE, a backup, into an empty database.

    If the restore fails, the database does not change. The server must be stopped.
    """
    settings = load()
    with explained(), database_url(settings, new=True) as url:
        tools = _readable_by(programs(settings, with_connection(url, server_major)), file)
        _check_release(tools, file)
        with_connection(url, lambda conn: _check_free(conn, force))
        _load(tools, url, file)
        found = with_connection(url, _finish)
    sentence = f"Restored {found.contacts:,} contacts in {found.workspaces:,} workspaces."
    print_result(as_json, found._asdict(), sentence)


def _readable_by(folders: list[Path], file: Path) -> Path:
    """The first of the programs' folders that can read the backup."""
    why = ""
    for folder in folders:
        command = [folder / "pg_restore", "--list", file]
        listed = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        if listed.returncode == 0 and " TABLE DATA public schema_migrations " in listed.stdout:
            return folder
        why = complaint(listed.stderr) if listed.returncode else "it does not contain Contactory's tables"
    raise click.ClickException(f"{file} is not a readable backup: {why}.")


def _check_release(tools: Path, file: Path) -> None:
    """Raises ClickException if a newer release created the backup."""
    from contactory.database.migrate import migrations

    command = [tools / "pg_restore", "--data-only", "--table=schema_migrations", "--file=-", file]
    script = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    applied = {int(number) for number in re.findall(r"^(\d+)\t", script, re.MULTILINE)}
    if applied - {migration.number for migration in migrations()}:
        raise click.ClickException(f"{file} was created by a newer Contactory: restore it with that release.")


async def _check_free(conn: "Connection", force: bool) -> None:
    """Raises ClickException if a server is running, or if data would be lost without `force`."""
    others = await conn.fetchval(
        """select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'contactory'
              and pid <> pg_backend_pid()"""
    )
    if others:
        raise click.ClickException("A Contactory server is using this database: stop it first.")
    if force or not await conn.fetchval("select to_regclass('accounts') is not null"):
        return
    if await conn.fetchval("select exists (select from accounts)"):
        raise click.ClickException(
            "The database is not empty: restore into another one, or use --force to replace its contents."
        )


def _load(tools: Path, url: str, file: Path) -> None:
    """Replaces Contactory's tables by those of the backup, in one transaction."""
    database = target(url)
    reader = subprocess.Popen(
        [tools / "pg_restore", "--no-owner", "--no-privileges", "--file=-", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    psql = subprocess.Popen(
        [tools / "psql", "-Xq", "--set=ON_ERROR_STOP=1", "--output=/dev/null", f"--dbname={database.url}"],
        env=database.environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        messages = _pass_all(reader, psql)
    finally:
        for process in (reader, psql):
            process.kill()
            process.wait()
    if reader.returncode > 0:
        raise click.ClickException(f"{file} is damaged; the database is unchanged.")
    if psql.returncode != 0:
        raise click.ClickException(
            f"The restore failed, and the database is unchanged: {complaint(messages)}."
        )


def _pass_all(reader: subprocess.Popen[bytes], psql: subprocess.Popen[bytes]) -> str:
    """Pipes the script from one program to the other, which commits it if complete; returns its messages."""
    assert reader.stdout and psql.stdin  # noqa: S101, PT018 - both are pipes
    with suppress(BrokenPipeError):
        drop = f"drop table if exists {', '.join(_tables())};\n"
        psql.stdin.write(f"set client_min_messages = warning;\nbegin;\n{drop}".encode())
        _pass_on(reader.stdout, psql.stdin)
        if reader.wait() == 0:
            psql.stdin.write(b"commit;\n")
    reader.stdout.close()
    reader.wait()
    return psql.communicate()[1].decode(errors="replace")


def _pass_on(script: IO[bytes], psql: IO[bytes]) -> None:
    for line in script:
        psql.write(_for_every_version(line))
        if line.startswith(b"COPY"):  # The next lines are data, with any contents.
            break
    shutil.copyfileobj(script, psql)


def _for_every_version(line: bytes) -> bytes:
    """A line of the script without settings that some versions write and others refuse."""
    if line.startswith(b"SET transaction_timeout"):  # Written by PostgreSQL 17 and newer.
        return b""
    found = _COLUMN_OPTIONS.match(line)
    if not found:
        return line
    # Some minor releases of November 2026 reserve this option and create it again.
    kept = [option for option in found[2].split(b", ") if not option.startswith(b"pg_attver=")]
    return found[1] + b", ".join(kept) + found[3] if kept else b""


def _tables() -> list[str]:
    """The tables that the migrations create, and the table of migrations."""
    from contactory.database.migrate import migrations

    made = re.compile(r"^create (?:unlogged )?table (?:if not exists )?(\w+)", re.MULTILINE)
    return [
        "schema_migrations",
        *{name: None for migration in migrations() for name in made.findall(migration.sql)},
    ]


async def _finish(conn: "Connection") -> Restored:
    """Brings the schema of an older backup up to date, and counts its contents."""
    from contactory.database.migrate import migrate

    await migrate(conn, say)
    await conn.execute("analyze")
    tables = ("accounts", "workspaces where deleted_at is null", "contacts where deleted_at is null")
    return Restored(*[await conn.fetchval(f"select count(*) from {table}") for table in tables])
