"""What the connections of one server process share."""

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING

from contactory.http import Request
from contactory.http_budgets import Bodies, Budget, Unread

if TYPE_CHECKING:
    from contactory.http_connection import HttpConnection

NEVER = float("inf")
BODIES_BYTES = 64 << 20
"""Large bodies of the requests at work; at least four of the largest."""
WAITING_BYTES = 16 << 20
"""Requests that have not begun: heads that are still arriving, and what was sent behind a request."""
UNREAD_BYTES = 64 << 20
"""Answers that their clients have not taken yet."""
_HOSTS = 1000


class Listener:
    """What the connections of one server process share."""

    def __init__(
        self,
        handle: Callable[[Request, "HttpConnection"], Awaitable[None]],
        body_limit: int,
        body_timeout: float,
    ) -> None:
        self.handle = handle
        self.body_limit = body_limit
        self.body_timeout = body_timeout
        self.loop = asyncio.get_running_loop()
        self.connections: set[HttpConnection] = set()
        self.bodies = Bodies(max(BODIES_BYTES, 4 * body_limit))
        self.waiting = Budget(WAITING_BYTES)
        self.unread = Unread(UNREAD_BYTES)
        self.hosts: set[bytes] = set()
        """Host headers that were found to be valid."""
        self.now = 0.0
        """Seconds by the loop's clock, brought up to date once a second."""
        self.date = ""
        """The header line of that name (RFC 9110, section 6.6.1)."""
        self._tell_time()

    def remember(self, host: bytes) -> None:
        """The Host header is valid."""
        if host not in self.hosts and len(self.hosts) >= _HOSTS:
            self.hosts.clear()
        self.hosts.add(host)

    async def watch(self) -> None:
        """Cuts off who keeps the server waiting, for ever: one look a second costs less than timers."""
        while True:
            await asyncio.sleep(1)
            self._tell_time()
            for each in tuple(self.connections):
                each.sweep()

    def _tell_time(self) -> None:
        self.now = self.loop.time()
        self.date = f"date: {formatdate(usegmt=True)}\r\n"

    async def stop(self, seconds: float) -> None:
        """Lets the requests at work be answered, for so many seconds at most."""
        end = self.loop.time() + seconds
        while self.connections and self.loop.time() < end:
            for connection in tuple(self.connections):  # Each time: some come in the last moment.
                connection.stop()
            await asyncio.sleep(0.01)
        for each in tuple(self.connections):
            each.cut()
