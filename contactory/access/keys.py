"""API keys: from a key to its actor."""

import hashlib
import secrets
import string
import time
import zlib
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

from contactory.base.caches import SingleFlight
from contactory.database.db import Database
from contactory.rules.actor import Actor
from contactory.rules.errors import Unauthorized

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 32, 6
_KEPT = 10_000
_FRESH_SECONDS = 0.9  # A revoked key must stop working within a second, also if polling is late.


def new_key(mode: str) -> str:
    """A new API key: the prefix, 32 random characters, and a checksum of all that."""
    start = f"ctk_{mode}_" + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM))
    return start + _checksum(start)


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def well_formed(key: str) -> bool:
    """Whether this can be a key, checked without the database."""
    if (
        not key.startswith(("ctk_live_", "ctk_test_"))
        or len(key) != 9 + _RANDOM + _CHECKSUM
        or not key.isascii()
    ):
        return False
    return _checksum(key[:-_CHECKSUM]) == key[-_CHECKSUM:]


def key_hash(key: str) -> bytes:
    """The stored hash of a key. A key has 190 random bits, so its plain SHA-256 cannot be guessed."""
    return hashlib.sha256(key.encode()).digest()


_FIND = """
select k.id::text, k.account_id::text, k.workspace_id::text, k.mode, k.permission,
       extract(epoch from k.expires_at - clock_timestamp())::float8 as seconds_left,
       k.rate_limit, k.rate_burst
  from api_keys k
  left join workspaces w on w.id = k.workspace_id
 where k.hash = $1 and k.revoked_at is null and w.deleted_at is null
   and (k.expires_at is null or k.expires_at > clock_timestamp())
"""
_STILL_GOOD = """
select k.id::text
  from api_keys k
  left join workspaces w on w.id = k.workspace_id
 where k.id = any($1::uuid[]) and k.revoked_at is null and w.deleted_at is null
   and (k.expires_at is null or k.expires_at > clock_timestamp())
"""


class Keys:
    """The keys that this process has recently seen."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._actors: OrderedDict[bytes, Actor] = OrderedDict()
        self._flights: SingleFlight[bytes, Actor | None] = SingleFlight()
        self._fresh_until = 0.0
        self._outdated = 0
        """How often the running reads may have become out of date."""
        self.used: dict[str, float] = {}
        """When each key was last used (seconds since 1970), for the job that stores it."""

    async def authenticate(self, authorization: str | None) -> Actor:
        """The actor of the key in the header. Raises Unauthorized."""
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer":
            raise Unauthorized
        return await self.find(key)

    async def find(self, key: str) -> Actor:
        """The actor of `key`. Raises Unauthorized."""
        digest = key_hash(key)
        actor = self._actors.get(digest)
        if actor is None and not well_formed(key):
            raise Unauthorized
        if actor is None or time.monotonic() > min(self._fresh_until, actor.expires_at):
            actor = await self._flights.get(digest, lambda: self._read(digest))
        if actor is None:
            raise Unauthorized
        if actor.id is not None:
            self.used[actor.id] = time.time()
        return actor

    async def _read(self, digest: bytes) -> Actor | None:
        outdated, begun = self._outdated, time.monotonic()
        async with self._db.connection() as conn:
            row = await conn.fetchrow(_FIND, digest)
        if row is None:
            self._actors.pop(digest, None)
            return None
        actor = _actor(row, begun)
        if outdated != self._outdated:
            return actor  # Not cached: the key may have been revoked in the meantime.
        self._actors[digest] = actor
        self._actors.move_to_end(digest)
        while len(self._actors) > _KEPT:
            self._actors.popitem(last=False)
        return actor

    async def poll(self) -> None:
        """Forgets keys that have expired or that another process has revoked."""
        begun = time.monotonic()
        self._forget_reads()
        known = {actor.id: digest for digest, actor in self._actors.items() if actor.id}
        if known:
            async with self._db.connection() as conn:
                rows = await conn.fetch(_STILL_GOOD, list(known))
            for gone in known.keys() - {row[0] for row in rows}:
                self._actors.pop(known[gone], None)
        self._fresh_until = begun + _FRESH_SECONDS

    def forget(self, key_id: str) -> None:
        """This process has revoked a key: it stops working at once."""
        for digest in [digest for digest, actor in self._actors.items() if actor.id == key_id]:
            del self._actors[digest]
        self._forget_reads()

    def _forget_reads(self) -> None:
        """The running reads are not cached, and the next request starts a new one."""
        self._outdated += 1
        self._flights.forget()


async def write_last_used(db: Database, keys: Keys) -> int:
    """Writes down when each key was last used by this process; gives of how many keys."""
    used, keys.used = keys.used, {}
    if not used:
        return 0
    async with db.connection() as conn:
        await conn.execute(
            """update api_keys k set last_used_at = u.at
                 from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
                where k.id = u.id
                  -- After `now()`: of a time before the clock was set back.
                  and (k.last_used_at is null or k.last_used_at < u.at or k.last_used_at > now())""",
            list(used),
            [datetime.fromtimestamp(seconds, UTC) for seconds in used.values()],
        )
    return len(used)


def _actor(row: Any, read_at: float) -> Actor:
    left: float | None = row["seconds_left"]
    return Actor(
        id=row["id"],
        account_id=row["account_id"],
        workspace_id=row["workspace_id"],
        mode=row["mode"],
        permission=row["permission"],
        expires_at=float("inf") if left is None else read_at + left,
        rate_limit=row["rate_limit"],
        rate_burst=row["rate_burst"],
    )
