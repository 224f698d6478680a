"""Sessions: who is signed in, by a secret that a cookie carries."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

import msgspec

from contactory.db import Connection
from contactory.users.model import User
from contactory.users.store import COLUMNS, user_of

IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
_SEEN_EVERY = timedelta(minutes=5)


class Session(msgspec.Struct, frozen=True):
    """A person who is signed in, and what their forms have to carry."""

    user: User
    csrf: str


def secret_hash(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so a plain SHA-256 cannot be searched."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    """256 random bits, as text that fits in cookies and URLs."""
    return secrets.token_urlsafe(32)


async def open_session(conn: Connection, user_id: str) -> str:
    """Signs a user in; gives the secret."""
    secret, now = new_secret(), datetime.now(UTC)
    await conn.execute(
        """insert into sessions (hash, user_id, csrf, created_at, seen_at, expires_at)
           values ($1, $2, $3, $4, $4, $5)""",
        secret_hash(secret),
        user_id,
        new_secret(),
        now,
        now + IDLE,
    )
    return secret


async def find_session(conn: Connection, secret: str) -> Session | None:
    """The session with that secret; None where it has ended, or its user is disabled."""
    now, digest = datetime.now(UTC), secret_hash(secret)
    row = await conn.fetchrow(
        f"""select {COLUMNS}, s.csrf, s.seen_at, s.created_at as begun
              from sessions s join users u on u.id = s.user_id
             where s.hash = $1 and s.expires_at > $2 and u.disabled_at is null""",
        digest,
        now,
    )
    if row is None:
        return None
    if now - row["seen_at"] > _SEEN_EVERY:
        expires = min(now + IDLE, row["begun"] + LONGEST)
        await conn.execute(
            "update sessions set seen_at = $2, expires_at = $3 where hash = $1", digest, now, expires
        )
    return Session(user_of(row), row["csrf"])


async def end_session(conn: Connection, secret: str) -> None:
    """Signs out."""
    await conn.execute("delete from sessions where hash = $1", secret_hash(secret))
