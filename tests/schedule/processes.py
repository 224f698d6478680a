"""Server processes of a kind, which do nothing but one recurring job, and can be killed."""

import asyncio
import sys

from contactory.database.db import Database
from contactory.schedule.job import Job, Piece
from contactory.schedule.runner import Schedule


async def main(url: str, name: str, mode: str) -> None:
    """Runs the job `name` for ever; each piece of it prints a line. `long`: a piece takes a minute."""
    db = Database(url, 4, 30)

    async def piece() -> Piece:
        sys.stdout.write("piece\n")
        sys.stdout.flush()
        await asyncio.sleep(60 if mode == "long" else 0.01)
        return Piece(1, more=True)

    schedule = Schedule(db, [Job(name, 0.2, piece, alone=True)], lambda: False)
    schedule.start()
    try:
        await asyncio.sleep(600)
    finally:
        await schedule.stop()
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
