"""Users in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from contactory.access.user import User
from contactory.base.ids import new_id
from contactory.database.db import Connection, Row, translated
from contactory.rules.errors import Conflict, Forbidden, NotFound

COLUMNS = """u.id::text, u.account_id::text, u.email, u.name, u.role, u.limited, u.created_at, u.disabled_at,
       u.signed_in_at, u.password_hash is not null as signs_in,
       array(select m.workspace_id::text
               from user_workspaces m
               join workspaces w on w.id = m.workspace_id and w.deleted_at is null
              where m.user_id = u.id) as workspace_ids"""

_MOST_ACCOUNTS = 20  # With one e-mail: checking each password takes time.
ONLY_OWNER = "This is the account's only owner: give another user the role of owner first."


def user_of(row: Row) -> User:
    """The user in a row of COLUMNS."""
    named = {name: row[name] for name in User.__struct_fields__ if name != "workspace_ids"}
    return User(**named, workspace_ids=list(row["workspace_ids"]))


async def create_user(
    conn: Connection,
    account_id: str,
    email: tuple[str, str],
    *,
    name: str,
    role: str,
    workspace_ids: Sequence[str] | None = None,
    password_hash: str | None = None,
    by: User | None = None,
) -> User:
    """Creates a user of an account; without `workspace_ids` not limited. Call it in a transaction.

    Raises Conflict if another user of the account has the e-mail, NotFound if a workspace is not in the
    account, Forbidden if `by` (None: the operator of the installation) may not do this.
    """
    now_by = await _in_turn(conn, account_id, by)
    if now_by is not None:
        _refuse(now_by.why_not_give(role, workspace_ids is not None, workspace_ids or ()))
    user_id, now = new_id(), datetime.now(UTC)
    with translated():
        await conn.execute(
            """insert into users (id, account_id, email, email_key, name, role, limited, password_hash,
                                  created_at, updated_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)""",
            user_id,
            account_id,
            *email,
            name,
            role,
            workspace_ids is not None,
            password_hash,
            now,
        )
    await _limit(conn, account_id, user_id, workspace_ids or ())
    return await get_user(conn, account_id, user_id)


async def _limit(conn: Connection, account_id: str, user_id: str, workspace_ids: Sequence[str]) -> None:
    rows = await conn.fetch(
        """insert into user_workspaces (user_id, workspace_id)
           select $1, id from workspaces
            where account_id = $2 and id = any($3::text[]::uuid[]) and deleted_at is null
           returning workspace_id::text""",
        user_id,
        account_id,
        workspace_ids,
    )
    missing = set(workspace_ids) - {row[0] for row in rows}
    if missing:
        raise NotFound(f"The workspace {min(missing)} does not exist.")


async def get_user(conn: Connection, account_id: str, user_id: str) -> User:
    """A user of an account. Raises NotFound."""
    row = await conn.fetchrow(
        f"select {COLUMNS} from users u where u.account_id = $1 and u.id = $2", account_id, user_id
    )
    if row is None:
        raise NotFound
    return user_of(row)


class Known(NamedTuple):
    """A user who may sign in, and the stored hash of the password."""

    user_id: str
    password_hash: str


async def find_for_sign_in(conn: Connection, email_key: str) -> list[Known]:
    """The users with that e-mail, in all accounts, who may sign in; the last one to sign in comes first."""
    rows = await conn.fetch(
        """select id::text, password_hash from users
            where email_key = $1 and disabled_at is null and password_hash is not null
            order by signed_in_at desc nulls last, id limit $2""",
        email_key,
        _MOST_ACCOUNTS,
    )
    return [Known(*row) for row in rows]


async def password_hash_of(conn: Connection, user_id: str) -> str | None:
    """The stored hash of a user's password; None if the user may not sign in."""
    return await conn.fetchval(
        "select password_hash from users where id = $1 and disabled_at is null", user_id
    )


