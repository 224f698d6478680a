"""`contactory routes`: the table of operations."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_rows
from contactory.cli.running import load

if TYPE_CHECKING:
    from contactory.web.operations import Operation


@dataclass
class Route:
    """One operation: where it is, what it needs, and the function that answers it."""

    method: str
    path: str
    permission: str | None
    """None: it needs neither a key nor a session."""
    operation: str
    page: bool
    """Whether it is a page of the dashboard: for a session, and not for a key."""
    handler: str
    """As `module:function`."""


@click.command()
@json_option
def routes(as_json: bool) -> None:
    """List the operations: method, path, permission and handler."""
    from contactory.app import OPERATIONS
    from contactory.public.pages import opened

    columns = {"METHOD": "method", "PATH": "path", "PERMISSION": "permission", "HANDLER": "handler"}
    print_rows(as_json, [_route(each) for each in opened(OPERATIONS, load())], columns)


def _route(operation: "Operation") -> Route:
    function = inspect.unwrap(operation.handler)
    # A handler that another function makes is found where that function stands.
    name = function.__qualname__.partition(".<locals>")[0]
    return Route(
        operation.method,
        operation.path,
        operation.permission,
        operation.id,
        operation.page,
        f"{function.__module__}:{name}",
    )
