"""The operations on custom fields: their rows of the table."""

from contactory.fields import api
from contactory.fields.model import CREATE, UPDATE, CustomField
from contactory.rules.checks import ID
from contactory.web.operations import Operation

FIELD_OPERATIONS = [
    Operation(
        id="listCustomFields",
        method="GET",
        path="/v1/custom-fields",
        summary="List a workspace's custom fields, in its order",
        permission="read",
        handler=api.list_fields,
        query={"workspaceId": ID},
        answers={200: list[CustomField]},
        problems=(404,),
    ),
    Operation(
        id="createCustomField",
        method="POST",
        path="/v1/custom-fields",
        summary="Create a custom field",
        permission="write",
        handler=api.create_field,
        body=CREATE,
        answers={201: CustomField},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="getCustomField",
        method="GET",
        path="/v1/custom-fields/{id}",
        summary="Get a custom field",
        permission="read",
        handler=api.get_field,
        answers={200: CustomField},
        problems=(404,),
    ),
    Operation(
        id="updateCustomField",
        method="PATCH",
        path="/v1/custom-fields/{id}",
        summary="Rename or move a custom field, or change its type",
        permission="write",
        handler=api.update_field,
        body=UPDATE,
        merge_patch=True,
        answers={200: CustomField},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="deleteCustomField",
        method="DELETE",
        path="/v1/custom-fields/{id}",
        summary="Delete a custom field and all its values",
        permission="admin",
        handler=api.delete_field,
        answers={204: None},
        problems=(404,),
    ),
]
