"""The ASGI application in this process, for clients that speak to it through httpx and no socket."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import httpx

from contactory.asgi import Application
from contactory.web.asgi import Message
from tests.servers import PATIENCE

Run = Callable[[Coroutine[Any, Any, Any]], Any]
ADDRESS = "http://127.0.0.1:8000"


class Life:
    """The lifespan of an application, as an ASGI server runs it."""

    def __init__(self) -> None:
        self.app = Application()
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

    def __init__(self, app: Application, run: Run) -> None:
        self._inner = httpx.ASGITransport(app)
        self._run = run

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self._run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        body = b"".join([piece async for piece in answer.stream])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))


@contextmanager
def in_loop() -> Generator[Run]:
    """Runs coroutines in the loop of another thread, and gives what they give."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def living(run: Run, **settings: object) -> Generator[Life]:
    """An application with these settings, in the loop of `run`, which lives as long as the block."""
    given = {f"CONTACTORY_{name.upper()}": str(value) for name, value in settings.items()}
    life = Life()
    with patch.dict(os.environ, given):
        assert run(life.start()) == {"type": "lifespan.startup.complete"}
    try:
        yield life
    finally:
        run(life.stop())


@contextmanager
def in_process(**settings: object) -> Generator[httpx.Client]:
    """A client of an application with these settings, which lives as long as the block."""
    with in_loop() as run, living(run, **settings) as life:
        transport = Transport(life.app, run)
        with httpx.Client(transport=transport, base_url=ADDRESS, timeout=PATIENCE) as client:
            yield client
