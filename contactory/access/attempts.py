"""Slows down password guessing without locking users out: counts failures, for all processes together.

Failures are counted by address and e-mail together, by address, and by e-mail. After ten of the first or
thirty of the second, the address must pause. The e-mail alone does not make an address pause, because any
client could lock its user out. Instead, after ten failures, attempts from addresses at which its user has not
signed in recently wait for their turn, one per second. All times are by the database's clock.
"""

import hashlib
import math
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from contactory.database.db import Connection
from contactory.database.statements import affected
from contactory.rules.errors import RateLimited

OF_PAIR, OF_ADDRESS, OF_EMAIL = 10, 30, 10
WINDOW = timedelta(minutes=15)
TURN, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=5)
REMEMBERED = timedelta(days=90)
MOST_ADDRESSES = 20

# A time in the future was written before the clock was set back: no wait is longer than the window.
_MEND = "update sign_in_failures set since = now() where since > now()"
_STOPPED = f"""
with mended as ({_MEND} and subject = any($1))
select max(extract(epoch from least(f.since, now()) + $3 - now()))::float8
  from unnest($1::bytea[], $2::int[]) as asked (subject, allowed)
  join sign_in_failures f on f.subject = asked.subject
 where f.failures >= asked.allowed and f.since > now() - $3::interval
"""
# Counted before the password is checked, on locked rows, so that a hundred simultaneous guesses all count.
_COUNT = """
insert into sign_in_failures as f (subject, failures, since)
select subject, 1, now() from unnest($1::bytea[]) as asked (subject) order by subject
    on conflict (subject) do update
       set (failures, since) = (
           select case when f.since <= now() - $2::interval then 1 else f.failures + 1 end,
                  case when f.since <= now() - $2::interval then now() else least(f.since, now()) end)
returning subject, failures, extract(epoch from since + $2 - now())::float8 as wait
"""
_TAKE_TURN = """
with found as (
    select subject, case when next_at between now() and now() + $2::interval + $3::interval
                         then next_at else now() end as turn
      from sign_in_failures where subject = $1 for update
)
update sign_in_failures f set next_at = turn + $3
  from found where f.subject = found.subject and turn <= now() + $2
returning extract(epoch from turn - now())::float8
"""
_FORGIVE = """
with held as (
    select subject, failures from sign_in_failures where subject = any(array[$1, $2, $3]::bytea[])
     order by subject for update
)
update sign_in_failures f
   set failures = greatest(0, case f.subject
           when $1 then 0
           when $2 then f.failures - 1
           else f.failures - coalesce((select failures from held where subject = $1), 1) end)
  from held where f.subject = held.subject
"""
_TAKE_BACK = """
with held as (
    select subject from sign_in_failures where subject = any($1::bytea[]) order by subject for update
)
update sign_in_failures f set failures = greatest(0, f.failures - 1)
  from held where f.subject = held.subject
"""


class Subjects(NamedTuple):
    """The keys by which failures are counted; as digests, because the e-mail may not belong to a user."""

    pair: bytes
    address: bytes
    email: bytes


def subjects(address: str, email_key: str) -> Subjects:
    """The keys of an attempt to sign in; `address` is that of Request.address."""
    place = _place(address)
    return Subjects(
        _digest(f"pair {place} {email_key}"), _digest(f"address {place}"), _digest(f"email {email_key}")
    )


def _place(address: str) -> str:
    """The part of an address that a client cannot change freely: for IPv6 the /64 network."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="replace")).digest()


async def count_attempt(conn: Connection, who: Subjects, *, known: bool) -> float:
    """Counts an attempt, as failed until it is forgiven; returns the seconds until its turn.

    `known`: the user has signed in from this address before. Raises RateLimited if the address must pause.
    """
    # An attempt that must pause is not counted: it would add rows without end, and block its whole address.
    wait = await conn.fetchval(_STOPPED, [who.pair, who.address], [OF_PAIR, OF_ADDRESS], WINDOW)
    if wait is not None:
        raise _pause(wait)
    counted = {row["subject"]: row for row in await conn.fetch(_COUNT, [*who], WINDOW)}
    for subject, allowed in ((who.pair, OF_PAIR), (who.address, OF_ADDRESS)):
        if counted[subject]["failures"] > allowed:
            raise _pause(counted[subject]["wait"])
    if known or counted[who.email]["failures"] <= OF_EMAIL:
        return 0.0
    turn = await conn.fetchval(_TAKE_TURN, who.email, LONGEST_WAIT, TURN)
    if turn is None:
        await take_back(conn, who)
        seconds = math.ceil(LONGEST_WAIT.total_seconds())
        raise RateLimited(
            seconds, f"There are too many sign-in attempts with this e-mail: try again in {seconds} seconds."
        )
    return turn


def _pause(wait: float) -> RateLimited:
    seconds = max(1, math.ceil(wait))
    minutes = math.ceil(seconds / 60)
    unit = "minute" if minutes == 1 else "minutes"
    return RateLimited(seconds, f"Too many sign-ins have failed: try again in {minutes} {unit}.")


async def forgive(conn: Connection, who: Subjects) -> None:
    """The password was right: the failures of this address with this e-mail no longer count.

    The address keeps its failures with other e-mails, and the e-mail keeps its failures at other addresses.
    """
    await conn.execute(_FORGIVE, *who)


async def take_back(conn: Connection, who: Subjects) -> None:
    """The password was not checked: the attempt does not count."""
    await conn.execute(_TAKE_BACK, [*who])


async def is_known(conn: Connection, address: bytes, email_key: str) -> bool:
    """Whether a user with that e-mail has recently signed in from the address."""
    return await conn.fetchval(
        """select exists (select from known_addresses k join users u on u.id = k.user_id
                           where u.email_key = $1 and k.address = $2 and k.seen_at > now() - $3::interval)""",
        email_key,
        address,
        REMEMBERED,
    )


async def remember(conn: Connection, address: bytes, user_id: str) -> None:
    """Remembers that a user has signed in from the address. Keeps only the latest addresses."""
    await conn.execute(
        """insert into known_addresses (user_id, address, seen_at) values ($1, $2, now())
               on conflict (user_id, address) do update set seen_at = excluded.seen_at""",
        user_id,
        address,
    )
    await conn.execute(
        """delete from known_addresses where user_id = $1 and address in (
               select address from known_addresses where user_id = $1
                order by seen_at desc, address offset $2)""",
        user_id,
        MOST_ADDRESSES,
    )


async def forget_old(conn: Connection) -> int:
    """Deletes rows that no longer count; gives how many."""
    await conn.execute(_MEND)
    failures = await conn.execute("delete from sign_in_failures where since < now() - $1::interval", WINDOW)
    known = await conn.execute("delete from known_addresses where seen_at < now() - $1::interval", REMEMBERED)
    return affected(failures) + affected(known)
