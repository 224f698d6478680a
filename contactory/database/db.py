"""Connections to PostgreSQL: the only module, with the embedded server, that knows the driver."""

import asyncio
import random
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol, TypeAlias

import asyncpg

from contactory.rules.errors import TooSlow, Unavailable

Row: TypeAlias = Any


class Connection(Protocol):
    """What stores use of a connection."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: Any) -> Row | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    def transaction(self) -> Any: ...
    def is_closed(self) -> bool: ...


# What says that PostgreSQL is away, going away, full or not taking writes: never the caller's fault.
AWAY: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
# Two transactions got in each other's way; the loser may simply try again (SQLSTATE 40001, 40P01).
# The division is how a statement of ours notices that a row is not the one that it read (events/record.py).
COLLISION = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.DivisionByZeroError)
LOCK_TIMEOUT = asyncpg.LockNotAvailableError
REFUSED = asyncpg.PostgresError
"""Whatever PostgreSQL itself says no to: also the errors above, so it is caught after them."""

# Set by statements once the connection is there: a pooler refuses most of them as parameters of its start.
_SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}
# The statements of the lanes are all "a few rows by their key". A plan made while the table was empty
# must not go on scanning it when it has grown, so the lanes know no other way to reach a row.
_BY_KEY = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    # A row that somebody holds must not hold up everything that is written after it.
    "lock_timeout": "1s",
}
CONNECT_TIMEOUT = 3.0
_CLOSE_TIMEOUT = 2.0
LIFETIME = 3600.0
"""Seconds after which a connection makes way for a new one, unless the settings say something else."""
_TRY_AGAIN = 60.0
"""Seconds for which an old connection goes on where a new one is not to be had."""
_PROBES = 4
"""Connections that look whether each has a session of its own."""


class SharedSession(Exception):
    """A pooler lends the session of a connection to others between its transactions."""

    def __init__(self) -> None:
        super().__init__(
            "The pooler before the database gives each transaction another session, so that settings "
            "(synchronous_commit above all) and prepared statements would not last. Set pool_mode = session "
            "for this database, or let CONTACTORY_DATABASE_URL name PostgreSQL itself."
        )


class Violation(Exception):
    """A statement broke a unique index; `name` is the index's, without a shard's suffix."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.name = re.sub(r"_\d+$", "", index)


class _Session(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument]
    """A connection that knows when it is old."""

    __slots__ = ("old_at",)
    old_at: float
    """By the monotonic clock."""

    @property
    def is_old(self) -> bool:
        """Whether it is to make way for a new one: what a server process keeps of a session only grows."""
        return self.old_at < time.monotonic()

    def grow_old_in(self, seconds: float) -> None:
        """Is old after that time, give or take a fifth, so that not all are replaced at the same moment."""
        self.old_at = time.monotonic() + seconds * random.uniform(0.8, 1.2)  # noqa: S311


async def connect(url: str, statement_timeout: float = 0, session: Mapping[str, str] | None = None) -> Any:
    """A connection of its own; `statement_timeout` in seconds, 0 for none."""
    settings = {**_SESSION, **(session or {}), "statement_timeout": str(int(statement_timeout * 1000))}
    conn = await _open(
        url,
        # The server gives up first; this one is for a server that no longer answers at all.
        command_timeout=statement_timeout + 0.5 if statement_timeout else None,
        max_cached_statement_lifetime=0,
        connection_class=_Session,
    )
    try:
        script = "; ".join(f"set {name} = '{value}'" for name, value in settings.items())
        await conn.execute(script, timeout=CONNECT_TIMEOUT)
    except BaseException:
        conn.terminate()
        raise
    return conn


async def _open(url: str, **options: Any) -> Any:
    name = {"application_name": "contactory"}
    return await asyncpg.connect(url, timeout=CONNECT_TIMEOUT, server_settings=name, **options)


async def check_session(url: str) -> None:
    """Raises SharedSession where a pooler does not keep a session for each connection (transaction mode).

    Each of several connections, one after the other, gives its session a mark, which it has to find again
    each time. Sessions that are shared lose marks: there are fewer of them, or others come in between.
    """
    async with AsyncExitStack() as stack:
        marks: dict[Any, str] = {}
        for _ in range(_PROBES):
            conn = await _open(url, statement_cache_size=0, command_timeout=CONNECT_TIMEOUT)
            stack.callback(conn.terminate)
            marks[conn] = secrets.token_hex(8)
            await conn.execute(f"set contactory.session = '{marks[conn]}'")
        for conn in (*marks, *reversed(marks)):
            if await _mark_of(conn) != marks[conn]:
                raise SharedSession
    conn = await connect(url)
    try:
        if await conn.fetchval("show synchronous_commit") != "on":
            raise SharedSession
    finally:
        await conn.close()


async def _mark_of(conn: Any) -> str | None:
    try:
        # Without a transaction a pooler may mix up what one statement takes several messages for.
        async with conn.transaction():
            return await conn.fetchval("select current_setting('contactory.session', true)")
    except asyncpg.PostgresConnectionError as error:
        if "transaction blocks" in str(error):  # PgBouncer in statement mode allows none.
            raise SharedSession from error
        raise


_closing: set[asyncio.Task[None]] = set()


def _close_soon(conn: Any) -> None:
    """Closes a connection politely, while others go on."""
    task = asyncio.create_task(_close(conn))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(conn: Any) -> None:
    with suppress(*AWAY):
        await conn.close(timeout=_CLOSE_TIMEOUT)


