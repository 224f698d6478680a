"""The operations on API keys: their rows of the table."""

from contactory.keys import api
from contactory.keys.model import ApiKey, NewApiKey
from contactory.web.operations import Operation
from contactory.web.paging import PAGE_QUERY

KEY_OPERATIONS = [
    Operation(
        id="listApiKeys",
        method="GET",
        path="/v1/api-keys",
        summary="List API keys, including revoked ones",
        permission="admin",
        handler=api.list_keys,
        query=PAGE_QUERY,
        answers={200: list[ApiKey]},
    ),
    # Not idempotent: the answer contains the secret, and would be stored unencrypted for replays.
    Operation(
        id="createApiKey",
        method="POST",
        path="/v1/api-keys",
        summary="Create an API key; its secret is only in this answer",
        permission="admin",
        handler=api.create_key,
        body=api.CREATE,
        secret=True,
        answers={201: NewApiKey},
        problems=(404, 409),
    ),
    Operation(
        id="revokeApiKey",
        method="DELETE",
        path="/v1/api-keys/{id}",
        summary="Revoke an API key",
        permission="admin",
        handler=api.revoke_key,
        answers={204: None},
        problems=(404,),
    ),
]
