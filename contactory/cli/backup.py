"""`contactory backup`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from contactory.cli.output import json_option, print_result
from contactory.cli.pgtools import complaint, programs, server_major, target
from contactory.cli.running import database_url, explained, load, with_connection


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite the file.")
@json_option
def backup(file: Path, force: bool, as_json: bool) -> None:
    """Write a backup of the whole database to FILE; the server may keep running.

    The file has the custom format of pg_dump and contains every contact, so keep it private.
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} exists already: choose another name, or use --force.")
    settings = load()
    with explained(), database_url(settings) as url:
        tools = programs(settings, with_connection(url, server_major))
        try:
            size = _dump(tools[0], url, file.absolute())
        except OSError as error:
            raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    print_result(as_json, {"file": str(file), "bytes": size}, f"Wrote {file}, {_shown(size)}.")


def _dump(tools: Path, url: str, file: Path) -> int:
    """Writes the backup beside `file`, and renames it when it is complete; returns its size."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    os.close(handle)
    try:
        _run_dump(tools, url, Path(name))
        _flush(Path(name))
        Path(name).replace(file)
        return file.stat().st_size
    finally:
        Path(name).unlink(missing_ok=True)


def _run_dump(tools: Path, url: str, file: Path) -> None:
    database = target(url)
    wanted = ("--format=custom", "--no-owner", "--no-privileges", "--no-unlogged-table-data")
    dump = subprocess.Popen(
        [tools / "pg_dump", *wanted, f"--file={file}", f"--dbname={database.url}"],
        env=database.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    messages = _watch(dump, file)
    if dump.returncode != 0:
        raise click.ClickException(f"The backup failed: {complaint(messages)}.")


def _watch(dump: "subprocess.Popen[str]", file: Path) -> str:
    """Shows the progress in a terminal until the program ends; returns the program's messages."""
    while True:
        try:
            _, messages = dump.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            _progress(f"Backing up: {_shown(file.stat().st_size)} so far")
            continue
        except BaseException:
            dump.terminate()
            dump.wait()
            raise
        _progress("")
        return messages


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", err=True, nl=False)


def _flush(file: Path) -> None:
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _shown(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"
