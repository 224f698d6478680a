"""Whether this process is alive, and whether it can serve."""

import time
from typing import Literal

import msgspec

from contactory.base.caches import SingleFlight
from contactory.base.logs import log
from contactory.database.db import Database
from contactory.database.migrate import MigrationError, check_current
from contactory.rules.errors import Unavailable
from contactory.web.messages import Response, json_response
from contactory.web.operations import Call

_GOOD_SECONDS = 1.0


class Health(msgspec.Struct):
    """The health of a process."""

    status: Literal["live", "ready"]


class Readiness:
    """Whether the database can be used: checked at most once per second, for any number of requests."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._looks: SingleFlight[None, None] = SingleFlight()
        self._obstacle = ""
        self._good_until = 0.0

    async def check(self) -> None:
        """Raises Unavailable if the database is away or does not have this release's schema."""
        if time.monotonic() > self._good_until:
            await self._looks.get(None, self._look)
        if self._obstacle:
            raise Unavailable(self._obstacle)

    async def _look(self) -> None:
        try:
            async with self._db.connection() as conn:
                await check_current(conn)
            self._obstacle = ""
        except (MigrationError, Unavailable) as error:
            self._obstacle = str(error)
        except Exception as error:  # Whatever it is, this process cannot serve requests.
            log.error("readiness failed", error=type(error).__name__)
            self._obstacle = "The schema cannot be read: check the rights of the database's role."
        self._good_until = time.monotonic() + _GOOD_SECONDS


async def live(call: Call) -> Response:
    """The process answers; this does not use the database."""
    return json_response(200, Health("live"))


async def ready(call: Call) -> Response:
    """The database answers, and has the schema that this release needs; otherwise 503."""
    await call.app.part(Readiness).check()
    return json_response(200, Health("ready"))
