"""Passwords: argon2id (RFC 9106), in threads, a few at a time."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError, VerifyMismatchError

from contactory.access.user import normal_password
from contactory.rules.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")
_AT_ONCE = 2  # Each takes 64 MiB and about 50 ms of processor time.
_WAITING = 64
_FULL, _SECONDS = "Many users are signing in at the moment: try again in a few seconds.", 5


class Passwords:
    """Hashes and verifies for one process."""

    def __init__(self) -> None:
        # The second recommended option of RFC 9106, section 4.
        self._hasher = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4, type=Type.ID)
        self._turns = _Turns()
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store, of the normal form. Raises Unavailable if too many wait already."""
        return await self._run(True, self._hasher.hash, normal_password(password))

    async def verify(self, stored: str | None, password: str, *, known: bool = False) -> bool:
        """Whether `password` matches the stored hash; with None it takes the same time, and is False.

        Attempts from addresses that are `known` for their users come first, because others may be guesses.
        Raises Unavailable if too many wait already.
        """
        if self._decoy is None:
            self._decoy = await self.hash(secrets.token_hex())
        matches = await self._run(known, self._matches, stored or self._decoy, password)
        return matches and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        # As typed too: that is what earlier releases hashed.
        for each in dict.fromkeys((normal_password(password), password)):
            try:
                return self._hasher.verify(stored, each)
            except (VerifyMismatchError, InvalidHashError):
                continue
        return False

    async def _run(self, first: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        await self._turns.take(first)
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except (Argon2Error, MemoryError, RuntimeError):
            # No memory or no thread: this does not say anything about the password.
            raise Unavailable(_FULL, _SECONDS) from None
        finally:
            self._turns.give_back()


class _Turns:
    """A few at once; the others wait in two queues, and the first queue is served first."""

    def __init__(self) -> None:
        self._free = _AT_ONCE
        self._first = deque[asyncio.Future[None]]()
        self._others = deque[asyncio.Future[None]]()

    async def take(self, first: bool) -> None:
        """Waits for a turn. Raises Unavailable if too many wait in that queue already."""
        if self._free:
            self._free -= 1
            return
        queue = self._first if first else self._others
        if len(queue) >= _WAITING:
            raise Unavailable(_FULL, _SECONDS)
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give_back()
            elif turn in queue:
                queue.remove(turn)
            raise

    def give_back(self) -> None:
        """Ends the turn and starts the next one."""
        for queue in (self._first, self._others):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
