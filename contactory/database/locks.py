"""Changes of tables that servers are using."""

import asyncio
from collections.abc import Callable
from typing import Any

from contactory.database.db import LOCK_TIMEOUT, Connection

_WAIT = "300ms"
_REST, _LONGEST_REST = 0.3, 5.0  # Seconds between two attempts; each pause is longer than the one before.


async def patiently(
    conn: Connection, statements: list[tuple[str, *tuple[Any, ...]]], say: Callable[[str], None]
) -> None:
    """Executes statements, each with its arguments, in one transaction.

    A statement that waits for a lock on a table blocks all later statements on it. So it stops waiting soon,
    and the transaction is retried until it gets the lock.
    """
    rest = _REST
    while True:
        try:
            async with conn.transaction():
                await conn.execute(f"set local lock_timeout = '{_WAIT}'")
                for text, *arguments in statements:
                    await conn.execute(text, *arguments)
                return
        except LOCK_TIMEOUT:
            if rest == _LONGEST_REST:
                say("  waiting for other transactions, a vacuum or a backup to release the table")
            await asyncio.sleep(rest)
            rest = min(_LONGEST_REST, rest * 1.5)
