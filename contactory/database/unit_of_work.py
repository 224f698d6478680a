"""A unit of work: what one call does in the database, and in memory once that is committed.

What a write leaves in memory (a note for the search, a catalogue to be read anew, a key to be forgotten) must
not be there before its commit: another task would look too early, keep what it finds, and never look again.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext

from contactory.database.db import Connection, Database, translated

Action = Callable[[], object]


class UnitOfWork:
    """As a rule each statement or transaction commits by itself; within `whole` or `undone` all are one."""

    __slots__ = ("_actions", "_db", "conn")

    def __init__(self, db: Database) -> None:
        self._db = db
        self._actions: list[Action] | None = None
        self.conn: Connection | None = None
        """The transaction that everything runs in; None where each part commits by itself."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """The connection of the whole transaction, or else one of the pool."""
        return self._db.connection() if self.conn is None else nullcontext(self.conn)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction of its own, or a part of the whole that can be rolled back by itself."""
        waiting = len(self._actions or ())
        try:
            async with self.connection() as conn, conn.transaction():
                yield conn
        except BaseException:
            if self._actions:
                del self._actions[waiting:]
            raise

    def after_commit(self, action: Action) -> None:
        """Does `action` once what has been written is committed, or never where it is rolled back.

        To be called after the write, outside the block of its `transaction()`. Where that has committed by
        itself, which a write through a queue has too, `action` is done at once.
        """
        if self._actions is None:
            action()
        else:
            self._actions.append(action)

    @asynccontextmanager
    async def whole(self) -> AsyncGenerator[Connection]:
        """Makes one transaction of all that is done in the block; after its commit come the actions."""
        async with self._db.transaction() as conn:
            with self._within(conn) as actions:
                yield conn
        for action in actions:
            action()

    @asynccontextmanager
    async def undone(self) -> AsyncGenerator[Connection]:
        """Makes one transaction of all that is done in the block, and rolls it back: nothing is kept."""
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
