"""Reads contacts by id, phone or e-mail: reads that wait at the same moment share one statement."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TypeAlias

from contactory.contacts.read.by_key import Key, read_by_email, read_by_phone, read_many
from contactory.database.db import AWAY, Connection, Lane, Row
from contactory.rules.errors import NotFound, Unavailable

_BATCH = 128
Wanted: TypeAlias = "dict[Key, list[asyncio.Future[Row | None]]]"
"""The callers that wait for each row."""
Read: TypeAlias = Callable[[Connection, Sequence[Key]], Awaitable[dict[Key, Row]]]


class Reader:
    """Reads contacts through its own lanes, so that reads never wait behind writes."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._idle = list(lanes)
        self._wanted: dict[Read, Wanted] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, workspace_id: str, contact_id: str) -> Row | None:
        """The contact's row, deleted or not, or None if the contact does not exist."""
        return await self._row(read_many, (workspace_id, contact_id))

    async def active(self, workspace_id: str, contact_id: str, *, deleted_too: bool = False) -> Row:
        """The row of an active contact, or of a deleted one where that is wanted too. Raises NotFound."""
        row = await self.get(workspace_id, contact_id)
        if row is None or (row["deleted_at"] is not None and not deleted_too):
            raise NotFound
        return row

    async def by_phone(self, workspace_id: str, phone: str) -> Row | None:
        """The row of the active contact that has this phone (E.164), or None."""
        return await self._row(read_by_phone, (workspace_id, phone))

    async def by_email(self, workspace_id: str, email_key: str) -> Row | None:
        """The row of the active contact whose e-mail has this key, or None."""
        return await self._row(read_by_email, (workspace_id, email_key))

    async def _row(self, read: Read, key: Key) -> Row | None:
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(read, {}).setdefault(key, []).append(future)
        if self._idle:
            task = asyncio.create_task(self._work(self._idle.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _work(self, lane: Lane) -> None:
        try:
            while self._wanted:
                read, taken = self._take()
                try:
                    rows = await _rows(lane, read, list(taken))
                except Unavailable:
                    for future in _waiting(taken.values()):
                        future.set_exception(Unavailable())
                except Exception as error:
                    for future in _waiting(taken.values()):
                        future.set_exception(error)
                else:
                    for key, futures in taken.items():
                        for future in _waiting([futures]):
                            future.set_result(rows.get(key))
        finally:
            self._idle.append(lane)

    def _take(self) -> tuple[Read, Wanted]:
        """A batch of requests with the same kind of key; the kinds take turns."""
        read = next(iter(self._wanted))
        waiting = self._wanted.pop(read)
        taken = {key: waiting.pop(key) for key in list(islice(waiting, _BATCH))}
        if waiting:
            self._wanted[read] = waiting
        return read, taken


def _waiting(
    futures: "Iterable[list[asyncio.Future[Row | None]]]",
) -> "list[asyncio.Future[Row | None]]":
    """The futures whose callers still wait."""
    return [future for several in futures for future in several if not future.done()]


async def _rows(lane: Lane, read: Read, keys: list[Key]) -> dict[Key, Row]:
    try:
        return await read(await lane.connection(), keys)
    except TimeoutError as error:
        lane.drop()
        raise Unavailable from error
    except AWAY:
        lane.drop()  # It may have been broken for a long time, so try the read again on a new one.
    try:
        return await read(await lane.connection(), keys)
    except AWAY as error:
        lane.drop()
        raise Unavailable from error
