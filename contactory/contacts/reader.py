"""Reading contacts by id: reads that wait at the same moment share one statement."""

import asyncio
from collections.abc import Sequence
from typing import Any

from contactory.contacts.store import read_many
from contactory.db import AWAY, Lane
from contactory.errors import Unavailable

_BATCH = 128
Key = tuple[str, str]


class Reader:
    """Reads contacts through lanes of their own, so that no read waits behind a write."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._lanes = lanes
        self._idle = list(lanes)
        self._wanted: dict[Key, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, workspace_id: str, contact_id: str) -> Any:
        """The contact's row, deleted or not, or None where there is no such contact."""
        key = (workspace_id, contact_id)
        future = self._wanted.get(key)
        if future is None:
            future = self._wanted[key] = asyncio.get_running_loop().create_future()
            if self._idle:
                task = asyncio.create_task(self._read(self._idle.pop()))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(future)

    async def _read(self, lane: Lane) -> None:
        try:
            while self._wanted:
                keys = list(self._wanted)[:_BATCH]
                taken = {key: self._wanted.pop(key) for key in keys}
                try:
                    rows = await _rows(lane, keys)
                except Exception as error:
                    for future in taken.values():
                        future.set_exception(error)
                    continue
                for key, future in taken.items():
                    future.set_result(rows.get(key))
        finally:
            self._idle.append(lane)


async def _rows(lane: Lane, keys: list[Key]) -> dict[Key, Any]:
    try:
        return await read_many(await lane.connection(), keys)
    except TimeoutError as error:
        lane.drop()
        raise Unavailable from error
    except AWAY:
        lane.drop()  # It may have been broken for long, so a read is worth a second try on a new one.
    try:
        return await read_many(await lane.connection(), keys)
    except AWAY as error:
        lane.drop()
        raise Unavailable from error
