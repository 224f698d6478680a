"""The objects that all reads and writes of contacts in one process share: queues, lanes and caches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from contactory.base.caches import LeastRecentlyUsed, SharedReads
from contactory.base.metrics import BATCH
from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalogs
from contactory.contacts.read.pages import Pages
from contactory.contacts.read.reader import Reader
from contactory.contacts.read.search import SearchIndex
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.create import CreateLane, NewContact
from contactory.contacts.write.lanes import ChangeLane
from contactory.contacts.write.queue import Writer
from contactory.database.db import Database
from contactory.web.messages import Response
from contactory.web.operations import Call

_READ_LANES = 2
_CREATE_LANES = 2
_WORKSPACES = 50_000


class ContactServices:
    """Created once per process."""

    def __init__(self, db: Database, settings: Settings, catalogs: Catalogs) -> None:
        self.settings = settings
        self.catalogs = catalogs
        self.search = SearchIndex()
        self.workspaces: LeastRecentlyUsed[tuple[str, str, str], str] = LeastRecentlyUsed(_WORKSPACES)
        """The workspace of a contact, which never changes, by account, mode and contact."""
        self.lists: SharedReads[tuple[str, int, str, str], Response] = SharedReads()
        """Pages of lists that are being read, by workspace, version of its catalogue, address, and query."""
        self._lanes = [db.lane() for _ in range(settings.writers + _CREATE_LANES + _READ_LANES)]
        change_lanes, rest = self._lanes[: settings.writers], self._lanes[settings.writers :]
        self.changes: Writer[Change, Outcome] = Writer(
            [_measured(ChangeLane(lane, settings)) for lane in change_lanes],
            settings.write_batch,
            settings.write_queue,
        )
        self.creates: Writer[NewContact, NewContact | None] = Writer(
            [CreateLane(lane, settings) for lane in rest[:_CREATE_LANES]],
            settings.write_batch,
            settings.write_queue,
        )
        self.contacts = Reader(rest[_CREATE_LANES:])
        self.pages = Pages(self.contacts, catalogs)

    @property
    def waiting(self) -> int:
        """How many writes wait for a lane."""
        return self.changes.waiting + self.creates.waiting

    def start(self) -> None:
        """Starts the queues."""
        self.changes.start()
        self.creates.start()

    async def stop(self) -> None:
        """Finishes the accepted writes."""
        await asyncio.gather(self.changes.stop(), self.creates.stop())

    async def close(self) -> None:
        """Closes the connections."""
        for lane in self._lanes:
            await lane.close()


def services_of(call: Call) -> ContactServices:
    """The services that a call about contacts uses."""
    return call.app.part(ContactServices)


def _measured(lane: ChangeLane) -> Callable[[Sequence[Change]], Awaitable[list[Outcome]]]:
    async def commit(changes: Sequence[Change]) -> list[Outcome]:
        BATCH.observe(len(changes))
        return await lane(changes)

    return commit
