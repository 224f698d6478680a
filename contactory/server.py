"""One server process: `python -m contactory.server FD`, FD being the socket that it is to listen on."""

import asyncio
import ctypes
import gc
import signal
import socket
import sys

import uvloop

from contactory.app import OPERATIONS
from contactory.dispatch import Dispatcher
from contactory.http_connection import HttpConnection, Listener
from contactory.logs import log, set_up_logs
from contactory.services import Services
from contactory.settings import Settings, load_settings
from contactory.workers import BACKLOG

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
_TO_CLOSE = 0.2
"""The part of the time for shutting down that is kept for the writers and connections, after the requests."""


async def serve(settings: Settings, listening: socket.socket) -> None:
    """Serves until SIGTERM; then finishes what was accepted, within the setting's time."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    services = Services(settings)
    await services.start()
    handle = Dispatcher(services, OPERATIONS).handle
    large = {operation.path for operation in OPERATIONS if operation.large_body}
    listener = Listener(handle, settings.max_body_bytes, settings.body_timeout, large)
    watching = asyncio.create_task(listener.watch())
    _collect_less()
    # The queue of the kernel; the writers' own bound comes first.
    server = await loop.create_server(lambda: HttpConnection(listener), sock=listening, backlog=BACKLOG)
    log.debug("process ready")
    await stop.wait()
    server.close()
    await listener.stop(settings.shutdown_timeout * (1 - _TO_CLOSE))
    watching.cancel()
    await services.stop()


def _collect_less() -> None:
    """Garbage in cycles is rare here, and looking for it took a twentieth of the processor's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _end_with_parent() -> None:
    """A supervisor that was killed must not leave a process behind that keeps its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main(descriptor: int) -> None:
    """The process from its start to its end."""
    _end_with_parent()
    settings = load_settings()
    set_up_logs(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