async def find_by_email(conn: Connection, email_key: str, account_id: str | None = None) -> User:
    """A user of any account, or of one: for the operator of the installation.

    Raises NotFound, and Conflict if users of several accounts have this e-mail.
    """
    rows = await conn.fetch(
        f"""select {COLUMNS} from users u
             where u.email_key = $1 and ($2::uuid is null or u.account_id = $2) limit 2""",
        email_key,
        account_id,
    )
    if not rows:
        raise NotFound("There is no user with this e-mail address.")
    if len(rows) > 1:
        raise Conflict("Users of several accounts have this e-mail address: select one with --account.")
    return user_of(rows[0])


async def list_users(conn: Connection, by: User) -> list[User]:
    """The users of an account that `by` may see, by name; at most a thousand."""
    rows = await conn.fetch(
        f"""select {COLUMNS} from users u where u.account_id = $1
             order by lower(u.name), u.created_at, u.id limit 1000""",
        by.account_id,
    )
    return [user for user in map(user_of, rows) if by.knows(user)]


async def find_user(conn: Connection, by: User, user_id: str) -> User:
    """A user of the account that `by` may see. Raises NotFound."""
    found = await get_user(conn, by.account_id, user_id)
    if not by.knows(found):
        raise NotFound
    return found


async def list_all_users(conn: Connection) -> list[User]:
    """Every user of the installation, oldest first: for its operator, not for its customers."""
    rows = await conn.fetch(f"select {COLUMNS} from users u order by u.created_at, u.id")
    return [user_of(row) for row in rows]


async def set_password(
    conn: Connection,
    account_id: str,
    user_id: str,
    password_hash: str,
    *,
    name: str | None = None,
    checked: str | None = None,
) -> None:
    """Sets a user's password, and name if given; ends all sessions and unused links of the user, and forgets
    the addresses at which the user has signed in.

    Call it in a transaction. Raises NotFound if the user does not exist or is disabled, or if the stored hash
    is no longer `checked`.
    """
    found = await conn.fetchval(
        """update users set password_hash = $3, name = coalesce($4, name), updated_at = $5
            where account_id = $1 and id = $2 and disabled_at is null
              and ($6::text is null or password_hash = $6)
           returning true""",
        account_id,
        user_id,
        password_hash,
        name,
        datetime.now(UTC),
        checked,
    )
    if not found:
        raise NotFound
    await conn.execute("delete from sessions where user_id = $1", user_id)
    await conn.execute("delete from known_addresses where user_id = $1", user_id)
    await conn.execute("delete from one_time_links where user_id = $1 and used_at is null", user_id)


async def rename_user(conn: Connection, account_id: str, user_id: str, name: str) -> None:
    """Changes a user's name; the history shows the new name. Raises NotFound."""
    found = await conn.fetchval(
        """update users set name = $3, updated_at = $4
            where account_id = $1 and id = $2 and disabled_at is null returning true""",
        account_id,
        user_id,
        name,
        datetime.now(UTC),
    )
    if not found:
        raise NotFound


async def _in_turn(conn: Connection, account_id: str, by: User | None) -> User | None:
    """Locks the users of an account, so that changes come one after the other; returns the current `by`."""
    await conn.execute("select 1 from accounts where id = $1 for no key update", account_id)
    return None if by is None else await get_user(conn, account_id, by.id)


async def refuse_access(conn: Connection, by: User, workspace_id: str | None) -> None:
    """Raises Forbidden if `by`, in the current state, may not give access to a workspace (None: to all).

    Call it in a transaction; the result is valid until its end.
    """
    now_by = await _in_turn(conn, by.account_id, by)
    if now_by is not None:
        _refuse(now_by.why_not_give("viewer", workspace_id is not None, [workspace_id or ""]))


def _refuse(why: str | None) -> None:
    if why is not None:
        raise Forbidden(why)


async def find_to_change(conn: Connection, account_id: str, user_id: str, by: User | None) -> User:
    """A user that `by` (None: the operator of the installation) may change, locked until the end of the
    transaction. Raises NotFound, and Forbidden if `by` may not."""
    now_by = await _in_turn(conn, account_id, by)
    found = await get_user(conn, account_id, user_id)
    if now_by is not None:
        if not now_by.knows(found):
            raise NotFound
        _refuse(now_by.why_not_change(found))
    return found


