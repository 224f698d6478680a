"""What a write of contacts needs to know: who writes, and with what. The API, pages and jobs provide it."""

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


class Shared(Protocol):
    """What all writes of contacts in one process share."""

    settings: Settings
    catalogs: Catalogs
    search: SearchIndex
    contacts: Reader
    changes: Writer[Change, Outcome]
    creates: Writer[NewContact, NewContact | None]


class WriteContext(Origin, frozen=True):
    """The origin of a write, its unit of work, and what the process shares."""

    work: UnitOfWork
    shared: Shared
    touched: list[str]
    """Collects the ids of the contacts that were written."""
