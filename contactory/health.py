"""Whether this process lives, and whether it can serve."""

from typing import Literal

import msgspec

from contactory.errors import Unavailable
from contactory.http import Response, json_response
from contactory.migrate import MigrationError, pending
from contactory.operations import Call


class Health(msgspec.Struct):
    """How a process is."""

    status: Literal["live", "ready"]


async def live(call: Call) -> Response:
    """The process answers; the database is not asked."""
    return json_response(200, Health("live"))


async def ready(call: Call) -> Response:
    """The database answers, and its schema is the one that this release needs; else 503."""
    async with call.app.db.connection() as conn:
        try:
            behind = await pending(conn)
        except MigrationError as error:
            raise Unavailable(str(error)) from None
    if behind:
        raise Unavailable(f"The database's schema lacks {len(behind)} migration(s): run contactory migrate.")
    return json_response(200, Health("ready"))
