"""Links that work once: to set up an installation, to accept an invitation, to choose a new password.

They expire by the database's clock.
"""

from datetime import datetime, timedelta

import msgspec

from contactory.access.sessions import new_secret, secret_hash
from contactory.access.user import User
from contactory.access.users import find_to_change
from contactory.database.db import Connection
from contactory.rules.errors import Conflict, NotFound

LASTING = {"set-up": timedelta(days=7), "invite": timedelta(days=7), "reset": timedelta(days=1)}
DEAD = "This link has been used, or has expired. Ask for a new one."


class Link(msgspec.Struct, frozen=True):
    """The user of a link; a set-up link has none yet."""

    account_id: str
    user_id: str | None
    expires_at: datetime


async def make_link(conn: Connection, kind: str, account_id: str, user_id: str | None = None) -> str:
    """Creates a link and returns its path. Other unused links of the user stop working."""
    secret = new_secret()
    if user_id is not None:
        await conn.execute("delete from one_time_links where user_id = $1 and used_at is null", user_id)
    await conn.execute(
        """insert into one_time_links (hash, kind, account_id, user_id, created_at, expires_at)
           values ($1, $2, $3, $4, now(), now() + $5::interval)""",
        secret_hash(secret),
        kind,
        account_id,
        user_id,
        LASTING[kind],
    )
    return f"/{kind}/{secret}"


async def make_link_for(
    conn: Connection, account_id: str, user_id: str, by: User | None = None
) -> tuple[User, str]:
    """Creates a link to choose a first or a new password; returns the user and the link's path.

    Call it in a transaction. Raises NotFound, Conflict if the user is disabled, and Forbidden if `by` (None:
    the operator of the installation) may not do this.
    """
    found = await find_to_change(conn, account_id, user_id, by)
    if found.disabled_at is not None:
        raise Conflict(f"{found.email} is disabled.")
    return found, await make_link(conn, "reset" if found.signs_in else "invite", account_id, user_id)


async def see_link(conn: Connection, kind: str, secret: str) -> Link:
    """The link with that secret. Raises NotFound if it no longer works."""
    row = await conn.fetchrow(
        """select account_id::text, user_id::text, expires_at from one_time_links
            where hash = $1 and kind = $2 and used_at is null and expires_at > now()""",
        secret_hash(secret),
        kind,
    )
    if row is None:
        raise NotFound(DEAD)
    return Link(*row)


async def use_link(conn: Connection, kind: str, secret: str) -> Link:
    """Like see_link, but the link stops working. Call it in the transaction of the action."""
    # Every change of a user locks the user first and the links afterwards, and so does this.
    await conn.execute(
        """select from users where id = (select user_id from one_time_links where hash = $1)
              for no key update""",
        secret_hash(secret),
    )
    row = await conn.fetchrow(
        """update one_time_links set used_at = now()
            where hash = $1 and kind = $2 and used_at is null and expires_at > now()
           returning account_id::text, user_id::text, expires_at""",
        secret_hash(secret),
        kind,
    )
    if row is None:
        raise NotFound(DEAD)
    return Link(*row)
