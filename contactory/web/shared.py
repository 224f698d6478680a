"""The objects that all calls in one process share."""

import asyncio
from typing import Protocol, TypeVar, cast

from contactory.base.settings import Settings
from contactory.database.db import Database
from contactory.rules.actor import Actor
from contactory.web.rate_limit import RateLimiter

T = TypeVar("T")


class Authenticator(Protocol):
    """Finds the actor of a request."""

    async def authenticate(self, authorization: str | None) -> Actor:
        """The actor of an Authorization header. Raises Unauthorized."""
        ...


class Shared:
    """The objects that every operation needs, and those of the rooms above, each found by its class."""

    def __init__(self, settings: Settings, db: Database, keys: Authenticator) -> None:
        self.settings = settings
        self.db = db
        self.keys = keys
        self.limiter = RateLimiter(db, settings)
        self.in_flight: dict[tuple[str, str], asyncio.Future[None]] = {}
        """Idempotency keys in use in this process, by owner and key; each future ends with its request."""
        self._parts: dict[type, object] = {}

    def add(self, *parts: object) -> None:
        """Adds one object for each class."""
        self._parts.update((type(part), part) for part in parts)

    def part(self, kind: type[T]) -> T:
        """The object of this class."""
        return cast("T", self._parts[kind])
