"""Reads contacts by id, phone or e-mail, and pages of them: reads that wait at the same moment share one
statement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain, islice, zip_longest
from typing import Any, NamedTuple, TypeAlias

from contactory.contacts.read.by_key import read_by_email, read_by_phone, read_many
from contactory.contacts.read.plain import PAGES, READ, PlainPage
from contactory.database.db import AWAY, Connection, Lane, Row
from contactory.rules.errors import NotFound, Unavailable

_BATCH = 128
Key: TypeAlias = "tuple[str, *tuple[Any, ...]]"
"""What is read, by which the result is found again. It begins with the workspace."""
Wanted: TypeAlias = "dict[Key, list[asyncio.Future[Any]]]"
"""The callers that wait for each result."""


class Kind(NamedTuple):
    """Reads that can share a statement."""

    read: Callable[[Connection, Sequence[Any]], Awaitable[dict[Any, Any]]]
    batch: int = _BATCH
    """How many share one."""
    alone: bool = False
    """Whether only one lane at a time reads such kinds, so that the other one is free for what takes less."""


_BY_ID, _BY_PHONE, _BY_EMAIL = Kind(read_many), Kind(read_by_phone), Kind(read_by_email)
_PAGES = {sort: Kind(read, PAGES, alone=True) for sort, read in READ.items()}


class Reader:
    """Reads contacts through its own lanes, so that reads never wait behind writes."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._idle = list(lanes)
        self._wanted: dict[Kind, Wanted] = {}
        self._alone = False
        """Whether a lane reads a kind that is `alone`."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def get(self, workspace_id: str, contact_id: str) -> Row | None:
        """The contact's row, deleted or not, or None if the contact does not exist."""
        return await self._result(_BY_ID, (workspace_id, contact_id))

    async def active(self, workspace_id: str, contact_id: str, *, deleted_too: bool = False) -> Row:
        """The row of an active contact, or of a deleted one where that is wanted too. Raises NotFound."""
        row = await self.get(workspace_id, contact_id)
        if row is None or (row["deleted_at"] is not None and not deleted_too):
            raise NotFound
        return row

    async def by_phone(self, workspace_id: str, phone: str) -> Row | None:
        """The row of the active contact that has this phone (E.164), or None."""
        return await self._result(_BY_PHONE, (workspace_id, phone))

    async def by_email(self, workspace_id: str, email_key: str) -> Row | None:
        """The row of the active contact whose e-mail has this key, or None."""
        return await self._result(_BY_EMAIL, (workspace_id, email_key))

    async def page(self, page: PlainPage) -> str:
        """The contacts of a page, as text (see plain.contacts_of)."""
        return await self._result(_PAGES[page.sort], page)

    async def _result(self, kind: Kind, key: Key) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(kind, {}).setdefault(key, []).append(future)
        if self._idle and self._may_read(kind):
            task = asyncio.create_task(self._work(self._idle.pop()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _work(self, lane: Lane) -> None:
        try:
            while (kind := self._next_kind()) is not None:
                taken = self._take(kind)
                try:
                    results = await _results(lane, kind, list(taken))
                except Unavailable:
                    for future in _waiting(taken.values()):
                        future.set_exception(Unavailable())
                except Exception as error:
                    for future in _waiting(taken.values()):
                        future.set_exception(error)
                else:
                    for key, futures in taken.items():
                        for future in _waiting([futures]):
                            future.set_result(results.get(key))
                finally:
                    self._alone = self._alone and not kind.alone
        finally:
            self._idle.append(lane)

    def _next_kind(self) -> Kind | None:
        """The kind that waits longest and may be read now."""
        return next((kind for kind in self._wanted if self._may_read(kind)), None)

    def _may_read(self, kind: Kind) -> bool:
        return not (kind.alone and self._alone)

    def _take(self, kind: Kind) -> Wanted:
        """A batch of the reads of a kind; the kinds take turns, and in a larger crowd the workspaces too."""
        waiting = self._wanted.pop(kind)
        self._alone = self._alone or kind.alone
        if len(waiting) <= kind.batch:
            return waiting
        taken = {key: waiting.pop(key) for key in _in_turn(waiting, kind.batch)}
        self._wanted[kind] = waiting
        return taken


def _in_turn(keys: Iterable[Key], most: int) -> list[Key]:
    """The first keys, one of each workspace in each round."""
    by_workspace: dict[str, list[Key]] = {}
    for key in keys:
        by_workspace.setdefault(key[0], []).append(key)
    rounds = chain.from_iterable(zip_longest(*by_workspace.values()))
    return [*islice((key for key in rounds if key is not None), most)]


def _waiting(
    futures: "Iterable[list[asyncio.Future[Any]]]",
) -> "list[asyncio.Future[Any]]":
    """The futures whose callers still wait."""
    return [future for several in futures for future in several if not future.done()]


async def _results(lane: Lane, kind: Kind, keys: list[Key]) -> dict[Key, Any]:
    try:
        return await kind.read(await lane.connection(), keys)
    except TimeoutError as error:
        lane.drop()
        raise Unavailable from error
    except AWAY:
        lane.drop()  # It may have been broken for a long time, so try the read again on a new one.
    try:
        return await kind.read(await lane.connection(), keys)
    except AWAY as error:
        lane.drop()
        raise Unavailable from error
