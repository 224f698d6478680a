"""The shared state of the connections of one server process, and their number."""

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from resource import RLIMIT_NOFILE, getrlimit
from typing import Any, Protocol

from contactory.base.ids import new_id
from contactory.base.logs import log
from contactory.base.metrics import CONNECTIONS, REFUSED
from contactory.rules.errors import Problem, Unavailable
from contactory.web.budgets import Bodies, ByteBudget, Unread, largest_together
from contactory.web.heads import answer_head
from contactory.web.messages import NOSNIFF, Peer, Request, problem_response

NEVER = float("inf")
WAITING_BYTES = 16 << 20
"""Bytes of requests that have not started: incomplete heads, and bytes after the current request."""
UNREAD_BYTES = 64 << 20
"""Bytes of answers that clients have not read yet."""
_HOSTS = 1000
_RESTED_SECONDS = 5.0
"""Seconds without a request after which a connection may be closed for a new one."""
_TURNED_AWAY = 16
"""Connections above the limit that are kept until their clients have read the refusal."""
_TURNED_AWAY_SECONDS = 2.0
_REPORT_SECONDS = 60.0
FULL = "This server has too many connections: try again in a second."
_NONE_LEFT = (errno.EMFILE, errno.ENFILE)


class Connection(Protocol):
    """What the listener needs of a connection."""

    def rests_since(self) -> float:
        """When the connection became idle; NEVER if it is not."""
        ...

    def sweep(self) -> None:
        """Cuts the connection if its client is too slow."""
        ...

    def stop(self) -> None:
        """Closes the connection after its current request."""
        ...

    def cut(self) -> None:
        """Closes the connection at once."""
        ...


class Listener:
    """The shared state of the connections of one server process."""

    def __init__(
        self,
        handle: Callable[[Request, Peer], Awaitable[None]],
        body_limit: int,
        body_timeout: float,
        connection_limit: int,
        limit_of: Callable[[Request], int],
        whole_limit: int,
    ) -> None:
        """A body may have `body_limit` bytes, a larger one `limit_of` its request.

        `whole_limit` is that of the largest that is taken as a whole.
        """
        self.handle = handle
        self.body_limit = body_limit
        self.limit_of = limit_of
        self.body_timeout = body_timeout
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.bodies = Bodies(largest_together(whole_limit))
        self.waiting = ByteBudget(WAITING_BYTES)
        self.unread = Unread(UNREAD_BYTES)
        self.hosts: set[bytes] = set()
        """Host headers that are known to be valid."""
        self.now = 0.0
        """Seconds by the loop's clock, updated once per second."""
        self.date = ""
        """The Date header (RFC 9110, section 6.6.1)."""
        self._limit = connection_limit
        self._resting: list[Connection] = []
        self._looked = -NEVER
        self._turned_away: dict[_TurnedAway, None] = {}
        self._reports = _Reports()
        self._tell_time()

    def admits(self, transport: Any) -> bool:
        """Whether there is room for one more connection; if not, the client gets a refusal."""
        # The system uses the lowest free descriptor: the last one means that no other is free.
        if transport.get_extra_info("socket").fileno() >= getrlimit(RLIMIT_NOFILE)[0] - 1:
            self._reports.no_descriptors(self.now)
        if len(self.connections) < self._limit or self._makes_room():
            return True
        REFUSED.inc()
        self._reports.refused(self.now, self._limit)
        if len(self._turned_away) >= _TURNED_AWAY:
            next(iter(self._turned_away)).cut()
        self._turned_away[_TurnedAway(self, transport)] = None
        return False

    def _makes_room(self) -> bool:
        """Closes the connection that has been idle longest. Looks for idle ones at most once per second."""
        if self._looked != self.now:
            self._looked = self.now
            since = self.now - _RESTED_SECONDS
            resting = [each for each in self.connections if each.rests_since() <= since]
            self._resting = sorted(resting, key=lambda each: each.rests_since(), reverse=True)
        while self._resting:
            oldest = self._resting.pop()
            if oldest.rests_since() <= self.now - _RESTED_SECONDS:
                oldest.stop()
                return True
        return False

    def forget(self, turned_away: "_TurnedAway") -> None:
        """A refused client has disconnected."""
        self._turned_away.pop(turned_away, None)

    def remember(self, host: bytes) -> None:
        """The Host header is valid."""
        if host not in self.hosts and len(self.hosts) >= _HOSTS:
            self.hosts.clear()
        self.hosts.add(host)

    async def watch(self) -> None:
        """Cuts the connections of slow clients, for ever; one check per second costs less than timers."""
        while True:
            await asyncio.sleep(1)
            self._tell_time()
            for each in (*self.connections, *self._turned_away):
                each.sweep()
            CONNECTIONS.set(len(self.connections))
            self._reports.look(self.now)

    def _tell_time(self) -> None:
        self.now = self.loop.time()
        self.date = f"date: {formatdate(usegmt=True)}\r\n"

    async def stop(self, seconds: float) -> None:
        """Waits until the running requests are answered, for at most that many seconds."""
        end = self.loop.time() + seconds
        while self.connections and self.loop.time() < end:
            for connection in tuple(
                self.connections
            ):  # Again each time, because some arrive at the last moment.
                connection.stop()
            await asyncio.sleep(0.01)
        for each in (*self.connections, *self._turned_away):
            each.cut()


