"""`contactory account` and `contactory workspace`."""

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, with_database

NAME = checked("NAME", "contactory.workspaces.model:NAME")


@click.group()
def account() -> None:
    """Accounts: the customers of an installation."""


@account.command("create")
@click.argument("name", type=NAME)
@json_option
def create_account(name: str, as_json: bool) -> None:
    """Create an account, and an admin key for all its live workspaces."""
    from contactory.database.db import Connection
    from contactory.keys.store import create_key
    from contactory.workspaces import store

    async def work(conn: Connection) -> tuple[str, str]:
        async with conn.transaction():
            account_id = await store.create_account(conn, name)
            key = await create_key(conn, account_id, None, name=name, mode="live", permission="admin")
            return account_id, key.key

    account_id, key = with_database(work, new=True)
    print_result(
        as_json,
        {"accountId": account_id, "key": key},
        f"account: {account_id}\nadmin key (shown once): {key}",
    )


@account.command("list")
@json_option
def list_accounts(as_json: bool) -> None:
    """List all accounts, oldest first."""
    from contactory.workspaces import store

    rows = with_database(store.list_accounts)
    print_rows(as_json, rows, {"account": "id", "name": "name", "created": "created_at"})


@click.group()
def workspace() -> None:
    """Workspaces: separate sets of contacts."""


@workspace.command("create")
@click.argument("name", type=NAME)
@click.option("--account", "account_id", type=ID, required=True, help="The account of the workspace.")
@click.option(
    "--timezone",
    type=checked("ZONE", "contactory.values.timezones:TIMEZONE"),
    help="For example Europe/Paris.",
)
@click.option(
    "--country", type=checked("CODE", "contactory.workspaces.model:COUNTRY"), help="For example FR."
)
@click.option("--test", is_flag=True, help="Create a test workspace, which only test keys see.")
@json_option
def create_workspace(
    name: str, account_id: str, timezone: str | None, country: str | None, test: bool, as_json: bool
) -> None:
    """Create a workspace."""
    from contactory.database.db import Connection
    from contactory.workspaces import store

    async def work(conn: Connection) -> str:
        mode = "test" if test else "live"
        return await store.create_workspace(
            conn, account_id, name, mode=mode, timezone=timezone, country=country
        )

    workspace_id = with_database(work)
    print_result(as_json, {"workspaceId": workspace_id}, f"workspace: {workspace_id}")


@workspace.command("list")
@json_option
def list_workspaces(as_json: bool) -> None:
    """List the workspaces of all accounts, oldest first."""
    from contactory.workspaces import store

    rows = with_database(store.list_all_workspaces)
    columns = {"workspace": "id", "account": "account_id", "name": "name", "mode": "mode"}
    print_rows(
        as_json, rows, {**columns, "timezone": "timezone", "country": "country", "created": "created_at"}
    )
