"""`contactory field`."""

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, load, with_database

_WORKSPACE = click.option(
    "--workspace", "workspace_id", type=ID, required=True, help="The workspace it is in."
)


@click.group()
def field() -> None:
    """Custom fields of a workspace."""


@field.command("create")
@click.argument("name", type=checked("NAME", "contactory.tags.model:NAME"))
@_WORKSPACE
@click.option(
    "--type",
    "kind",
    type=click.Choice(["text", "number", "date", "boolean"]),
    default="text",
    show_default=True,
    help="What its values are.",
)
@json_option
def create_field(name: str, workspace_id: str, kind: str, as_json: bool) -> None:
    """Make a custom field."""
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
