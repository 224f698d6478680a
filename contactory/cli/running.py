"""Shared by the commands: settings, the database, checked values, and errors in one sentence."""

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
    """The type of a parameter that is checked by a rule of the domain, as in the API.

    `rule` is the location of the rule, which is imported when there is a value to check; `first` converts the
    text to the type that the rule expects.
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
    """Prints progress on standard error."""
    click.echo(sentence, err=True)


def load(**given: object) -> "Settings":
    """The settings, overridden by the command line."""
    from contactory.base.settings import SettingsError, load_settings
    from contactory.database.address import is_address

    try:
        settings = load_settings(os.environ, **given)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    if settings.database_url and not is_address(settings.database_url):
        raise click.ClickException(
            "CONTACTORY_DATABASE_URL does not have the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    return settings


@contextmanager
def explained() -> Generator[None]:
    """Turns errors of the database and the domain into a sentence and exit code 1."""
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
        raise click.ClickException(f"The database refused the operation: {error}.") from None


def data_dir(settings: "Settings") -> "Path":
    """The data folder of the embedded PostgreSQL."""
    from contactory.process import supervisor

    return supervisor.data_dir(settings)


def link(path: str) -> str:
    """A path as a link: below the public URL, or the running server, or the address in the settings."""
    from contactory.embedded.server import running_address
    from contactory.web.addresses import listening

    settings = load()
    beside = None if settings.database_url else running_address(data_dir(settings))
    return (settings.public_url or beside or listening(settings)) + path


@contextmanager
def database_url(settings: "Settings", *, new: bool = False) -> Generator[str]:
    """The URL of the database, with or without a running server.

    If the embedded PostgreSQL does not run, it is started for the duration of the block; with `new`, it is
    created if it does not exist.
    """
    from contactory.embedded.server import database

    if settings.database_url:
        yield settings.database_url
        return
    folder = data_dir(settings)
    if not new and not any(folder.glob("data-*")):
        raise click.ClickException(
            f"There is no data in {folder} yet: run `contactory serve`, or set the place with "
            "CONTACTORY_DATA_DIR or CONTACTORY_DATABASE_URL."
        )
    with database(folder, report=say) as url:
        yield url


def with_connection(url: str, work: "Callable[[Connection], Awaitable[T]]") -> T:
    """The result of `work` with a connection."""
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
    """The result of `work` with a connection to the database, which must have this release's schema.

    With `new`, a missing or empty database is created.
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
        raise click.ClickException(
            f"{lacking} migration(s) are missing in the database: run `contactory migrate`."
        )
