"""What the commands share: settings, the database, values that are checked, and errors in one sentence."""

import os
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from contactory.base.settings import Settings
    from contactory.database.db import Connection

T = TypeVar("T")


def checked(metavar: str, rule: str, first: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """A parameter's type that takes what one of the domain's rules takes, as the API does.

    `rule` is the place of the rule, which is loaded when there is a value to check; `first` makes of the text
    what the rule expects.
    """

    def convert(value: str) -> Any:
        try:
            return resolve_name(rule).parse(first(value))
        except ValueError as error:
            meant = getattr(error, "suggestion", None)
            raise click.BadParameter(f"{error}{f'; did you mean {meant}?' if meant else '.'}") from None

    convert.__name__ = metavar
    return convert


ID = checked("ID", "contactory.rules.checks:ID")


def say(sentence: str) -> None:
    """Tells on standard error what is going on."""
    click.echo(sentence, err=True)


def load(**given: object) -> "Settings":
    """The settings, with what the command line says over them."""
    from contactory.base.settings import SettingsError, load_settings
    from contactory.database.address import is_address

    try:
        settings = load_settings(os.environ, **given)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    if settings.database_url and not is_address(settings.database_url):
        raise click.ClickException(
            "CONTACTORY_DATABASE_URL does not read as postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    return settings


@contextmanager
def explained() -> Generator[None]:
    """What goes wrong with the database or in the domain leaves this block as a sentence and exit code 1."""
    from contactory.database.address import unreachable
    from contactory.database.db import AWAY, REFUSED, SharedSession
    from contactory.database.migrate import MigrationError
    from contactory.embedded.server import EmbeddedError
    from contactory.rules.errors import Problem

    try:
        yield
    except (EmbeddedError, MigrationError, Problem, SharedSession) as error:
        raise click.ClickException(str(error)) from None
    except AWAY as error:
        raise click.ClickException(unreachable(error)) from None
    except REFUSED as error:
        raise click.ClickException(f"The database refuses this: {error}.") from None


def data_dir(settings: "Settings") -> "Path":
    """Where the embedded PostgreSQL keeps its data."""
    from contactory.process import supervisor

    return supervisor.data_dir(settings)


def link(path: str) -> str:
    """A path as a link: below the public URL, or the server that runs beside this, or else the settings."""
    from contactory.embedded.server import running_address
    from contactory.web.addresses import listening

    settings = load()
    beside = None if settings.database_url else running_address(data_dir(settings))
    return (settings.public_url or beside or listening(settings)) + path


@contextmanager
def database_url(settings: "Settings", *, new: bool = False) -> Generator[str]:
    """The URL of the database, whether a server of ours runs or not.

    An embedded PostgreSQL that does not run is started for as long as the block lasts, and with `new` made
    where there is none.
    """
    from contactory.embedded.server import database

    if settings.database_url:
        yield settings.database_url
        return
    folder = data_dir(settings)
    if not new and not any(folder.glob("data-*")):
        raise click.ClickException(
            f"There is no data in {folder} yet: run `contactory serve`, or name the place with "
            "CONTACTORY_DATA_DIR or CONTACTORY_DATABASE_URL."
        )
    with database(folder, report=say) as url:
        yield url


def with_connection(url: str, work: "Callable[[Connection], Awaitable[T]]") -> T:
    """What `work` does with a connection."""
    import asyncio

    from contactory.database.db import connect

    async def run() -> T:
        conn = await connect(url)
        try:
            return await work(conn)
        finally:
            await conn.close()

    return asyncio.run(run())


def with_database(work: "Callable[[Connection], Awaitable[T]]", *, new: bool = False) -> T:
    """What `work` does with a connection to the database, whose schema is that of this release.

    With `new`, a database that is missing or empty is made.
    """

    async def run(conn: "Connection") -> T:
        await _check_schema(conn)
        return await work(conn)

    settings = load()
    with explained(), database_url(settings, new=new) as url:
        return with_connection(url, run)


async def _check_schema(conn: "Connection") -> None:
    from contactory.database.migrate import migrate, migrations, pending

    lacking = len(await pending(conn))
    if lacking == len(migrations()):
        await migrate(conn, say)
    elif lacking:
        raise click.ClickException(f"The database lacks {lacking} migration(s): run `contactory migrate`.")
