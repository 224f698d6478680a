"""What statements need beside their text and their arguments."""

from contactory.database.db import NO_SCANS, Connection

# Else a walk by key in pieces may find it cheaper to read and sort all that is left, for each piece anew.
_IN_ORDER = {**NO_SCANS, "enable_bitmapscan": "off", "enable_sort": "off"}


async def by_key(conn: Connection) -> None:
    """Has the statements of the present transaction reach rows by their keys, in the order of these."""
    await conn.execute("; ".join(f"set local {name} = '{value}'" for name, value in _IN_ORDER.items()))


def affected(status: str) -> int:
    """How many rows a statement has changed, by what `execute` gives, as in `DELETE 5`."""
    return int(status.rpartition(" ")[2])
