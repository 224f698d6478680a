"""`contactory field`."""

from typing import Any

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, load, with_database

_WORKSPACE = click.option(
    "--workspace", "workspace_id", type=ID, required=True, help="The workspace of the field."
)


class FieldTypes(click.ParamType[str]):
    """A choice of the types that there are, which are loaded when they are needed."""

    name = "type"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """What the help shows."""
        return self._choice().get_metavar(param, ctx)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The type of that name."""
        return self._choice().convert(value, param, ctx)

    def _choice(self) -> click.Choice[str]:
        from contactory.values.field_types.registry import FIELD_TYPES

        return click.Choice([*FIELD_TYPES])


@click.group()
def field() -> None:
    """Custom fields of a workspace."""


@field.command("create")
@click.argument("name", type=checked("NAME", "contactory.values.names:NAME"))
@_WORKSPACE
@click.option(
    "--type",
    "kind",
    type=FieldTypes(),
    default="text",
    show_default=True,
    help="The type of its values.",
)
@json_option
def create_field(name: str, workspace_id: str, kind: str, as_json: bool) -> None:
    """Create a custom field."""
    from contactory.database.db import Connection
    from contactory.fields import store
    from contactory.fields.model import CustomField, FieldPatch
    from contactory.workspaces.store import find_workspace

    async def work(conn: Connection) -> CustomField:
        workspace = await find_workspace(conn, workspace_id)
        given = FieldPatch(name=name, type=kind)
        async with conn.transaction():
            return await store.create_field(conn, workspace.id, given, load().max_custom_fields)

    made = with_database(work)
    print_result(as_json, made, f"field: {made.id}")


@field.command("list")
@_WORKSPACE
@json_option
def list_fields(workspace_id: str, as_json: bool) -> None:
    """List the custom fields of a workspace, in its order."""
    from contactory.database.db import Connection
    from contactory.fields import store
    from contactory.fields.model import CustomField
    from contactory.workspaces.store import find_workspace

    async def work(conn: Connection) -> list[CustomField]:
        workspace = await find_workspace(conn, workspace_id)
        return await store.list_fields(conn, workspace.id)

    print_rows(as_json, with_database(work), {"field": "id", "name": "name", "type": "type"})
