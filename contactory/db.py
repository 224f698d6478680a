"""Connections to PostgreSQL: the only module, with the embedded server, that knows the driver."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeAlias

import asyncpg

from contactory.errors import Unavailable

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
COLLISION = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
LOCK_TIMEOUT = asyncpg.LockNotAvailableError
REFUSED = asyncpg.PostgresError
"""Whatever PostgreSQL itself says no to: also the errors above, so it is caught after them."""

_SESSION = {
    "application_name": "contactory",
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


class Violation(Exception):
    """A statement broke a unique index; `name` is the index's, without a shard's suffix."""

    def __init__(self, index: str) -> None:
        super().__init__(index)
        self.name = re.sub(r"_\d+$", "", index)


async def connect(url: str, statement_timeout: float = 0, session: Mapping[str, str] | None = None) -> Any:
    """A connection of its own; `statement_timeout` in seconds, 0 for none."""
    settings = dict(_SESSION, **(session or {}), statement_timeout=str(int(statement_timeout * 1000)))
    return await asyncpg.connect(
        url,
        timeout=CONNECT_TIMEOUT,
        # The server gives up first; this one is for a server that no longer answers at all.
        command_timeout=statement_timeout + 0.5 if statement_timeout else None,
        server_settings=settings,
        max_cached_statement_lifetime=0,
    )


class Lane:
    """One connection for statements that reach rows by key; opened when needed, and anew once broken."""

    def __init__(self, url: str, statement_timeout: float) -> None:
        self._url = url
        self._timeout = statement_timeout
        self._conn: Any = None

    async def connection(self) -> Connection:
        """The open connection. Raises Unavailable."""
        if self._conn is None or self._conn.is_closed():
            with translated():
                self._conn = await connect(self._url, self._timeout, _BY_KEY)
        return self._conn

    def drop(self) -> None:
        """Forgets a connection whose state is not known."""
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None

    async def close(self) -> None:
        """Closes the connection, politely."""
        if self._conn is not None and not self._conn.is_closed():
            await self._conn.close(timeout=2)


class translated:  # noqa: N801 - reads as a statement: `with translated():`
    """Driver errors leave this block as our own: Unavailable, Violation."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (*COLLISION, LOCK_TIMEOUT)):
            return
        if isinstance(error, asyncpg.UniqueViolationError):
            raise Violation(error.constraint_name or "") from error
        if isinstance(error, AWAY):
            raise Unavailable from error


class Database:
    """The pool of one process."""

    def __init__(self, url: str, size: int, statement_timeout: float) -> None:
        self.url = url
        self.statement_timeout = statement_timeout
        self._size = size
        self._pool: Any = None

    async def open(self) -> None:
        """Makes the pool; connects only when a connection is needed, so PostgreSQL may still be away."""
        self._pool = await asyncpg.create_pool(
            self.url,
            min_size=0,
            max_size=self._size,
            reset=_keep,
            timeout=CONNECT_TIMEOUT,
            command_timeout=self.statement_timeout + 0.5,
            max_inactive_connection_lifetime=60,
            max_cached_statement_lifetime=0,
            server_settings=dict(_SESSION, statement_timeout=str(int(self.statement_timeout * 1000))),
        )

    async def close(self) -> None:
        """Closes the pool; what does not end by itself is cut."""
        try:
            await asyncio.wait_for(self._pool.close(), 3)
        except TimeoutError:
            self._pool.terminate()

    def lane(self) -> Lane:
        """A connection beside the pool, for a task that reads or writes rows by key."""
        return Lane(self.url, self.statement_timeout)

    @property
    def in_use(self) -> int:
        """Connections of the pool that are at work."""
        return self._pool.get_size() - self._pool.get_idle_size()

    @property
    def size(self) -> int:
        """Connections of the pool that are open."""
        return self._pool.get_size()

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection of the pool. Raises Unavailable where PostgreSQL is away."""
        with translated():
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT) as conn:
                try:
                    yield conn
                except TimeoutError:
                    conn.terminate()  # Else the pool waits for a server that does not answer to cancel it.
                    raise

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A connection of the pool in a transaction; committed at the end, rolled back on an exception."""
        async with self.connection() as conn, conn.transaction():
            yield conn


async def _keep(conn: Connection) -> None:
    """Nothing that we do leaves anything behind in a session, so none is reset on release."""
