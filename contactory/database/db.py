"""Connections to PostgreSQL: the only module that imports the driver."""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Protocol, TypeAlias

import asyncpg

from contactory.database.constraints import Violation
from contactory.database.shares import INTERNAL, Shares, Use
from contactory.rules.errors import TooSlow, Unavailable

Row: TypeAlias = Any


class Connection(Protocol):
    """The methods of a connection that stores use."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: Any) -> Row | None: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    def transaction(self) -> Any: ...
    def is_closed(self) -> bool: ...


# PostgreSQL is not available, is stopping, full or read-only: never the caller's fault.
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


class AnsweredMeanwhile(Exception):
    """Another transaction has kept the answer for the same Idempotency-Key (answers.py)."""


_ANSWERS = ("kept_answers", "idempotency_records")
# Two transactions collided; the one that failed can try again (SQLSTATE 40001, 40P01). A division by zero is
# the sign of a row that is not the one that the statement read (events/record.py).
COLLISION = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.DivisionByZeroError,
    AnsweredMeanwhile,
)
LOCK_TIMEOUT = asyncpg.LockNotAvailableError
MISREAD = asyncpg.InvalidTextRepresentationError
"""A statement reads a stored text as a number that is not one: the field has another type by now."""
REFUSED = asyncpg.PostgresError
"""All errors of PostgreSQL itself, including the ones above, so catch it after them."""

# Set by statements after connecting: a pooler refuses most of them as start parameters.
_SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
}
# All statements of the lanes are "a few rows by key". A plan from a time when the table was empty must not
# scan the table after it has grown, so the lanes allow no other way to reach a row.
NO_SCANS = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
_BY_KEY = {
    **NO_SCANS,
    "plan_cache_mode": "force_generic_plan",
    # A row that another transaction has locked must not hold up all later writes.
    "lock_timeout": "1s",
}
CONNECT_TIMEOUT = 3.0
_CLOSE_TIMEOUT = 2.0
LIFETIME = 3600.0
"""Seconds after which a connection is replaced, unless the settings differ."""
_TRY_AGAIN = 60.0
"""Seconds for which an old connection stays in use if a new one is not available."""
_BUSY = "Too many requests wait for the database: send fewer at once, and try again in a second."
_PROBES = 4
"""How many connections check that each has a session of its own."""


class SharedSession(Exception):
    """A pooler gives the session of a connection to other connections between transactions."""

    def __init__(self) -> None:
        super().__init__(
            "The pooler in front of the database gives each transaction another session, so that settings "
            "(above all synchronous_commit) and prepared statements are lost. Set pool_mode = session for "
            "this database, or set CONTACTORY_DATABASE_URL to PostgreSQL itself."
        )


class _Session(asyncpg.Connection):  # pyright: ignore[reportMissingTypeArgument]
    """A connection with an age limit."""

    __slots__ = ("old_at",)
    old_at: float
    """By the monotonic clock."""

    @property
    def is_old(self) -> bool:
        """Whether to replace it: the memory of PostgreSQL's process for a session only grows."""
        return self.old_at < time.monotonic()

    def grow_old_in(self, seconds: float) -> None:
        """Sets the age limit, plus or minus a fifth, so that not all are replaced at the same moment."""
        self.old_at = time.monotonic() + seconds * random.uniform(0.8, 1.2)  # noqa: S311


