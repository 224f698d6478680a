"""Changes of tables that others are using."""

import asyncio
from collections.abc import Callable
from typing import Any

from contactory.database.db import LOCK_TIMEOUT, Connection

_WAIT = "300ms"
_REST, _LONGEST_REST = 0.3, 5.0  # Seconds between two tries; each rest is longer than the one before.


async def patiently(
    conn: Connection, statements: list[tuple[str, *tuple[Any, ...]]], say: Callable[[str], None]
) -> None:
    """Executes statements, each with its arguments, in one transaction.

    A statement that waits for a lock on a table holds up all that want to use the table after it. So it gives
    up soon, and the transaction is tried again until there is a moment for it.
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
                say("  waiting for a moment in which no transaction, vacuum or backup is using the table")
            await asyncio.sleep(rest)
            rest = min(_LONGEST_REST, rest * 1.5)
