"""The operations on send windows: their rows of the table."""

from contactory.local_time.windows import SendWindow
from contactory.rules.checks import ID
from contactory.send_windows import api
from contactory.send_windows.model import CREATE, UPDATE, Preset
from contactory.web.operations import Operation

SEND_WINDOW_OPERATIONS = [
    Operation(
        id="listSendWindows",
        method="GET",
        path="/v1/send-windows",
        summary="List a workspace's send windows",
        permission="read",
        handler=api.list_windows,
        query={"workspaceId": ID},
        answers={200: list[SendWindow]},
        problems=(404,),
    ),
    Operation(
        id="createSendWindow",
        method="POST",
        path="/v1/send-windows",
        summary="Create a send window",
        permission="write",
        handler=api.create_window,
        body=CREATE,
        raw_body=True,
        answers={201: SendWindow},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="listSendWindowPresets",
        method="GET",
        path="/v1/send-windows/presets",
        summary="List the hours that laws allow, each with its source",
        permission="read",
        handler=api.list_presets,
        answers={200: list[Preset]},
    ),
    Operation(
        id="getSendWindow",
        method="GET",
        path="/v1/send-windows/{id}",
        summary="Get a send window",
        permission="read",
        handler=api.get_window,
        answers={200: SendWindow},
        problems=(404,),
    ),
    Operation(
        id="updateSendWindow",
        method="PATCH",
        path="/v1/send-windows/{id}",
        summary="Change some fields of a send window",
        permission="write",
        handler=api.update_window,
        body=UPDATE,
        raw_body=True,
        merge_patch=True,
        answers={200: SendWindow},
        problems=(404, 409),
        idempotent=True,
    ),
    Operation(
        id="deleteSendWindow",
        method="DELETE",
        path="/v1/send-windows/{id}",
        summary="Delete a send window",
        permission="write",
        handler=api.delete_window,
        answers={204: None},
        problems=(404, 409),
    ),
]
