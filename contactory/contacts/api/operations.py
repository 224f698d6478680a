"""The operations on contacts: their rows of the table."""

from contactory.contacts import schemas
from contactory.contacts.api import batch, lookup, many, one
from contactory.contacts.consent import CONSENT, CONSENT_SCHEMA, UPSERTED_CONSENT_SCHEMA, Consent
from contactory.contacts.model import NAME, Contact, ContactIncluded
from contactory.contacts.read.history import Event
from contactory.rules.checks import BLANK, BOOLEAN, WORKSPACE_ID, Form, Rule, described, unchecked
from contactory.values.email import EMAIL
from contactory.values.phones import PHONE
from contactory.values.timezones import TIMEZONE
from contactory.web.operations import Operation


def _or_blank(rule: Rule) -> Rule:
    """An upsert accepts an empty string for everything, and ignores it."""
    return unchecked({"anyOf": [rule.schema, BLANK]})


FIELDS = {
    "firstName": unchecked({**NAME.schema, "examples": ["Jane"]}),
    "lastName": unchecked({**NAME.schema, "examples": ["Doe"]}),
    "email": unchecked(EMAIL),
    "phone": unchecked(PHONE),
    "timezone": TIMEZONE,
    "tags": unchecked(schemas.TAGS),
    "customFields": unchecked(schemas.CUSTOM_FIELDS),
    "consent": unchecked(CONSENT_SCHEMA),
}
_PATCH = Form(FIELDS, some=True)
_CREATE = Form({"workspaceId": WORKSPACE_ID, **FIELDS}, some=True)
_UPSERTED = {"tags": unchecked(schemas.UPSERTED_TAGS), "consent": unchecked(UPSERTED_CONSENT_SCHEMA)}
_UPSERT = Form(
    {name: _or_blank(rule) for name, rule in (one.STEERING | FIELDS | _UPSERTED).items()},
    any_of=schemas.PHONE_OR_EMAIL,
)
_IF_MATCH = {"If-Match": "The version (ETag) that the contact must have, otherwise 412."}
_IF_NONE_MATCH = {"If-None-Match": "The version (ETag) that you have; 304 while it is the current one."}
_INCLUDE = {"include": one.INCLUDE}

CONTACT_OPERATIONS = [
    Operation(
        id="listContacts",
        method="GET",
        path="/v1/contacts",
        summary="List contacts",
        permission="read",
        handler=many.list_all,
        query=many.LIST_QUERY,
        answers={200: list[ContactIncluded]},
        problems=(404,),
    ),
    Operation(
        id="createContact",
        method="POST",
        path="/v1/contacts",
        summary="Make a contact",
        permission="write",
        handler=one.create_contact,
        body=_CREATE,
        raw_body=True,
        answers={201: Contact},
        problems=(404, 409),
        idempotent=True,
        coalesced=True,
    ),
    Operation(
        id="upsertContact",
        method="POST",
        path="/v1/contacts/upsert",
        summary="Change the contact with this phone or e-mail, or create it",
        permission="write",
        handler=one.upsert_contact,
        body=_UPSERT,
        raw_body=True,
        answers={200: Contact, 201: Contact},
        problems=(404, 409),
        idempotent=True,
        coalesced=True,
    ),
    Operation(
        id="batchContacts",
        method="POST",
        path="/v1/contacts/batch",
        summary="Run up to 1,000 independent operations on contacts",
        permission="write",
        handler=batch.batch,
        body=batch.FORM,
        large_body=True,
        raw_body=True,
        answers={200: batch.Results},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        id="lookupContact",
        method="GET",
        path="/v1/contacts/lookup",
        summary="Look up a contact by phone or e-mail",
        permission="read",
        handler=lookup.lookup_contact,
        query=lookup.LOOKUP_QUERY,
        answers={200: lookup.Lookup},
        problems=(404,),
    ),
    Operation(
        id="getContact",
        method="GET",
        path="/v1/contacts/{id}",
        summary="Get a contact",
        permission="read",
        handler=one.get_contact,
        query=_INCLUDE,
        answers={200: ContactIncluded, 304: None},
        problems=(404,),
        headers=_IF_NONE_MATCH,
    ),
    Operation(
        id="updateContact",
        method="PATCH",
        path="/v1/contacts/{id}",
        summary="Change some fields of a contact",
        permission="write",
        handler=one.update_contact,
        body=_PATCH,
        raw_body=True,
        merge_patch=True,
        answers={200: Contact},
        problems=(404, 409, 412),
        headers=_IF_MATCH,
        idempotent=True,
        coalesced=True,
    ),
    Operation(
        id="deleteContact",
        method="DELETE",
        path="/v1/contacts/{id}",
        summary="Delete or purge a contact",
        permission="write",
        handler=one.delete_contact,
        query={
            "purge": described(BOOLEAN, "Erase it, with its history and every trace of its values (admin).")
        },
        answers={204: None},
        problems=(404, 412),
        headers=_IF_MATCH,
    ),
    Operation(
        id="restoreContact",
        method="POST",
        path="/v1/contacts/{id}/restore",
        summary="Restore a deleted contact",
        permission="write",
        handler=one.restore_contact,
        answers={200: Contact},
        problems=(404, 409),
        idempotent=True,
        coalesced=True,
    ),
    Operation(
        id="setContactTags",
        method="PUT",
        path="/v1/contacts/{id}/tags",
        summary="Replace a contact's tags",
        permission="write",
        handler=one.set_tags,
        body=Form({"tags": FIELDS["tags"]}, required=("tags",)),
        raw_body=True,
        answers={200: Contact},
        problems=(404, 409, 412),
        headers=_IF_MATCH,
    ),
    Operation(
        id="removeContactTag",
        method="DELETE",
        path="/v1/contacts/{id}/tags/{name}",
        summary="Remove a tag from a contact",
        permission="write",
        handler=one.remove_tag,
        answers={204: None},
        problems=(404, 412),
        headers=_IF_MATCH,
    ),
    Operation(
        id="getContactConsent",
        method="GET",
        path="/v1/contacts/{id}/consent",
        summary="Read a contact's consent",
        permission="read",
        handler=one.get_consent,
        answers={200: Consent, 304: None},
        problems=(404,),
        headers=_IF_NONE_MATCH,
    ),
    Operation(
        id="setContactConsent",
        method="PUT",
        path="/v1/contacts/{id}/consent",
        summary="Change a contact's consent",
        permission="write",
        handler=one.set_consent,
        body=CONSENT,
        raw_body=True,
        answers={200: Consent},
        problems=(404, 412),
        headers=_IF_MATCH,
    ),
    Operation(
        id="getContactHistory",
        method="GET",
        path="/v1/contacts/{id}/history",
        summary="Read the changes of a contact, newest first",
        permission="read",
        handler=many.get_history,
        query=many.HISTORY_QUERY,
        answers={200: list[Event]},
        problems=(404,),
    ),
]
