"""The operations on workspaces: their rows of the table."""

from contactory.web.operations import Operation
from contactory.web.paging import PAGE_QUERY
from contactory.workspaces import api
from contactory.workspaces.model import Workspace

WORKSPACE_OPERATIONS = [
    Operation(
        id="listWorkspaces",
        method="GET",
        path="/v1/workspaces",
        summary="List the workspaces that the key can see",
        permission="read",
        handler=api.list_workspaces,
        query=PAGE_QUERY,
        answers={200: list[Workspace]},
    ),
    Operation(
        id="createWorkspace",
        method="POST",
        path="/v1/workspaces",
        summary="Make a workspace",
        permission="admin",
        handler=api.create_workspace,
        body=api.CREATE,
        raw_body=True,
        answers={201: Workspace},
        idempotent=True,
    ),
    Operation(
        id="getWorkspace",
        method="GET",
        path="/v1/workspaces/{id}",
        summary="Get a workspace",
        permission="read",
        handler=api.get_workspace,
        answers={200: Workspace},
        problems=(404,),
    ),
    Operation(
        id="updateWorkspace",
        method="PATCH",
        path="/v1/workspaces/{id}",
        summary="Change some fields of a workspace",
        permission="admin",
        handler=api.update_workspace,
        body=api.UPDATE,
        raw_body=True,
        merge_patch=True,
        answers={200: Workspace},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        id="deleteWorkspace",
        method="DELETE",
        path="/v1/workspaces/{id}",
        summary="Delete a workspace and everything in it",
        permission="admin",
        handler=api.delete_workspace,
        answers={204: None},
        problems=(404,),
    ),
]
