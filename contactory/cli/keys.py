"""`contactory key`."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, with_database

if TYPE_CHECKING:
    from contactory.database.db import Connection


@click.group()
def key() -> None:
    """API keys, of a workspace or an account."""


@key.command("create")
@click.option("--workspace", "workspace_id", type=ID, help="The workspace of the key.")
@click.option("--account", "account_id", type=ID, help="The account, for all its workspaces of one mode.")
@click.option(
    "--name", type=checked("NAME", "contactory.keys.model:NAME"), help="A name, to recognise the key."
)
@click.option(
    "--permission", type=click.Choice(["read", "write", "admin"]), default="write", show_default=True
)
@click.option("--test", is_flag=True, help="For the test workspaces of the account, not the live ones.")
@click.option(
    "--rate-limit",
    type=checked("N", "contactory.keys.model:RATE_LIMIT", float),
    help="Writes per second that the key may make in the long run.",
)
@click.option(
    "--rate-burst",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Writes that the key may make at once.",
)
@click.option(
    "--expires",
    "expires_at",
    type=checked("TIME", "contactory.keys.model:EXPIRES"),
    help="When the key expires, for example 2030-01-31T12:00:00Z.",
)
@json_option
def create_key(
    workspace_id: str | None,
    account_id: str | None,
    name: str | None,
    permission: str,
    test: bool,
    rate_limit: float | None,
    rate_burst: int | None,
    expires_at: datetime | None,
    as_json: bool,
) -> None:
    """Create an API key and print it once.

    A key of a workspace has the workspace's mode, live or test.
    """
    from contactory.database.db import Connection
    from contactory.keys import store
    from contactory.keys.model import DEFAULT_NAME, NewApiKey

    if (workspace_id is None) == (account_id is None):
        raise click.UsageError("Give either --workspace or --account.")

    async def work(conn: Connection) -> NewApiKey:
        await store.refuse_past(conn, expires_at)
        owner, mode = await _owner(conn, workspace_id, account_id, test)
        return await store.create_key(
            conn,
            owner,
            workspace_id,
            name=name or DEFAULT_NAME,
            mode=mode,
            permission=permission,
            expires_at=expires_at,
            rate_limit=rate_limit,
            rate_burst=rate_burst,
        )

    made = with_database(work)
    print_result(as_json, {"id": made.id, "key": made.key}, f"id: {made.id}\nkey (shown once): {made.key}")


async def _owner(
    conn: "Connection", workspace_id: str | None, account_id: str | None, test: bool
) -> tuple[str, str]:
    """The account and the mode of a new key. Raises NotFound."""
    from contactory.workspaces.store import find_account, find_workspace

    if workspace_id is None:
        account = await find_account(conn, str(account_id))
        return account.id, "test" if test else "live"
    workspace = await find_workspace(conn, workspace_id)
    if test and workspace.mode != "test":
        raise click.ClickException(
            f"Workspace {workspace_id} is live: leave out --test, or choose a test workspace."
        )
    return workspace.account_id, workspace.mode


@key.command("list")
@json_option
def list_keys(as_json: bool) -> None:
    """List the keys of all accounts, including revoked ones, oldest first."""
    from contactory.keys.store import list_all_keys

    rows = with_database(list_all_keys)
    columns = {"id": "id", "key": "prefix", "name": "name", "scope": "scope", "permission": "permission"}
    places = {"mode": "mode", "account": "account_id", "workspace": "workspace_id"}
    times = {"last used": "last_used_at", "expires": "expires_at", "revoked": "revoked_at"}
    print_rows(as_json, rows, {**columns, **places, **times})


@key.command("revoke")
@click.argument("key_id", metavar="ID", type=ID)
@json_option
def revoke_key(key_id: str, as_json: bool) -> None:
    """Revoke a key: it stops working within a second."""
    from contactory.database.db import Connection
    from contactory.keys import store

    async def work(conn: Connection) -> None:
        found = await store.find_key(conn, key_id)
        await store.revoke_key(conn, found.account_id, found.mode, None, key_id)

    with_database(work)
    print_result(as_json, {"id": key_id}, f"Revoked {key_id}.")
