"""Writing contacts on behalf of a call."""

from functools import partial

from contactory.contacts.api.answers import answer
from contactory.contacts.api.services import services_of
from contactory.contacts.model import Contact
from contactory.contacts.write.commands import Written
from contactory.contacts.write.context import Keyed, WriteContext
from contactory.database.answers import Answer
from contactory.web.operations import Call


def context_of(call: Call) -> WriteContext:
    """The call in the form of the write side."""
    keyed = None if call.claim is None else Keyed(call.claim, partial(_created, call))
    services, request_id = services_of(call), call.request.request_id
    return WriteContext(call.actor, request_id, call.work, services, call.touched, keyed)


def _created(call: Call, contact: Contact) -> Answer:
    """The answer to the creation of a contact."""
    response = answer(call, Written(contact, 1, created=True))
    return Answer(response.status, response.headers, response.body)
