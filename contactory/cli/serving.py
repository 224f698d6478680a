"""`contactory serve`."""

import errno
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_json
from contactory.cli.running import explained, load, say

if TYPE_CHECKING:
    from contactory.process.supervisor import FirstStart

FIRST_STEPS = """\
URL={address}/v1 KEY='Authorization: Bearer {key}' JSON='Content-Type: application/json'
curl -s $URL/custom-fields -H "$KEY" -H "$JSON" -d '{{"name": "Plan", "type": "text"}}'
ID=$(curl -s $URL/contacts -H "$KEY" -H "$JSON" \\
  -d '{{"firstName": "Ada", "phone": "+1 (212) 555-0123"}}' | cut -d'"' -f4)
curl -s -X PATCH $URL/contacts/$ID -H "$KEY" -H "$JSON" \\
  -d '{{"tags": ["vip"], "customFields": {{"Plan": "Basic"}}}}'
"""


@click.command()
@click.option("--host", help="The address to listen on; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; default 8000, 0 for any free port.")
@click.option(
    "--workers", type=click.IntRange(0, 64), help="How many server processes; 0: one per processor."
)
@json_option
def serve(host: str | None, port: int | None, workers: int | None, as_json: bool) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    Without CONTACTORY_DATABASE_URL, an embedded PostgreSQL is started, and stopped at the end. The first
    start with an empty database creates an account, a workspace and an admin key, and prints them once.
    """
    settings = load(host=host, port=port, workers=workers)
    settings = load(**_free_address(settings.host, settings.port), workers=workers)
    # Until the server handles them itself. Where Ctrl-C has its usual handler, asyncio puts one of
    # its own there, which cancels a task: in Python 3.11 `wait_for` may swallow that, and the start went on.
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    with suppress(KeyboardInterrupt), explained():
        from contactory.process.supervisor import serve as run

        run(settings, say, _welcome_json if as_json else partial(_welcome, settings.docs))


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _free_address(host: str, port: int) -> dict[str, object]:
    """The numeric address and the port to listen on, after a check that they are free."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return {"host": address[0], "port": probe.getsockname()[1]}
    except OSError as error:
        why = (
            "another program listens there already"
            if error.errno == errno.EADDRINUSE
            else (error.strerror or str(error))
        )
        raise click.ClickException(
            f"Contactory cannot listen on {host} port {port}: {why}. Choose another with --host or --port."
        ) from None


def _welcome_json(address: str, first: "FirstStart | None") -> None:
    made: dict[str, str] = {}
    if first:
        made = {"workspaceId": first.workspace_id, "key": first.key, "setUp": first.set_up}
    print_json({"address": address, **made})


def _welcome(docs: bool, address: str, first: "FirstStart | None") -> None:
    lines = [("address", address), *([("docs", f"{address}/docs")] if docs else [])]
    if first:
        lines += [("workspace", first.workspace_id), ("admin key", first.key)]
        lines += [("dashboard", first.set_up)]
    if sys.stdout.isatty():
        _print_panel(lines)
    else:
        for title, value in [("Contactory is ready", ""), *lines]:
            click.echo(f"{title}: {value}" if value else title)
    if first:
        click.echo("The dashboard's link works once, for seven days: it makes you the owner.")
        click.echo("The key is shown only once. To try it, paste this into another terminal:\n")
        click.echo(FIRST_STEPS.format(address=address, key=first.key))
    if sys.stdout.isatty():
        click.echo("Ctrl-C stops it.")


def _print_panel(lines: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for title, value in lines:
        table.add_row(f"[dim]{title}[/]", f"[bold]{value}[/]")
    Console().print(
        Panel(table, title="Contactory is ready", title_align="left", border_style="green", expand=False)
    )
