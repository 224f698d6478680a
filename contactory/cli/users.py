"""`contactory user`."""

from typing import TYPE_CHECKING

import click

from contactory.cli.output import json_option, print_result, print_rows
from contactory.cli.running import ID, checked, link, with_database

if TYPE_CHECKING:
    from contactory.database.db import Connection

_EMAIL = checked("EMAIL", "contactory.access.user:EMAIL")
_account_option = click.option(
    "--account",
    "account_id",
    type=ID,
    help="The user's account, if several accounts have a user with this e-mail.",
)


@click.group()
def user() -> None:
    """Users of the dashboard."""


@user.command("create")
@click.argument("email", type=_EMAIL)
@click.option("--account", "account_id", type=ID, required=True, help="The account of the user.")
@click.option(
    "--name",
    type=checked("NAME", "contactory.access.user:NAME"),
    help="The user's name; default: the e-mail address.",
)
@click.option(
    "--role",
    type=click.Choice(["owner", "admin", "editor", "viewer"]),
    default="editor",
    show_default=True,
    help="The role of the user.",
)
@click.option(
    "--workspace",
    "workspace_ids",
    type=ID,
    multiple=True,
    help="Limit the user to this workspace; may be given several times.",
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
    """Invite a user: prints a link that works once, to choose a password."""
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
    """List the users of all accounts, including disabled ones, oldest first."""
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
    """Print a link that works once and lets the user choose a new password."""
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
    """Disable a user and sign them out everywhere. The name stays in the history."""
    from contactory.access import users

    async def work(conn: "Connection") -> str:
        found = await users.find_by_email(conn, email[1], account_id)
        async with conn.transaction():
            await users.disable_user(conn, found.account_id, found.id)
        return found.id

    user_id = with_database(work)
    print_result(as_json, {"id": user_id}, f"Disabled {email[0]}.")


@user.command("enable")
@click.argument("email", type=_EMAIL)
@_account_option
@json_option
def enable_user(email: tuple[str, str], account_id: str | None, as_json: bool) -> None:
    """Let a disabled user sign in again with the same password."""
    from contactory.access import users

    async def work(conn: "Connection") -> str:
        found = await users.find_by_email(conn, email[1], account_id)
        async with conn.transaction():
            await users.enable_user(conn, found.account_id, found.id)
        return found.id

    user_id = with_database(work)
    print_result(as_json, {"id": user_id}, f"Enabled {email[0]}.")


@user.command("change")
@click.argument("email", type=_EMAIL)
@click.option(
    "--role", type=click.Choice(["owner", "admin", "editor", "viewer"]), help="The role of the user."
)
@click.option(
    "--workspace",
    "workspace_ids",
    type=ID,
    multiple=True,
    help="Limit the user to these workspaces.",
)
@click.option("--all-workspaces", is_flag=True, help="Let the user see every workspace of the account.")
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
    """Change the role or the workspaces of a user, from the user's next click on."""
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
    print_result(as_json, {"id": user_id}, f"Changed {email[0]}.")
