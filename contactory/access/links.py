"""Links that work once: to set an installation up, to accept an invitation, to choose a new password.

When one expires is by the database's clock.
"""

from datetime import timedelta

import msgspec

from contactory.access.sessions import new_secret, secret_hash
from contactory.access.user import User
from contactory.access.users import find_to_change
from contactory.database.db import Connection
from contactory.rules.errors import Conflict, NotFound

LASTING = {"set-up": timedelta(days=7), "invite": timedelta(days=7), "reset": timedelta(days=1)}
DEAD = "This link has been used, or has expired. Ask for a new one."


class Link(msgspec.Struct, frozen=True):
    """Whom a link is for; a set-up link is for nobody yet."""

    account_id: str
    user_id: str | None


async def make_link(conn: Connection, kind: str, account_id: str, user_id: str | None = None) -> str:
    """Makes a link; gives its path. Others of the user that are still unused stop working."""
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
    """A link by which a user chooses a new password, or a first one; gives them, and the link's path.

    To be called in a transaction. Raises NotFound, Conflict where they are disabled, and Forbidden where `by`
    (None: whoever runs the installation) may not do this.
    """
    found = await find_to_change(conn, account_id, user_id, by)
    if found.disabled_at is not None:
        raise Conflict(f"{found.email} is disabled.")
    return found, await make_link(conn, "reset" if found.signs_in else "invite", account_id, user_id)


async def see_link(conn: Connection, kind: str, secret: str) -> Link:
    """The link with that secret. Raises NotFound where it works no longer."""
    row = await conn.fetchrow(
        """select account_id::text, user_id::text from one_time_links
            where hash = $1 and kind = $2 and used_at is null and expires_at > now()""",
        secret_hash(secret),
        kind,
    )
    if row is None:
        raise NotFound(DEAD)
    return Link(*row)


async def use_link(conn: Connection, kind: str, secret: str) -> Link:
    """As see_link, and from then on it works no longer. To be called in the transaction of what it is for."""
    # Who changes a user locks them first and their links afterwards, and so do we.
    await conn.execute(
        """select from users where id = (select user_id from one_time_links where hash = $1)
              for no key update""",
        secret_hash(secret),
    )
    row = await conn.fetchrow(
        """update one_time_links set used_at = now()
            where hash = $1 and kind = $2 and used_at is null and expires_at > now()
           returning account_id::text, user_id::text""",
        secret_hash(secret),
        kind,
    )
    if row is None:
        raise NotFound(DEAD)
    return Link(*row)
