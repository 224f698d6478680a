"""The look-up of a contact by phone or e-mail, in one read."""

import msgspec

from contactory.catalog.calls import catalogs_of, in_query, with_catalog
from contactory.catalog.catalog import Catalog
from contactory.catalog.windows import usual_schedules
from contactory.contacts.api.many import EMAIL_FILTER, PHONE_FILTER
from contactory.contacts.api.one import etag
from contactory.contacts.api.services import services_of
from contactory.contacts.consent import Consent, show_consent
from contactory.contacts.model import Contact
from contactory.contacts.objections import objections_to
from contactory.contacts.read.filter_url import parse_address
from contactory.contacts.read.show import show
from contactory.contacts.read.verdicts import LookupAvailability, verdicts_now
from contactory.database.db import Row
from contactory.rules.checks import ID, Errors, described
from contactory.rules.errors import NotFound
from contactory.rules.invalid import Invalid
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

LOOKUP_QUERY = {
    "workspaceId": ID,
    "phone": described(PHONE_FILTER, "The phone, in any format; either this or email."),
    "email": described(EMAIL_FILTER, "The e-mail; either this or phone."),
}


class Lookup(msgspec.Struct):
    """A contact, its consent, and whether it may be contacted now."""

    contact: Contact
    consent: Consent
    availability: LookupAvailability


@with_catalog(in_query)
async def lookup_contact(call: Call, catalog: Catalog) -> Response:
    """The active contact with this phone or e-mail, its consent and its availability."""
    phone, email_key = _asked(call, catalog)
    row = await _find(call, catalog, phone, email_key)
    if row is None:
        raise await _not_found(call, catalog, phone, email_key)
    contact = await show(catalogs_of(call), catalog, row, row["id"])
    found = _Found(contact, show_consent(row["consent"]), verdicts_now(row, usual_schedules(catalog)))
    return json_response(200, found, [etag(row["version"])])


class _Found(msgspec.Struct):
    """A Lookup with the availability as JSON."""

    contact: Contact
    consent: Consent
    availability: msgspec.Raw


def _asked(call: Call, catalog: Catalog) -> tuple[str | None, str | None]:
    """The phone or the key of the e-mail to look up."""
    errors = Errors()
    phone, email_key = parse_address(call.query, catalog, errors)
    if "phone" not in call.query and "email" not in call.query:
        errors.add_parameter("phone", Invalid("required", "or email is required, to find the contact by"))
    if "phone" in call.query and "email" in call.query:
        errors.add_parameter(
            "email",
            Invalid("not_here", "is not possible together with phone: they may belong to two contacts"),
        )
    errors.check()
    return phone, email_key


async def _find(call: Call, catalog: Catalog, phone: str | None, email_key: str | None) -> Row | None:
    if phone is not None:
        return await services_of(call).contacts.by_phone(catalog.workspace_id, phone)
    return await services_of(call).contacts.by_email(catalog.workspace_id, email_key or "")


async def _not_found(call: Call, catalog: Catalog, phone: str | None, email_key: str | None) -> NotFound:
    async with call.connection() as conn:
        if await objections_to(conn, catalog.workspace_id, phone, email_key):
            return NotFound("No contact has it. A deleted contact that had it objected to being contacted.")
    return NotFound()
