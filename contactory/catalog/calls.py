"""A workspace's catalogue on behalf of a call."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from contactory.database.db import Connection
from contactory.web.operations import Call


@asynccontextmanager
async def changing_catalog(call: Call, workspace_id: str) -> AsyncGenerator[Connection]:
    """A transaction that changes a workspace's catalogue, which is read anew once it is committed."""
    async with call.transaction() as conn:
        yield conn
    call.after_commit(partial(call.app.catalogs.forget, workspace_id))
