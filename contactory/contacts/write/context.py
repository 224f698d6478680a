"""The context of a write: the actor, the transaction and the shared services, for calls, pages and jobs."""

from typing import Protocol

from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalogs
from contactory.contacts.read.reader import Reader
from contactory.contacts.read.search import SearchIndex
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.create import NewContact
from contactory.contacts.write.draft import Origin
from contactory.contacts.write.queue import Writer
from contactory.database.unit_of_work import UnitOfWork


class WriteServices(Protocol):
    """The services that all writes in one process share."""

    settings: Settings
    catalogs: Catalogs
    search: SearchIndex
    contacts: Reader
    changes: Writer[Change, Outcome]
    creates: Writer[NewContact, NewContact | None]


class WriteContext(Origin, frozen=True):
    """The actor, the transaction if there is one, and the shared services."""

    work: UnitOfWork
    shared: WriteServices
    touched: list[str]
    """Collects the ids of the written contacts."""
