"""The server processes: started with their sockets, replaced when they die or hang, stopped at a signal.

Each has its own socket on the same port, and Linux distributes the clients among them (SO_REUSEPORT). The
supervisor keeps the sockets, so that a replacement serves the clients that wait for a process that died.
"""

import asyncio
import signal
import socket
import sys
import time
from asyncio.subprocess import Process
from pathlib import Path
from typing import NamedTuple

from contactory.base.logs import log
from contactory.base.shared_metrics import bury
from contactory.process.pulse import Pulse

BACKLOG = 4096
"""The number of clients that may wait in the kernel for a process."""
_RESPAWN_SECONDS = 0.1
_RESPAWN_MOST = 5.0
_LIVED = 10.0
"""Seconds after which a start counts as successful."""


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """A listening socket for each of `count` processes. Raises OSError if the address is not available."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    spread = sys.platform == "linux"
    sockets: list[socket.socket] = []
    for _ in range(count if spread else 1):
        made = socket.socket(family, kind, protocol)
        sockets.append(made)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if spread and count > 1:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
        made.listen(BACKLOG)
    return sockets if spread else sockets * count


class Limits(NamedTuple):
    """Time limits of a process, in seconds."""

    grace: float
    """For its end."""
    silence: float
    """For a sign of life; 0: no limit."""


async def run(sockets: list[socket.socket], metrics: Path, limits: Limits) -> None:
    """Keeps a server process running for each socket until SIGINT or SIGTERM; then stops them in time.

    A second signal kills them at once. They write their counters into the folder `metrics`.
    """
    loop, stop, at_once = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (at_once if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    keepers = [
        asyncio.create_task(_keep(each, f"server-{number}", metrics, limits, stop, at_once))
        for number, each in enumerate(sockets, 1)
    ]
    await stop.wait()
    # Closed here first, so that no client can connect after the processes have closed theirs.
    for each in sockets:
        each.close()
    await asyncio.gather(*keepers)


async def _keep(
    listening: socket.socket,
    name: str,
    metrics: Path,
    limits: Limits,
    stop: asyncio.Event,
    at_once: asyncio.Event,
) -> None:
    failures = 0
    while not stop.is_set():
        begun = time.monotonic()
        pulse = Pulse()
        try:
            process = await _start(listening, pulse, str(metrics), name)
        except OSError as error:  # The system has no free process or memory at the moment.
            log.error("process does not start", error=str(error))
        else:
            ended = asyncio.create_task(process.wait())
            await _live(process, ended, pulse, limits.silence, stop)
            if stop.is_set():
                await _end(process, ended, at_once, limits.grace)
                return
            _bury(process, metrics)
        finally:
            pulse.close()
        failures = 0 if time.monotonic() - begun > _LIVED else failures + 1
        pause = min(_RESPAWN_MOST, _RESPAWN_SECONDS * 2 ** max(0, failures - 1))
        await _first(asyncio.create_task(asyncio.sleep(pause)), stop)


async def _start(listening: socket.socket, pulse: Pulse, *more: str) -> Process:
    descriptors = (listening.fileno(), pulse.writing)
    command = (sys.executable, "-m", "contactory.process.server", *map(str, descriptors), *more)
    # In a new session, so that Ctrl-C reaches only the supervisor, which stops everything in order.
    process = await asyncio.create_subprocess_exec(
        *command, pass_fds=descriptors, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
    )
    pulse.started()
    return process


async def _live(
    process: Process, ended: "asyncio.Task[int]", pulse: Pulse, silence: float, stop: asyncio.Event
) -> None:
    """Returns when the process has ended or must end. Kills a hung process."""
    hangs = asyncio.create_task(pulse.silence(silence))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ended, hangs, stopping], return_when=asyncio.FIRST_COMPLETED)
    if hangs.done() and not ended.done() and not stop.is_set():
        log.error("process does not answer", pid=process.pid, seconds=silence)
        process.kill()
        await ended
    hangs.cancel()
    stopping.cancel()


async def _first(task: "asyncio.Task[object]", event: asyncio.Event, seconds: float | None = None) -> None:
    """Returns when the task is done, the event is set, or the time is over."""
    waiting = asyncio.create_task(event.wait())
    await asyncio.wait([task, waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _end(process: Process, ended: "asyncio.Task[int]", at_once: asyncio.Event, grace: float) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    await _first(ended, at_once, grace)
    if not ended.done():
        log.warning("process does not end", pid=process.pid)
        process.kill()
    await ended


def _bury(process: Process, metrics: Path) -> None:
    log.warning("process died", pid=process.pid, status=process.returncode)
    try:
        bury(metrics, process.pid)
    except OSError as error:
        log.warning("metrics not kept", error=error.strerror)
