"""The look-up while the phone rings: who has this phone or this e-mail, in one read."""

import msgspec

from contactory.catalog import Catalog
from contactory.checks import ID, Errors, said
from contactory.contacts.api import etag
from contactory.contacts.consent import Consent, show_consent
from contactory.contacts.lists import EMAIL_FILTER, PHONE_FILTER, parse_address
from contactory.contacts.model import Contact
from contactory.contacts.writing import show
from contactory.db import Row
from contactory.errors import NotFound
from contactory.http import Response, json_response
from contactory.invalid import Invalid
from contactory.operations import Call

LOOKUP_QUERY = {
    "workspaceId": ID,
    "phone": said(PHONE_FILTER, "The phone, in any writing; either this or email."),
    "email": said(EMAIL_FILTER, "The e-mail; either this or phone."),
}


class Lookup(msgspec.Struct):
    """A contact, and what is known besides of whether it may be contacted."""

    contact: Contact
    consent: Consent


async def lookup_contact(call: Call) -> Response:
    """The active contact with this phone, or else with this e-mail, and its consent."""

    async def attempt(catalog: Catalog) -> Response:
        row = await _find(call, catalog)
        if row is None:
            raise NotFound
        contact = await show(call, row, row["id"], catalog)
        found = Lookup(contact, show_consent(row["consent"]))
        return json_response(200, found, [etag(row["version"])])

    return await call.by_catalog(call.query.get("workspaceId"), attempt)


async def _find(call: Call, catalog: Catalog) -> Row | None:
    errors = Errors()
    phone, email_key = parse_address(call, catalog, errors)
    if "phone" not in call.query and "email" not in call.query:
        errors.add_parameter("phone", Invalid("required", "or email is required, to find the contact by"))
    if "phone" in call.query and "email" in call.query:
        errors.add_parameter("email", Invalid("not_here", "goes without phone: they may be of two contacts"))
    errors.check()
    if phone is not None:
        return await call.app.contacts.by_phone(catalog.workspace_id, phone)
    return await call.app.contacts.by_email(catalog.workspace_id, email_key or "")
