"""JSON Schema of a contact's values, for the API's description.

A schema with a title becomes a component of that name. Further values that the rules in model.py and email.py
accept are described in words.
"""

from contactory.contacts.model import MAX_TAGS_IN_REQUEST
from contactory.rules.checks import BLANK, Object
from contactory.values.email import EMAIL_ADDRESS
from contactory.values.field_types.text import TEXT
from contactory.values.names import NAME, NEW_NAME
from contactory.values.phones import PHONE_NUMBER

TAGS: Object = {
    "title": "Tags",
    "type": "array",
    "items": NEW_NAME.schema,
    "maxItems": MAX_TAGS_IN_REQUEST,
    "description": "Names of tags; new tags are created.",
    "examples": [["gold", "vip"]],
}
UPSERTED_TAGS: Object = {**TAGS, "title": "UpsertedTags", "items": {"anyOf": [NEW_NAME.schema, BLANK]}}
CUSTOM_FIELDS: Object = {
    "title": "CustomFieldValues",
    "type": "object",
    "propertyNames": NAME.schema,
    "additionalProperties": TEXT.schema,
    "description": "Values by the display names of the workspace's custom fields; null clears. Request this "
    "description with a workspace's API key to see its fields, each with the values of its type.",
}


def given(data: Object) -> list[Object]:
    """The requirement of an upsert for the properties of `data`: a phone or an e-mail."""
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
        "id": {"type": "string", "format": "uuid", "description": "For update and delete."},
        "data": {
            **_ANY_OBJECT,
            "description": "The contact's fields, in the form of the single operation.",
        },
        "ifMatch": {
            "type": ["integer", "string", "null"],
            "pattern": _NO_NUL,
            "description": "For update and delete: the version, as a number or an ETag.",
        },
    },
    "required": ["op"],
    "additionalProperties": False,
    "examples": [{"op": "create", "data": {"firstName": "Jane", "tags": ["vip"]}}],
}
BATCH_ITEM: Object = {
    "anyOf": [_OPERATION, _ANY],
    "description": "An operation. Operations are independent: an invalid one has the result 400.",
}
