"""JSON Schema of what a contact's values may be, for the API's description.

A schema with a title becomes a component of that name. What the rules in model.py and email.py take beside it
is described in words.
"""

from contactory.contacts.model import MAX_TAGS_IN_REQUEST
from contactory.rules.checks import BLANK, Object
from contactory.tags.model import NAME, NEW_NAME
from contactory.values.email import MAX_LENGTH
from contactory.values.field_types import SCHEMAS

_CLEARED: list[Object] = [BLANK, {"type": "null"}]

EMAIL_ADDRESS: Object = {
    "title": "EmailAddress",
    "type": "string",
    "format": "idn-email",
    "maxLength": MAX_LENGTH,
    "description": "An e-mail address; internationalised ones too. Only its syntax is checked.",
    "examples": ["jane@example.com"],
}
PHONE_NUMBER: Object = {
    "title": "PhoneNumber",
    "type": "string",
    # The pattern is put in where the description is made (phone_pattern).
    "description": "A phone number with its country code, kept as E.164. Any usual writing is read, also one "
    "that the pattern leaves out (`tel:`, letters); without a country code it is read in the workspace's "
    "country.",
    "examples": ["+1 (415) 555-1234", "+14155551234"],
}
EMAIL: Object = {
    "title": "Email",
    "anyOf": [EMAIL_ADDRESS, *_CLEARED],
    "description": "Unique among the active contacts of a workspace; null or an empty string clears.",
}
PHONE: Object = {
    "title": "Phone",
    "anyOf": [PHONE_NUMBER, *_CLEARED],
    "description": "Unique among the active contacts of a workspace; null or an empty string clears.",
}
TAGS: Object = {
    "title": "Tags",
    "type": "array",
    "items": NEW_NAME.schema,
    "maxItems": MAX_TAGS_IN_REQUEST,
    "description": "Names of tags; unknown ones are made.",
    "examples": [["gold", "vip"]],
}
UPSERTED_TAGS: Object = {**TAGS, "title": "UpsertedTags", "items": {"anyOf": [NEW_NAME.schema, BLANK]}}
CUSTOM_FIELDS: Object = {
    "title": "CustomFieldValues",
    "type": "object",
    "propertyNames": NAME.schema,
    "additionalProperties": SCHEMAS["text"],
    "description": "Values by the display names of the workspace's custom fields; null clears. Ask for this "
    "description with a workspace's API key to see its fields, each with the values that its type takes.",
}


def given(data: Object) -> list[Object]:
    """What an upsert has to have in its properties `data`: a phone or an e-mail."""
    return [{"properties": {name: data[name]}, "required": [name]} for name in data]


PHONE_OR_EMAIL = given({"phone": PHONE_NUMBER, "email": EMAIL_ADDRESS})

_NO_NUL = r"^[^\x00]*$"
_ANY_OBJECT: Object = {
    "type": "object",
    "propertyNames": {"pattern": _NO_NUL},
    "additionalProperties": {"$ref": "#/components/schemas/AnyJson"},
}
_ANY: Object = {
    "title": "AnyJson",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        {"type": "string", "pattern": _NO_NUL},
        {"type": "array", "items": {"$ref": "#/components/schemas/AnyJson"}},
        _ANY_OBJECT,
    ],
}
_OPERATION: Object = {
    "title": "BatchOperation",
    "type": "object",
    "properties": {
        "op": {"type": "string", "enum": ["create", "upsert", "update", "delete"]},
        "id": {"type": "string", "format": "uuid", "description": "Of update and delete."},
        "data": {
            **_ANY_OBJECT,
            "description": "The contact's fields, as the operation would take them alone.",
        },
        "ifMatch": {
            "type": ["integer", "string", "null"],
            "pattern": _NO_NUL,
            "description": "Of update and delete: the version, as a number or an ETag.",
        },
    },
    "required": ["op"],
    "additionalProperties": False,
    "examples": [{"op": "create", "data": {"firstName": "Jane", "tags": ["vip"]}}],
}
BATCH_ITEM: Object = {
    "anyOf": [_OPERATION, _ANY],
    "description": "An operation. Each stands alone: anything else is answered in its place with 400.",
}