async def _keep_an_owner(conn: Connection, going: User) -> None:
    """Raises Conflict if there is no other owner who can sign in and see everything."""
    if going.role != "owner" or going.limited or going.status != "active":
        return
    others = await conn.fetchval(
        """select exists (select from users
                           where account_id = $1 and role = 'owner' and not limited and id <> $2
                             and disabled_at is null and password_hash is not null)""",
        going.account_id,
        going.id,
    )
    if not others:
        raise Conflict(ONLY_OWNER)


async def change_user(
    conn: Connection,
    account_id: str,
    user_id: str,
    *,
    role: str,
    workspace_ids: Sequence[str] | None,
    by: User | None = None,
) -> User:
    """Changes a user's role and workspaces (None: all), from the user's next click on; unused links stop
    working.

    Call it in a transaction. Raises NotFound, Forbidden if `by` (None: the operator of the installation) may
    not do this, and Conflict if the account would have no owner left.
    """
    found = await find_to_change(conn, account_id, user_id, by)
    limited = workspace_ids is not None
    if by is not None:
        now_by = await get_user(conn, account_id, by.id)
        _refuse(now_by.why_not_give(role, limited, workspace_ids or ()))
    wanted = (role, limited, set(workspace_ids or ()))
    if wanted == (found.role, found.limited, set(found.workspace_ids)):
        return found
    if role != "owner" or limited:
        await _keep_an_owner(conn, found)
    await conn.execute(
        "update users set role = $3, limited = $4, updated_at = $5 where account_id = $1 and id = $2",
        account_id,
        user_id,
        role,
        limited,
        datetime.now(UTC),
    )
    # A link that was created for an editor must not make its holder an owner.
    await conn.execute("delete from one_time_links where user_id = $1 and used_at is null", user_id)
    await conn.execute("delete from user_workspaces where user_id = $1", user_id)
    await _limit(conn, account_id, user_id, workspace_ids or ())
    return await get_user(conn, account_id, user_id)


async def disable_user(conn: Connection, account_id: str, user_id: str, by: User | None = None) -> None:
    """Disables a user and ends all sessions; the name stays in the history.

    Call it in a transaction. Raises NotFound, Forbidden if `by` (None: the operator of the installation) may
    not do this, and Conflict if the account would have no owner left.
    """
    await _keep_an_owner(conn, await find_to_change(conn, account_id, user_id, by))
    await conn.execute(
        """update users set disabled_at = coalesce(disabled_at, $3), updated_at = $3
            where account_id = $1 and id = $2""",
        account_id,
        user_id,
        datetime.now(UTC),
    )
    await conn.execute("delete from sessions where user_id = $1", user_id)
    await conn.execute("delete from one_time_links where user_id = $1 and used_at is null", user_id)


async def enable_user(conn: Connection, account_id: str, user_id: str, by: User | None = None) -> None:
    """Enables a disabled user, with the same password as before. Call it in a transaction.

    Raises NotFound, and Forbidden if `by` (None: the operator of the installation) may not do this.
    """
    await find_to_change(conn, account_id, user_id, by)
    await conn.execute(
        "update users set disabled_at = null, updated_at = $3 where account_id = $1 and id = $2",
        account_id,
        user_id,
        datetime.now(UTC),
    )


async def list_workspaces_of(conn: Connection, user: User) -> list[tuple[str, str, str]]:
    """Id, name and mode of the workspaces that a user may see: live ones first, then by name."""
    rows = await conn.fetch(
        """select w.id::text, w.name, w.mode from workspaces w
            where w.account_id = $1 and w.deleted_at is null
              and ($2 or w.id in (select m.workspace_id from user_workspaces m where m.user_id = $3))
            order by w.mode, lower(w.name), w.created_at, w.id
            limit 1000""",
        user.account_id,
        not user.limited,
        user.id,
    )
    return [(row[0], row[1], row[2]) for row in rows]
