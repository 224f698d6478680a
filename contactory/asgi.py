"""The same application for an ASGI server: `uvicorn contactory.asgi:app`, or hypercorn or granian.

The server's lifespan starts and stops it. Settings come from the environment, as for `contactory serve`. It
needs your own database, with a schema that `contactory migrate` has brought up to date.
"""

import asyncio
from contextlib import ExitStack
from typing import Any

from contactory.app import dispatcher_of
from contactory.base.logs import set_up_logs
from contactory.base.metrics_folder import shared_metrics
from contactory.base.settings import Settings, SettingsError, load_settings
from contactory.database.address import is_address, unreachable
from contactory.database.db import AWAY, REFUSED, SharedSession, check_session, connect
from contactory.database.migrate import MigrationError, check_current
from contactory.services import Services
from contactory.web.asgi import Exchange, Message, Receive, Send
from contactory.web.budgets import Bodies, largest_together
from contactory.web.dispatch import Dispatcher

_NO_DATABASE = (
    "CONTACTORY_DATABASE_URL is not set, and the ASGI application does not start PostgreSQL: set the URL of "
    "one (15 or newer), or run `contactory serve`, which includes one."
)
_NO_ADDRESS = "CONTACTORY_DATABASE_URL does not have the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
_NOT_STARTED = "Contactory was not started: the ASGI server must run its lifespan (uvicorn: --lifespan on)."


class NotStarted(Exception):
    """The application cannot start; the text says why, and what to do."""


class Application:
    """The callable for an ASGI server. Each of its processes has one."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._services: Services | None = None
        self._dispatcher: Dispatcher | None = None
        self._bodies: Bodies
        self._at_work: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the application's life from start to end."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        elif self._dispatcher is None:
            raise NotStarted(_NOT_STARTED)
        else:
            await self._answer(self._dispatcher, Exchange(scope, receive, send))

    async def _answer(self, dispatcher: Dispatcher, exchange: Exchange) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._at_work.add(task)
        try:
            await exchange.answer(dispatcher, self._bodies)
        finally:
            self._at_work.discard(task)  # pyright: ignore[reportArgumentType]

    async def _live(self, receive: Receive, send: Send) -> None:
        """Starts and stops when the server asks for it, and reports whether that succeeded."""
        await receive()
        try:
            await self._start()
        except NotStarted as error:
            self._open.close()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        settings = _settings()
        set_up_logs(settings, libraries=False)
        await _check_database(settings.database_url)
        try:
            metrics = self._open.enter_context(shared_metrics())
        except OSError as error:
            raise NotStarted(f"The folder for metrics cannot be written: {error}. Set TMPDIR.") from None
        self._services = Services(settings, metrics)
        await self._services.start()
        self._dispatcher = dispatcher_of(self._services)
        self._bodies = Bodies(largest_together(self._dispatcher.largest_whole))

    async def _stop(self) -> None:
        """Finishes the accepted requests, within the setting's time, and closes everything."""
        services, self._dispatcher = self._services, None
        if services is not None:
            services.end_waiting()
            if self._at_work:
                await asyncio.wait(self._at_work, timeout=services.settings.shutdown_timeout)
            await services.stop()
        self._open.close()


def _settings() -> Settings:
    try:
        settings = load_settings()
    except SettingsError as error:
        raise NotStarted(str(error)) from None
    if not settings.database_url:
        raise NotStarted(_NO_DATABASE)
    if not is_address(settings.database_url):
        raise NotStarted(_NO_ADDRESS)
    return settings


async def _check_database(url: str) -> None:
    try:
        await check_session(url)
        conn = await connect(url)
        try:
            await check_current(conn)
        finally:
            await conn.close()
    except (MigrationError, SharedSession) as error:
        raise NotStarted(str(error)) from None
    except AWAY as error:
        raise NotStarted(unreachable(error)) from None
    except REFUSED as error:
        raise NotStarted(f"The database refused the operation: {error}.") from None


app = Application()
