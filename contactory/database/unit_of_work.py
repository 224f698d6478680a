"""A unit of work: the writes of one call in the database, and their effects in memory after the commit.

Effects in memory (a note for the search, a catalogue to read again, a key to forget) must not happen before
the commit: another task would read too early, keep the old state, and never read again.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext

from contactory.database.db import Connection, Database, translated
from contactory.database.shares import Use

Action = Callable[[], object]


class UnitOfWork:
    """Usually each statement or transaction commits by itself; within `whole` or `undone` all are one."""

    __slots__ = ("_actions", "_db", "conn", "kind", "owner")

    def __init__(self, db: Database, owner: str | None = None, kind: str = "") -> None:
        self._db = db
        self.owner = owner
        self.kind = kind
        """Whose work it is, and what kind of work, for the share of the connections (shares.Use)."""
        self._actions: list[Action] | None = None
        self.conn: Connection | None = None
        """The transaction of the whole call; None if each part commits by itself."""

    def connection(self, kind: str = "") -> AbstractAsyncContextManager[Connection]:
        """The connection of the whole transaction, otherwise one of the pool.

        `kind` tells apart what may take much longer than the rest of the work.
        """
        if self.conn is not None:
            return nullcontext(self.conn)
        return self._db.connection(Use(self.owner, f"{self.kind} {kind}" if kind else self.kind))

    @property
    def use(self) -> Use:
        """What its connections are for."""
        return Use(self.owner, self.kind)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A new transaction, or a part of the whole one that can be rolled back by itself."""
        waiting = len(self._actions or ())
        try:
            async with self.connection() as conn, conn.transaction():
                yield conn
        except BaseException:
            if self._actions:
                del self._actions[waiting:]
            raise

    def after_commit(self, action: Action) -> None:
        """Runs `action` after the commit of the writes, or never after a rollback.

        Call it after the write, outside the block of its `transaction()`. If the write has already committed,
        like every write through a queue, `action` runs at once.
        """
        if self._actions is None:
            action()
        else:
            self._actions.append(action)

    @asynccontextmanager
    async def whole(self) -> AsyncGenerator[Connection]:
        """Makes the block one transaction; the actions run after its commit."""
        async with self._db.transaction(self.use) as conn:
            with self._within(conn) as actions:
                yield conn
        for action in actions:
            action()

    @asynccontextmanager
    async def undone(self) -> AsyncGenerator[Connection]:
        """Makes the block one transaction, and rolls it back: nothing is stored."""
        async with self._db.connection(self.use) as conn:
            transaction = conn.transaction()
            await transaction.start()
            try:
                with translated(), self._within(conn):
                    yield conn
            finally:
                await transaction.rollback()

    @contextmanager
    def _within(self, conn: Connection) -> Generator[list[Action]]:
        actions = self._actions = []
        self.conn = conn
        try:
            yield actions
        finally:
            self.conn = self._actions = None
