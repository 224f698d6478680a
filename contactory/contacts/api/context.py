"""Writing contacts on behalf of a call."""

from contactory.contacts.api.services import services_of
from contactory.contacts.write.context import WriteContext
from contactory.web.operations import Call


def context_of(call: Call) -> WriteContext:
    """The call in the form of the write side."""
    return WriteContext(call.actor, call.request.request_id, call.work, services_of(call), call.touched)
