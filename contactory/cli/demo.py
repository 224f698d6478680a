"""`contactory demo`."""

import sys
from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_result
from contactory.cli.running import ID, link, load, with_database

if TYPE_CHECKING:
    from contactory.database.db import Connection
    from contactory.demo.filling import Filled
    from contactory.workspaces.model import Workspace

NAME = "Demo"
_DESCRIPTION = (
    "Created by contactory demo, to try things out. The contacts, phones and histories are invented; some "
    "phones may belong to real people, so do not call any of them."
)


@click.command()
@click.option(
    "--contacts", "count", type=click.IntRange(1, 50_000), default=5000, show_default=True, help="How many."
)
@click.option(
    "--workspace", "workspace_id", type=ID, help="Add the contacts to this workspace instead of a new one."
)
@click.option(
    "--account", "account_id", type=ID, help="The account for the new workspace, if there are several."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another number gives other contacts.")
@json_option
def demo(count: int, workspace_id: str | None, account_id: str | None, seed: int, as_json: bool) -> None:
    """Fill a workspace with invented contacts from around the world, to try things out.

    Without --workspace, it creates a test workspace with the name Demo. If the command is interrupted, it
    leaves nothing behind.
    """
    if workspace_id and account_id:
        raise click.UsageError("A workspace belongs to an account: give --workspace or --account, not both.")

    async def work(conn: "Connection") -> "tuple[Workspace, Filled, bool]":
        async with conn.transaction():
            if workspace_id:
                from contactory.workspaces.store import find_workspace

                workspace = await find_workspace(conn, workspace_id)
            else:
                workspace = await _new_workspace(conn, await _account(conn, account_id))
            filled = await _fill(conn, workspace, count, seed)
        return workspace, filled, await _has_people(conn, workspace.account_id)

    workspace, filled, has_people = with_database(work)
    url = link(f"/w/{workspace.id}/overview")
    result = {"workspaceId": workspace.id, "contacts": filled.made, "alreadyThere": filled.there, "url": url}
    print_result(as_json, result, _said(workspace, filled, url, has_people))


async def _account(conn: "Connection", account_id: str | None) -> str:
    """The named account, or the only one."""
    from contactory.workspaces.store import find_account, list_accounts

    if account_id:
        return (await find_account(conn, account_id)).id
    accounts = await list_accounts(conn)
    if not accounts:
        raise click.ClickException(
            "There is no account yet: run `contactory serve` first, which creates one."
        )
    if len(accounts) > 1:
        raise click.ClickException("There are several accounts: select one with --account ID.")
    return accounts[0].id


async def _new_workspace(conn: "Connection", account_id: str) -> "Workspace":
    from contactory.workspaces.store import create_workspace, find_workspace, list_all_workspaces

    for workspace in await list_all_workspaces(conn):
        if (workspace.account_id, workspace.name) == (account_id, NAME):
            raise click.ClickException(
                f"The workspace {NAME} exists already, {workspace.id}: "
                f"add to it with --workspace {workspace.id} and another --seed, or delete it first."
            )
    made = await create_workspace(conn, account_id, NAME, mode="test", description=_DESCRIPTION)
    return await find_workspace(conn, made)


async def _fill(conn: "Connection", workspace: "Workspace", count: int, seed: int) -> "Filled":
    from datetime import UTC, datetime

    from contactory.demo.filling import fill
    from contactory.demo.people import make_people

    people = make_people(count, seed, datetime.now(UTC))
    with click.progressbar(length=count, label=f"Filling {workspace.name}", file=sys.stderr) as bar:
        return await fill(conn, workspace, people, load(), bar.update)


async def _has_people(conn: "Connection", account_id: str) -> bool:
    """Whether a user of the account can sign in to the dashboard."""
    from contactory.access.users import list_all_users

    users = await list_all_users(conn)
    return any(u.account_id == account_id and u.signs_in and u.disabled_at is None for u in users)


def _said(workspace: "Workspace", filled: "Filled", url: str, has_people: bool) -> str:
    lines = [f"workspace: {workspace.id} ({workspace.name}, {workspace.mode})"]
    lines.append(f"contacts: {filled.made:,}, with {filled.changes:,} later changes over the last 90 days")
    if filled.there:
        lines.append(
            f"not created: {filled.there:,}, whose phone or e-mail another contact has already; "
            "another --seed gives other contacts"
        )
    lines.append(f"open: {url}")
    if not has_people:
        invite = f"contactory user create EMAIL --account {workspace.account_id} --role owner"
        lines.append(
            f"There are no users yet: open the link that the first start printed, or run `{invite}`."
        )
    return "\n".join(lines)