class Lane:
    """One connection for statements that reach rows by key; opened when needed, anew once broken or old."""

    def __init__(self, url: str, statement_timeout: float, lifetime: float = LIFETIME) -> None:
        self._url = url
        self._timeout = statement_timeout
        self._lifetime = lifetime
        self._conn: Any = None

    async def connection(self) -> Connection:
        """The open connection. Raises Unavailable."""
        if self._conn is None or self._conn.is_closed():
            with translated():
                self._conn = await self._open()
        elif self._conn.is_old:
            await self._replace()
        return self._conn

    async def _open(self) -> Any:
        conn = await connect(self._url, self._timeout, _BY_KEY)
        conn.grow_old_in(self._lifetime)
        return conn

    async def _replace(self) -> None:
        """Takes a new connection, or goes on with the old one where there is none to be had."""
        old = self._conn
        old.grow_old_in(_TRY_AGAIN)
        with suppress(*AWAY):
            self._conn = await self._open()
            _close_soon(old)

    def drop(self) -> None:
        """Forgets a connection whose state is not known."""
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None

    async def close(self) -> None:
        """Closes the connection, politely."""
        if self._conn is not None and not self._conn.is_closed():
            await self._conn.close(timeout=_CLOSE_TIMEOUT)


class translated:  # noqa: N801 - reads as a statement: `with translated():`
    """Driver errors leave this block as our own: Unavailable, TooSlow, Violation."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (*COLLISION, LOCK_TIMEOUT)):
            return
        if isinstance(error, asyncpg.UniqueViolationError):
            raise Violation(error.constraint_name or "") from error
        if isinstance(error, asyncpg.QueryCanceledError):
            raise TooSlow from error
        if isinstance(error, AWAY):
            raise Unavailable from error


class Database:
    """The pool of one process: connections are opened when needed, and the one used last is used next.

    The driver's own pool would cost every use of a connection 30 µs and more, as much as a small statement.
    Nothing that we do leaves anything behind in a session, so none has to be reset between two uses.
    """

    def __init__(self, url: str, size: int, statement_timeout: float, lifetime: float = LIFETIME) -> None:
        self.url = url
        self.statement_timeout = statement_timeout
        self._lifetime = lifetime
        self.size = 0
        """Connections that are open, or being opened."""
        self.server_version = ""
        """Of PostgreSQL, such as 18.6; empty until there was a connection."""
        self._most = size
        self._idle: list[Any] = []
        self._waiters: deque[asyncio.Future[Any]] = deque()

    async def close(self) -> None:
        """Closes the connections that nobody uses; the others end with the process."""
        for conn in self._idle:
            await conn.close(timeout=_CLOSE_TIMEOUT)
        self._idle.clear()
        await asyncio.gather(*_closing)

    def retire(self) -> None:
        """Lets go of the old connections that are idle: those used least would stay for ever."""
        old = [conn for conn in self._idle if conn.is_old]
        self._idle = [conn for conn in self._idle if not conn.is_old]
        for conn in old:
            _close_soon(conn)
            self._gone()

    def lane(self) -> Lane:
        """A connection beside the pool, for a task that reads or writes rows by key."""
        return Lane(self.url, self.statement_timeout, self._lifetime)

    @property
    def in_use(self) -> int:
        """Connections that are at work."""
        return self.size - len(self._idle)

    def connection(self) -> "Borrowed":
        """A connection of the pool. Raises Unavailable where PostgreSQL is away or all are taken for long."""
        return Borrowed(self)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection of the pool in a transaction; committed at the end, rolled back on an exception."""
        async with self.connection() as conn, conn.transaction():
            yield conn

    async def take(self) -> Any:
        """A connection, to be given back. Raises what the driver raises, and TimeoutError."""
        while self._idle:
            conn = self._idle.pop()
            if not conn.is_closed():
                return conn
            self.size -= 1
        if self.size >= self._most:
            conn = await self._wait()
            if conn is not None:
                return conn
        self.size += 1
        try:
            conn = await connect(self.url, self.statement_timeout)
        except BaseException:
            self._gone()
            raise
        version = conn.get_server_version()
        self.server_version = f"{version.major}.{version.minor}"
        conn.grow_old_in(self._lifetime)
        return conn

    async def _wait(self) -> Any:
        """The next connection that is given back, or None for leave to open one."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Any] = loop.create_future()
        timer = loop.call_later(CONNECT_TIMEOUT, _give_up, waiter)
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._pass_on(waiter.result())  # It came in the very moment in which the caller went.
            raise
        finally:
            timer.cancel()

    def give(self, conn: Any) -> None:
        """Takes a connection back."""
        if conn.is_closed() or conn.is_in_transaction():
            conn.terminate()
            self._gone()
        elif conn.is_old:
            _close_soon(conn)
            self._gone()
        else:
            self._pass_on(conn)

    def _gone(self) -> None:
        self.size -= 1
        self._pass_on(None)

    def _pass_on(self, conn: Any) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(conn)
                return
        if conn is not None:
            self._idle.append(conn)


def _give_up(waiter: "asyncio.Future[Any]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class Borrowed:
    """A connection of the pool for the duration of a block; `asynccontextmanager` would cost 10 µs a use."""

    __slots__ = ("_conn", "_database")

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Connection:
        with translated():
            self._conn = await self._database.take()
        return self._conn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, TimeoutError):
            self._conn.terminate()  # Else it would wait for a server that does not answer to cancel it.
        self._database.give(self._conn)
        translated().__exit__(kind, error, trace)
