"""Settings and results of statements."""

from contactory.database.db import NO_SCANS, Connection

# Otherwise the planner may read and sort all remaining rows for each piece of a walk by key.
_IN_ORDER = {**NO_SCANS, "enable_bitmapscan": "off", "enable_sort": "off"}


async def by_key(conn: Connection) -> None:
    """Makes the statements of this transaction read rows by key, in the order of the keys."""
    await conn.execute("; ".join(f"set local {name} = '{value}'" for name, value in _IN_ORDER.items()))


def affected(status: str) -> int:
    """The number of rows that a statement has changed, from the result of `execute`, such as `DELETE 5`."""
    return int(status.rpartition(" ")[2])
