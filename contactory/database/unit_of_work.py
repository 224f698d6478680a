"""A unit of work: what one call does in the database, and in memory after the commit.

A write must not change the memory of the process before its commit (a note for the search, a catalogue to
read again, a key to forget): another task would read the old state from the database and keep it.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext

from contactory.database.db import Connection, Database, translated

Action = Callable[[], object]


class UnitOfWork:
    """Usually each statement or transaction commits on its own; inside `whole` or `undone` all are one."""

    __slots__ = ("_actions", "_db", "conn")

    def __init__(self, db: Database) -> None:
        self._db = db
        self._actions: list[Action] | None = None
        self.conn: Connection | None = None
        """The transaction in which everything runs; None while each part commits on its own."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """The connection of the whole transaction, or else one from the pool."""
        return self._db.connection() if self.conn is None else nullcontext(self.conn)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction of its own, or a part of the whole that can be rolled back alone."""
        waiting = len(self._actions or ())
        try:
            async with self.connection() as conn, conn.transaction():
                yield conn
        except BaseException:
            if self._actions:
                del self._actions[waiting:]
            raise

    def after_commit(self, action: Action) -> None:
        """Calls `action` after the commit of what has been written; never, if that is rolled back.

        Call this after the write, outside the block of its `transaction()`: if that has committed on its own,
        as a write through a queue does too, `action` is called at once.
        """
        if self._actions is None:
            action()
        else:
            self._actions.append(action)

    @asynccontextmanager
    async def whole(self) -> AsyncGenerator[Connection]:
        """One transaction around everything in the block; after its commit the actions are called."""
        async with self._db.transaction() as conn:
            with self._within(conn) as actions:
                yield conn
        for action in actions:
            action()

    @asynccontextmanager
    async def undone(self) -> AsyncGenerator[Connection]:
        """One transaction around everything in the block, which is rolled back: nothing is kept."""
        async with self._db.connection() as conn:
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
