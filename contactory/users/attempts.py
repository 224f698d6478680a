"""Guessing passwords is slow: ten failures of an e-mail or an address, then a pause, for all processes."""

import hashlib
import math
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from contactory.db import Connection
from contactory.errors import RateLimited

ALLOWED = 10
WINDOW = timedelta(minutes=15)

# Counted before the password is looked at, on a row that is locked: a hundred guesses at once count as such.
_COUNT = """
insert into sign_in_failures as f (subject, failures, since) values ($1, 1, $2)
    on conflict (subject) do update
       set (failures, since) = (select case when f.since <= $3 then 1 else f.failures + 1 end,
                                       case when f.since <= $3 then $2 else f.since end)
returning failures, since
"""


class Subjects(NamedTuple):
    """What failures are counted by; as digests, since the e-mail may be anybody's."""

    address: bytes
    email: bytes


def subjects(address: str, email_key: str) -> Subjects:
    """Who tries to sign in, and as whom."""
    return Subjects(_digest(f"address {address}"), _digest(f"email {email_key}"))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def count_attempt(conn: Connection, who: Subjects) -> None:
    """Counts an attempt, as failed until it is forgiven. Raises RateLimited past the tenth."""
    now, wait = datetime.now(UTC), 0
    for subject in who:
        row = await conn.fetchrow(_COUNT, subject, now, now - WINDOW)
        if row and row["failures"] > ALLOWED:
            wait = max(wait, math.ceil((row["since"] + WINDOW - now).total_seconds()))
    if wait:
        minutes = math.ceil(wait / 60)
        unit = "minute" if minutes == 1 else "minutes"
        raise RateLimited(wait, f"Too many sign-ins have failed: try again in {minutes} {unit}.")


async def forgive(conn: Connection, who: Subjects) -> None:
    """The password was right after all. The address keeps its other failures: one account opens no others."""
    await conn.execute("delete from sign_in_failures where subject = $1", who.email)
    await conn.execute("update sign_in_failures set failures = failures - 1 where subject = $1", who.address)


async def forget_old(conn: Connection, now: datetime) -> None:
    """Drops what no longer counts."""
    await conn.execute("delete from sign_in_failures where since < $1", now - WINDOW)
