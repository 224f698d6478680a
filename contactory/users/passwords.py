"""Passwords: argon2id (RFC 9106), in threads, a few at a time."""

import asyncio
import secrets
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from contactory.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
_AT_ONCE = 2  # Each takes 64 MiB and some 50 ms of a processor.
_WAITING = 64
_FULL, _SECONDS = "Many are signing in just now: try again in a few seconds.", 5


class Passwords:
    """Hashes and verifies for one process."""

    def __init__(self) -> None:
        # The second recommended option of RFC 9106, section 4.
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4, type=Type.ID)
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """What is stored of a password. Raises Unavailable where too many wait already."""
        return await self._run(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one; with None it takes as long, and is not.

        Raises Unavailable where too many wait already.
        """
        if self._decoy is None:
            self._decoy = await self.hash(secrets.token_hex())
        matches = await self._run(self._matches, stored or self._decoy, password)
        return matches and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._waiting >= _WAITING:
            raise Unavailable(_FULL, _SECONDS)
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work, *args, **kwargs)
        except (Argon2Error, MemoryError, RuntimeError):
            # No memory for it, or no thread: neither tells anything about the password.
            raise Unavailable(_FULL, _SECONDS) from None
        finally:
            self._waiting -= 1