async def connect(url: str, statement_timeout: float = 0, session: Mapping[str, str] | None = None) -> Any:
    """A connection of its own; `statement_timeout` in seconds, 0 for none."""
    settings = {**_SESSION, **(session or {}), "statement_timeout": str(int(statement_timeout * 1000))}
    conn = await _open(
        url,
        # The server stops the statement first; this limit is for a server that no longer answers at all.
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
    """Raises SharedSession if a pooler does not keep a session for each connection (transaction mode).

    Several connections, one after the other, set a mark in their sessions, and each must find its own mark
    again. Shared sessions lose marks: there are fewer sessions, or other connections use them in between.
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
        # Without a transaction, a pooler may mix the messages of one statement with others.
        async with conn.transaction():
            return await conn.fetchval("select current_setting('contactory.session', true)")
    except asyncpg.PostgresConnectionError as error:
        if "transaction blocks" in str(error):  # PgBouncer in statement mode does not allow them.
            raise SharedSession from error
        raise


_closing: set[asyncio.Task[None]] = set()


def _close_soon(conn: Any) -> None:
    """Closes a connection with a goodbye message, in a task of its own."""
    task = asyncio.create_task(_close(conn))
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _close(conn: Any) -> None:
    with suppress(*AWAY):
        await conn.close(timeout=_CLOSE_TIMEOUT)


class Lane:
    """One connection for statements by key; opened when needed, and again when it is broken or old."""

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
        """Opens a new connection, or keeps the old one if that is not possible."""
        old = self._conn
        old.grow_old_in(_TRY_AGAIN)
        with suppress(*AWAY):
            self._conn = await self._open()
            _close_soon(old)

    def drop(self) -> None:
        """Drops a connection whose state is not known."""
        if self._conn is not None:
            self._conn.terminate()
            self._conn = None

    async def close(self) -> None:
        """Closes the connection with a goodbye message."""
        if self._conn is not None and not self._conn.is_closed():
            await self._conn.close(timeout=_CLOSE_TIMEOUT)


class translated:  # noqa: N801 - reads as a statement: `with translated():`
    """Turns driver errors in this block into problems: Unavailable, TooSlow, Violation."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, (*COLLISION, LOCK_TIMEOUT)):
            return
        if isinstance(error, asyncpg.UniqueViolationError):
            if (error.table_name or "").startswith(_ANSWERS):
                raise AnsweredMeanwhile from error
            raise Violation(error.constraint_name or "") from error
        if isinstance(error, asyncpg.QueryCanceledError):
            raise TooSlow from error
        if isinstance(error, AWAY):
            raise Unavailable from error


class Database:
    """The pool of one process: opens connections when needed, and uses the last used one next.

    Who may have one is decided by the shares of the workspaces (shares.py).

    The driver's own pool would cost 30 µs or more for every use, as much as a small statement. The package
    leaves no state behind in a session, so sessions need no reset between two uses.
    """

    def __init__(self, url: str, size: int, statement_timeout: float, lifetime: float = LIFETIME) -> None:
        self.url = url
        self.statement_timeout = statement_timeout
        self._lifetime = lifetime
        self.size = 0
        """Connections that are open or being opened."""
        self.server_version = ""
        """PostgreSQL's version, such as 18.6; empty before the first connection."""
        self._shares = Shares(size)
        self._idle: list[Any] = []

    async def close(self) -> None:
        """Closes the idle connections; the others end with the process."""
        for conn in self._idle:
            await conn.close(timeout=_CLOSE_TIMEOUT)
        self._idle.clear()
        await asyncio.gather(*_closing)

    def retire(self) -> None:
        """Closes old idle connections: rarely used ones would otherwise stay for ever."""
        old = [conn for conn in self._idle if conn.is_old]
        self._idle = [conn for conn in self._idle if not conn.is_old]
        for conn in old:
            _close_soon(conn)
            self.size -= 1

    def lane(self) -> Lane:
        """A connection outside the pool, for a task that reads or writes rows by key."""
        return Lane(self.url, self.statement_timeout, self._lifetime)

    @property
    def in_use(self) -> int:
        """Connections in use."""
        return self._shares.used

    @property
    def waiting(self) -> int:
        """How many uses wait for a connection."""
        return self._shares.waiting

    def connection(self, use: Use = INTERNAL) -> "Borrowed":
        """A connection of the pool. Raises Unavailable if PostgreSQL is away or all stay in use."""
        return Borrowed(self, self._shares, use)

    @asynccontextmanager
    async def transaction(self, use: Use = INTERNAL) -> AsyncGenerator[Connection]:
        """A connection of the pool in a transaction; committed at the end, rolled back on an exception."""
        async with self.connection(use) as conn, conn.transaction():
            yield conn

    async def take(self) -> Any:
        """A connection for a use that has entered the shares. Raises errors of the driver."""
        while self._idle:
            conn = self._idle.pop()
            if not conn.is_closed():
                return conn
            self.size -= 1
        self.size += 1
        try:
            conn = await connect(self.url, self.statement_timeout)
        except BaseException:
            self.size -= 1
            raise
        version = conn.get_server_version()
        self.server_version = f"{version.major}.{version.minor}"
        conn.grow_old_in(self._lifetime)
        return conn

    def give(self, conn: Any) -> None:
        """Takes a connection back."""
        if conn.is_closed() or conn.is_in_transaction():
            conn.terminate()
            self.size -= 1
        elif conn.is_old:
            _close_soon(conn)
            self.size -= 1
        else:
            self._idle.append(conn)


class Borrowed:
    """A connection of the pool for a block; `asynccontextmanager` would cost 10 µs per use."""

    __slots__ = ("_begun", "_conn", "_database", "_shares", "_slow", "_use")

    def __init__(self, database: Database, shares: Shares, use: Use) -> None:
        self._database = database
        self._shares = shares
        self._use = use

    async def __aenter__(self) -> Connection:
        try:
            self._slow = await self._shares.enter(self._use)
        except TimeoutError:
            raise Unavailable(_BUSY) from None
        with translated():
            try:
                self._conn = await self._database.take()
            except BaseException:
                self._shares.leave(self._use, self._slow, 0)
                raise
        self._begun = time.monotonic()
        return self._conn

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, TimeoutError):
            self._conn.terminate()  # Otherwise it would wait for a server that does not answer.
        self._database.give(self._conn)
        self._shares.leave(self._use, self._slow, time.monotonic() - self._begun)
        translated().__exit__(kind, error, trace)