class _TurnedAway(asyncio.Protocol):
    """A connection above the limit: the answer to every request is 503."""

    def __init__(self, listener: Listener, transport: Any) -> None:
        self._listener = listener
        self._transport = transport
        self._deadline = listener.now + _TURNED_AWAY_SECONDS
        self._answered = False
        transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """The client has sent a request. Reads on, because closing could destroy the answer."""
        if self._answered:
            return
        self._answered = True
        self._deadline = self._listener.now + _TURNED_AWAY_SECONDS
        problem = Unavailable(FULL)
        self._transport.write(_answer(problem, self._listener.date, bodiless=data.startswith(b"HEAD ")))
        self._transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has disconnected."""
        self._listener.forget(self)

    def sweep(self) -> None:
        """Ends the connection of a slow client."""
        if self._listener.now > self._deadline:
            self.cut()

    def cut(self) -> None:
        """Ends the connection at once."""
        self._listener.forget(self)
        self._transport.abort()


def _answer(problem: Problem, date: str, bodiless: bool) -> bytes:
    request_id = new_id()
    response = problem_response(problem, "/", request_id)
    response.headers += (("x-request-id", request_id), NOSNIFF)
    length = f"content-length: {len(response.body)}\r\n"
    head = answer_head(response, date, length, "connection: close\r\n")
    return head if bodiless else head + response.body


class _Reports:
    """Log lines about reached limits: at once, and then at most one per minute."""

    def __init__(self) -> None:
        self._refused = 0
        self._limit = 0
        self._after: dict[str, float] = {}

    def refused(self, now: float, limit: int) -> None:
        """A connection was refused, because there are `limit` already."""
        self._refused += 1
        self._limit = limit
        if self._is_due("connections", now):
            self._tell_of_refused()

    def look(self, now: float) -> None:
        """Logs the counts, and whether the process has free descriptors."""
        if self._refused and self._is_due("connections", now):
            self._tell_of_refused()
        try:
            os.close(os.dup(2))
        except OSError as error:
            if error.errno in _NONE_LEFT:
                self.no_descriptors(now)

    def no_descriptors(self, now: float) -> None:
        """All descriptors are in use: the system refuses new connections and files."""
        if self._is_due("descriptors", now):
            log.error("no descriptors left", limit=getrlimit(RLIMIT_NOFILE)[0], advice="raise it: ulimit -n")

    def _tell_of_refused(self) -> None:
        advice = "raise CONTACTORY_MAX_CONNECTIONS, or the limit of descriptors if that is lower"
        log.warning("connections refused", count=self._refused, limit=self._limit, advice=advice)
        self._refused = 0

    def _is_due(self, what: str, now: float) -> bool:
        if now < self._after.get(what, -NEVER):
            return False
        self._after[what] = now + _REPORT_SECONDS
        return True
