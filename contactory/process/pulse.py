"""Signs of life of a server process: about a byte a second, through a pipe to the supervisor."""

import asyncio
import os
from contextlib import suppress

_TO_START = 10
"""How many times as long a process has until its first sign of life."""


def _interval(patience: float) -> float:
    return min(1.0, patience / 4) or 1.0


async def beat(pipe: int, patience: float) -> None:
    """Gives signs of life, for ever: none while something else holds the event loop.

    `patience` is how long the supervisor waits for one, in seconds; 0: for ever.
    """
    os.set_blocking(pipe, False)
    while True:
        with suppress(BlockingIOError, BrokenPipeError):  # The supervisor is slow, or has just gone.
            os.write(pipe, b".")
        await asyncio.sleep(_interval(patience))


class Pulse:
    """The supervisor's end of the pipe: how long the process at the other end has been silent.

    The silence is counted in turns of this loop and not by the clock. So a process does not pass for one that
    hangs because the machine is busy or was asleep, or because a debugger has stopped the supervisor, too.
    """

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._silent = 0.0
        self._heard = False
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def started(self) -> None:
        """The process has its end of the pipe: ours of it is no longer needed."""
        os.close(self.writing)
        self.writing = -1

    def close(self) -> None:
        """Closes what is open."""
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        if self.writing >= 0:
            os.close(self.writing)

    def _read(self) -> None:
        if os.read(self._reading, 4096):
            self._silent, self._heard = 0.0, True
        else:  # It has ended, which the supervisor learns elsewhere.
            asyncio.get_running_loop().remove_reader(self._reading)

    async def silence(self, patience: float) -> None:
        """Returns once there was no sign of life for so many seconds; for 0, never."""
        while not patience or self._silent < patience * (1 if self._heard else _TO_START):
            await asyncio.sleep(_interval(patience))
            self._silent += _interval(patience)
