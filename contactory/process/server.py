"""One server process: `python -m contactory.process.server SOCKET PULSE FOLDER NAME`, see workers.py.

SOCKET and PULSE are descriptors: of the listening socket, and of the pipe for signs of life. In FOLDER the
processes share their metrics, under the name NAME for this one.
"""

import asyncio
import ctypes
import gc
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import uvloop

from contactory.app import dispatcher_of
from contactory.base.logs import log, set_up_logs
from contactory.base.settings import Settings, load_settings
from contactory.base.shared_metrics import SharedMetrics
from contactory.process.pulse import beat
from contactory.process.workers import BACKLOG
from contactory.services import Services
from contactory.web.connection import HttpConnection
from contactory.web.listener import Listener

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)
_TO_CLOSE = 0.2
"""The part of the shutdown time that is reserved for writers and connections, after the requests."""
_OTHER_DESCRIPTORS = 64
"""Descriptors besides client connections: listening sockets, files, connections that are refused."""


async def serve(settings: Settings, listening: socket.socket, pulse: int, metrics: SharedMetrics) -> None:
    """Serves until SIGTERM or SIGINT; then finishes the accepted requests, within the setting's time."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    beating = asyncio.create_task(beat(pulse, settings.worker_timeout))
    services = Services(settings, metrics)
    await services.start()
    dispatcher = dispatcher_of(services)
    listener = Listener(
        dispatcher.handle,
        settings.max_body_bytes,
        settings.body_timeout,
        _connections(settings),
        dispatcher.limit_of,
        dispatcher.largest_whole,
    )
    watching = asyncio.create_task(listener.watch())
    _collect_less()
    # The kernel's queue; the limit of the writers takes effect earlier.
    server = await loop.create_server(lambda: HttpConnection(listener), sock=listening, backlog=BACKLOG)
    log.debug("process ready")
    await stop.wait()
    server.close()
    services.end_waiting()
    await listener.stop(settings.shutdown_timeout * (1 - _TO_CLOSE))
    watching.cancel()
    await services.stop()
    beating.cancel()


def _connections(settings: Settings) -> int:
    """How many clients the process may have: the setting, if there are enough descriptors."""
    others = _OTHER_DESCRIPTORS + settings.pool_size + settings.writers
    wanted = settings.max_connections + others
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted and soft < hard:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft >= wanted:
        return settings.max_connections
    possible = max(soft // 4, soft - others)
    log.warning("descriptor limit allows fewer connections", descriptors=soft, connections=possible)
    return possible


def _collect_less() -> None:
    """Makes the search for garbage cycles rare: it took 5 % of the processor time and found little."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _end_with_parent() -> None:
    """Ends this process with its supervisor, because otherwise it would keep the port of a killed one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def main(descriptor: int, pulse: int, folder: Path, name: str) -> None:
    """The process from its start to its end."""
    _end_with_parent()
    settings = load_settings()
    set_up_logs(settings)
    metrics = SharedMetrics(folder, name, os.getppid())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, socket.socket(fileno=descriptor), pulse, metrics))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
