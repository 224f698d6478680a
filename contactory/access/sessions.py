"""Sessions: users who are signed in, by the secret in a cookie. All times are by the database's clock."""

import hashlib
import secrets
from datetime import datetime, timedelta

import msgspec

from contactory.access.attempts import forget_old
from contactory.access.user import User
from contactory.access.users import COLUMNS, user_of
from contactory.database.db import Connection, Database
from contactory.database.statements import affected
from contactory.rules.errors import SignedOut

IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
_SEEN_EVERY = timedelta(minutes=5)
_LONGEST_AGENT = 300


class Session(msgspec.Struct, frozen=True):
    """A signed-in user, and the secret of their forms."""

    user: User
    csrf: str


class OpenSession(msgspec.Struct, frozen=True):
    """A session in the list of a user's sessions."""

    created_at: datetime
    seen_at: datetime
    """Exact to some minutes."""
    agent: str | None
    """The name that the browser sends."""
    own: bool
    """Whether it is the current session."""


def secret_hash(secret: str) -> bytes:
    """The stored hash of a secret. A secret has 256 random bits, so its plain SHA-256 cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """256 random bits, as text for cookies and URLs."""
    return secrets.token_urlsafe(32)


async def open_session(
    conn: Connection, user_id: str, agent: str | None = None, *, checked: str | None = None
) -> str:
    """Signs a user in, with a browser that sends the name `agent`; returns the secret.

    `checked` is the stored hash that the password matched. Raises SignedOut if the hash has changed, or the
    user has been disabled.
    """
    secret = new_secret()
    opened = await conn.fetchval(
        """with now_in as (
                -- This update waits for a transaction that is changing the user, and then checks the row
                -- again; a transaction that changes the user later finds the session, and ends it.
                update users set signed_in_at = now()
                 where id = $2 and disabled_at is null and ($6::text is null or password_hash = $6)
                returning id)
            insert into sessions (hash, user_id, csrf, created_at, seen_at, expires_at, agent)
            select $1, id, $3, now(), now(), now() + $4::interval, $5 from now_in
            returning true""",
        secret_hash(secret),
        user_id,
        new_secret(),
        IDLE,
        agent[:_LONGEST_AGENT] if agent else None,
        checked,
    )
    if not opened:
        raise SignedOut
    return secret


async def find_session(conn: Connection, secret: str) -> Session | None:
    """The session with that secret; None if it has ended, or its user is disabled."""
    digest = secret_hash(secret)
    row = await conn.fetchrow(
        f"""select {COLUMNS}, s.csrf,
                   s.seen_at not between now() - $2::interval and now() + $2::interval as seen_long_ago
              from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > now() and u.disabled_at is null""",
        digest,
        _SEEN_EVERY,
    )
    if row is None:
        return None
    if row["seen_long_ago"]:
        await conn.execute(
            """update sessions
                  set seen_at = now(), expires_at = least(now() + $2::interval, created_at + $3::interval)
                where hash = $1""",
            digest,
            IDLE,
            LONGEST,
        )
    return Session(user_of(row), row["csrf"])


async def end_session(conn: Connection, secret: str) -> None:
    """Signs out."""
    await conn.execute("delete from sessions where hash = $1", secret_hash(secret))


async def list_sessions(conn: Connection, user_id: str, secret: str) -> list[OpenSession]:
    """The sessions of a user, the most recently used first; `secret` is that of the current session."""
    rows = await conn.fetch(
        """select created_at, seen_at, agent, hash = $2 as own from sessions
            where user_id = $1 and expires_at > now() order by own desc, seen_at desc limit 100""",
        user_id,
        secret_hash(secret),
    )
    return [OpenSession(**dict(row)) for row in rows]


async def end_other_sessions(conn: Connection, user_id: str, secret: str) -> None:
    """Signs a user out everywhere except in the session with that secret."""
    await conn.execute("delete from sessions where user_id = $1 and hash <> $2", user_id, secret_hash(secret))


async def drop_old_sign_ins(db: Database) -> int:
    """Drops the sessions and links that are over, and failures that no longer count; gives how many rows."""
    async with db.connection() as conn:
        sessions = await conn.execute("delete from sessions where expires_at < now()")
        links = await conn.execute("delete from one_time_links where expires_at < now() - interval '30 days'")
        return affected(sessions) + affected(links) + await forget_old(conn)
