"""On whose behalf contacts are written, and by what means: of a call of the API, of a page, of a job."""

from typing import Protocol

from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalogs
from contactory.contacts.read.reader import Reader
from contactory.contacts.read.search import SearchIndex
from contactory.contacts.write.change import Change, Origin, Outcome
from contactory.contacts.write.create import NewContact
from contactory.contacts.write.queue import Writer
from contactory.database.unit_of_work import UnitOfWork


class Shared(Protocol):
    """What all who write contacts in one process share."""

    settings: Settings
    catalogs: Catalogs
    search: SearchIndex
    contacts: Reader
    changes: Writer[Change, Outcome]
    creates: Writer[NewContact, NewContact | None]


class WriteContext(Origin, frozen=True):
    """Who writes, the transaction or the lack of one, and what the process shares."""

    work: UnitOfWork
    shared: Shared
    touched: list[str]
    """Gathers the ids of the contacts that were written."""
