"""The answer with one contact after a write."""

from contactory.contacts.write.commands import Written
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call


def etag(version: int) -> tuple[str, str]:
    """The header with a contact's version."""
    return "etag", f'"{version}"'


def answer(call: Call, written: Written) -> Response:
    """A contact after a write, with its ETag."""
    headers = [etag(written.version)]
    if written.created:
        headers.append(("location", call.url(f"/v1/contacts/{written.contact.id}")))
    return json_response(201 if written.created else 200, written.shown, headers)
