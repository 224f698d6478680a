"""`contactory user`."""

from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, link, with_database

if TYPE_CHECKING:
    from contactory.database.db import Connection

_EMAIL = checked("EMAIL", "contactory.access.user:EMAIL")
_account_option = click.option(
    "--account", "account_id", type=ID, help="The user's account, where several have one with this e-mail."
)


@click.group()
def user() -> None:
    """People who use the dashboard."""


@user.command("create")
@click.argument("email", type=_EMAIL)
@click.option("--account", "account_id", type=ID, required=True, help="The account that they belong to.")
@click.option("--name", type=checked("NAME", "contactory.access.user:NAME"), help="The e-mail unless given.")
@click.option(
    "--role",
    type=click.Choice(["owner", "admin", "editor", "viewer"]),
    default="editor",
    show_default=True,
    help="What they may do.",
)
@click.option(
    "--workspace",
    "workspace_ids",
    type=ID,
    multiple=True,
    help="A workspace that they may see, and no others; may be given several times.",
)
@json_option
def create_user(
    email: tuple[str, str],
    account_id: str,
    name: str | None,
    role: str,
    workspace_ids: tuple[str, ...],
    as_json: bool,
) -> None:
    """Invite somebody: prints a link, which works once, where they choose a password."""
    from contactory.access import users
    from contactory.access.links import make_link
    from contactory.workspaces.store import find_account

    async def work(conn: "Connection") -> tuple[str, str]:
        await find_account(conn, account_id)
        async with conn.transaction():
            made = await users.create_user(
                conn,
                account_id,
                email,
                name=name or email[0],
                role=role,
                workspace_ids=workspace_ids or None,
            )
            return made.id, await make_link(conn, "invite", account_id, made.id)

    user_id, path = with_database(work)
    url = link(path)
    print_result(
        as_json,
        {"id": user_id, "link": url},
        f"user: {user_id}\nlink (works once, for seven days): {url}",
    )


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the users of all accounts, disabled ones too, oldest first."""
    from contactory.access.users import list_all_users

    rows = with_database(list_all_users)
    columns = {"id": "id", "e-mail": "email", "name": "name", "role": "role", "account": "account_id"}
    times = {
        "limited": "limited",
        "created": "created_at",
        "signed in": "signed_in_at",
        "disabled": "disabled_at",
    }
    print_rows(as_json, rows, {**columns, **times})


@user.command("reset-password")
@click.argument("email", type=_EMAIL)
@_account_option
@json_option
def reset_password(email: tuple[str, str], account_id: str | None, as_json: bool) -> None:
    """Print a link, which works once, where a user chooses a new password."""
    from contactory.access.links import make_link_for
    from contactory.access.users import find_by_email

    async def work(conn: "Connection") -> tuple[str, str]:
        found = await find_by_email(conn, email[1], account_id)
        async with conn.transaction():
            return found.id, (await make_link_for(conn, found.account_id, found.id))[1]

    user_id, path = with_database(work)
    url = link(path)
    print_result(as_json, {"id": user_id, "link": url}, f"link (works once): {url}")


@user.command("disable")
@click.argument("email", type=_EMAIL)
@_account_option
@json_option
def disable_user(email: tuple[str, str], account_id: str | None, as_json: bool) -> None:
    """Sign a user out everywhere, and let them in no more. Their name stays in the history."""
    from contactory.access import users

    async def work(conn: "Connection") -> str:
        found = await users.find_by_email(conn, email[1], account_id)
        async with conn.transaction():
            await users.disable_user(conn, found.account_id, found.id)
        return found.id

    user_id = with_database(work)
    print_result(as_json, {"id": user_id}, f"{email[0]} is disabled.")


@user.command("enable")
@click.argument("email", type=_EMAIL)
@_account_option
@json_option
def enable_user(email: tuple[str, str], account_id: str | None, as_json: bool) -> None:
    """Let a user who was disabled sign in again, with the password that they had."""
    from contactory.access import users

    async def work(conn: "Connection") -> str:
        found = await users.find_by_email(conn, email[1], account_id)
        async with conn.transaction():
            await users.enable_user(conn, found.account_id, found.id)
        return found.id

    user_id = with_database(work)
    print_result(as_json, {"id": user_id}, f"{email[0]} may sign in.")


@user.command("change")
@click.argument("email", type=_EMAIL)
@click.option("--role", type=click.Choice(["owner", "admin", "editor", "viewer"]), help="What they may do.")
@click.option(
    "--workspace",
    "workspace_ids",
    type=ID,
    multiple=True,
    help="The workspaces that they may see, no others.",
)
@click.option("--all-workspaces", is_flag=True, help="They may see every workspace of the account.")
@_account_option
@json_option
def change_user(
    email: tuple[str, str],
    role: str | None,
    workspace_ids: tuple[str, ...],
    all_workspaces: bool,
    account_id: str | None,
    as_json: bool,
) -> None:
    """Give a user another role, or other workspaces, from their next click on."""
    from contactory.access import users

    if workspace_ids and all_workspaces:
        raise click.UsageError("Give either --workspace or --all-workspaces.")
    if not (role or workspace_ids or all_workspaces):
        raise click.UsageError("Give --role, --workspace or --all-workspaces.")

    async def work(conn: "Connection") -> str:
        async with conn.transaction():
            known = await users.find_by_email(conn, email[1], account_id)
            found = await users.find_to_change(conn, known.account_id, known.id, None)
            kept = found.workspace_ids if found.limited and not all_workspaces else None
            await users.change_user(
                conn,
                found.account_id,
                found.id,
                role=role or found.role,
                workspace_ids=workspace_ids or kept,
            )
        return found.id

    user_id = with_database(work)
    print_result(as_json, {"id": user_id}, f"{email[0]} is changed.")
