"""The operations on tags: their rows of the table."""

from contactory.tags import api
from contactory.tags.model import Tag
from contactory.web.operations import Operation

TAG_OPERATIONS = [
    Operation(
        id="listTags",
        method="GET",
        path="/v1/tags",
        summary="List tags by name",
        permission="read",
        handler=api.list_tags,
        query=api.LIST_QUERY,
        answers={200: list[Tag]},
        problems=(404,),
    ),
    Operation(
        id="renameTag",
        method="PATCH",
        path="/v1/tags/{name}",
        summary="Rename a tag, or merge it into another",
        permission="write",
        handler=api.rename_tag,
        body=api.RENAME,
        merge_patch=True,
        answers={200: Tag},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="deleteTag",
        method="DELETE",
        path="/v1/tags/{name}",
        summary="Delete a tag and remove it from every contact",
        permission="admin",
        handler=api.delete_tag,
        query=api.WORKSPACE,
        answers={204: None},
        problems=(404,),
    ),
]
