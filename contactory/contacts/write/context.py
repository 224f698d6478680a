"""The context of a write: the actor, the transaction and the shared services, for calls, pages and jobs."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from contactory.base.settings import Settings
from contactory.catalog.catalog import Catalogs
from contactory.contacts.model import Contact
from contactory.contacts.read.reader import Reader
from contactory.contacts.read.search import SearchIndex
from contactory.contacts.write.change import Change, Outcome
from contactory.contacts.write.create import NewContact
from contactory.contacts.write.draft import Origin
from contactory.contacts.write.queue import Writer
from contactory.database.answers import Answer, Claim
from contactory.database.unit_of_work import UnitOfWork


class WriteServices(Protocol):
    """The services that all writes in one process share."""

    settings: Settings
    catalogs: Catalogs
    search: SearchIndex
    contacts: Reader
    changes: Writer[Change, Outcome]
    creates: Writer[NewContact, NewContact | None]


class Keyed(NamedTuple):
    """An Idempotency-Key, and what is kept for it."""

    claim: Claim
    created: Callable[[Contact], Answer]
    """The answer if the request creates a contact; a change has its answer from PostgreSQL."""


class WriteContext(Origin, frozen=True):
    """The actor, the transaction if there is one, and the shared services."""

    work: UnitOfWork
    shared: WriteServices
    touched: list[str]
    """Collects the ids of the written contacts."""
    keyed: Keyed | None = None
    """If the write itself keeps the answer for an Idempotency-Key."""
