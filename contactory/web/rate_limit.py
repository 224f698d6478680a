"""The rate limit of a key: a token bucket (sustained rate, burst) that all server processes share.

The bucket is a row of an unlogged table, so all processes use the same one, and taking a token writes no WAL.
It fills by the database's clock alone; if that is set back, it fills from the new time on. If a bucket is
known to be empty, the request is refused without the database.
"""

import math
import time

import msgspec

from contactory.base.caches import LeastRecentlyUsed
from contactory.base.settings import Settings
from contactory.database.db import Database
from contactory.rules.actor import Actor
from contactory.rules.errors import RateLimited

_DRAW = """
insert into rate_buckets as b (key_id, tokens, granted, at)
values ($1, $3::float8 - 1, true, clock_timestamp())
    on conflict (key_id) do update
       set (tokens, granted, at) = (
           select case when tokens >= 1 then tokens - 1 else tokens end, tokens >= 1, at
             -- Read after the row is locked, so that requests that wait for each other see the time pass.
             from (select clock_timestamp()) as clock (at)
            cross join lateral (
                  select least($3, b.tokens + $2 * greatest(0, extract(epoch from clock.at - b.at)::float8)))
                  as refilled (tokens))
returning tokens, granted
"""
_KEPT = 10_000
"""The number of keys in memory; another key needs a query."""


class _Known(msgspec.Struct):
    tokens: float
    at: float


class RateLimiter:
    """The buckets, in their last known state."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._known: LeastRecentlyUsed[str, _Known] = LeastRecentlyUsed(_KEPT)

    def limit(self, actor: Actor) -> tuple[float, int] | None:
        """The key's rate (writes per second) and burst, or None without a limit."""
        rate = actor.rate_limit if actor.rate_limit is not None else self._settings.rate_limit
        if not rate or actor.id is None:
            return None
        burst = actor.rate_burst or self._settings.rate_burst or math.ceil(rate)
        return rate, max(1, burst)

    async def draw(self, actor: Actor) -> None:
        """Takes a token. Raises RateLimited if there is none."""
        limit = self.limit(actor)
        if limit is None or actor.id is None:
            return
        rate, burst = limit
        if self._left(actor.id, rate, burst) < 1:
            raise RateLimited(self._wait(actor.id, rate, burst))
        async with self._db.connection() as conn:
            [row] = await conn.fetch(_DRAW, actor.id, rate, float(burst))
        self._known.put(actor.id, _Known(row["tokens"], time.monotonic()))
        if not row["granted"]:
            raise RateLimited(self._wait(actor.id, rate, burst))

    def _left(self, key_id: str, rate: float, burst: int) -> float:
        known = self._known.get(key_id)
        if known is None:
            return float(burst)
        return min(burst, known.tokens + (time.monotonic() - known.at) * rate)

    def _wait(self, key_id: str, rate: float, burst: int) -> int:
        return max(1, math.ceil((1 - self._left(key_id, rate, burst)) / rate))

    def headers(self, actor: Actor) -> list[tuple[str, str]]:
        """RateLimit-Policy and RateLimit (IETF draft httpapi-ratelimit-headers) for a limited key."""
        limit = self.limit(actor)
        if limit is None or actor.id is None:
            return []
        rate, burst = limit
        left = self._left(actor.id, rate, burst)
        window = max(1, math.ceil(burst / rate))
        full_in = math.ceil((burst - left) / rate)
        return [
            ("ratelimit-policy", f'"writes";q={burst};w={window}'),
            ("ratelimit", f'"writes";r={int(left)};t={full_in}'),
        ]
