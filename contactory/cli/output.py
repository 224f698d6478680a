"""Output of the commands: JSON for programs, tables for people, lines with tabs for pipes."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
_WIDEST = 1000


def json_option(command: F) -> F:
    """Gives a command the option --json, as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(command)


def print_json(value: Any) -> None:
    """`value` as one line of JSON."""
    import msgspec

    click.echo(msgspec.json.encode(value))


def print_result(as_json: bool, value: Any, sentence: str) -> None:
    """The result of a command: `value` in JSON, or a sentence."""
    if as_json:
        print_json(value)
    else:
        click.echo(sentence)


def print_rows(as_json: bool, rows: Sequence[Any], columns: Mapping[str, str]) -> None:
    """A list of Structs; `columns` has the titles and attributes of the table."""
    if as_json:
        print_json(rows)
        return
    cells = [[_shown(getattr(row, name)) for name in columns.values()] for row in rows]
    if sys.stdout.isatty():
        _print_table([*columns], cells)
    else:
        for line in ([*columns], *cells):
            click.echo("\t".join(line))


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    return str(value).replace("\t", " ").replace("\n", " ")


def _print_table(titles: list[str], cells: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True)
    for line in cells:
        table.add_row(*map(Text, line))
    # The terminal wraps a line that is too long, so that it can still be copied as a whole.
    Console(width=_WIDEST).print(table)
