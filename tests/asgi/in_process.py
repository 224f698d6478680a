"""The ASGI application in this process, for clients that speak to it through httpx and no socket."""

import asyncio
import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from unittest.mock import patch

import httpx

from contactory.asgi import Application
from contactory.web.asgi import Message
from tests.servers import PATIENCE

ADDRESS = "http://127.0.0.1:8000"


class Life:
    """The lifespan of an application, as an ASGI server runs it."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.task: asyncio.Task[None]

    async def start(self) -> Message:
        """What the application answers when it is told to start."""
        self.task = asyncio.create_task(
            self.app({"type": "lifespan", "asgi": {"version": "3.0"}}, self.to_app.get, self.from_app.put)
        )
        return await self._told("startup")

    async def stop(self) -> Message:
        """What it answers when it is told to stop."""
        return await self._told("shutdown")

    async def _told(self, what: str) -> Message:
        await self.to_app.put({"type": f"lifespan.{what}"})
        return await self.from_app.get()


class Transport(httpx.BaseTransport):
    """Carries the requests of a client that waits to an application in the loop of another thread."""

    def __init__(self, app: Application, loop: asyncio.AbstractEventLoop) -> None:
        self._inner = httpx.ASGITransport(app)
        self._loop = loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return asyncio.run_coroutine_threadsafe(self._answer(request), self._loop).result(PATIENCE)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))


@contextmanager
def in_process(**settings: object) -> Generator[httpx.Client]:
    """A client of an application with these settings, which lives as long as the block."""
    loop, app = asyncio.new_event_loop(), Application()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Life:
        life = Life(app)
        assert await life.start() == {"type": "lifespan.startup.complete"}
        return life

    given = {f"CONTACTORY_{name.upper()}": str(value) for name, value in settings.items()}
    with patch.dict(os.environ, given):
        life = asyncio.run_coroutine_threadsafe(begin(), loop).result(PATIENCE)
    try:
        with httpx.Client(transport=Transport(app, loop), base_url=ADDRESS, timeout=PATIENCE) as client:
            yield client
    finally:
        asyncio.run_coroutine_threadsafe(life.stop(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
