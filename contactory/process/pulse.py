"""Signs of life of a server process: about a byte per second, through a pipe to the supervisor."""

import asyncio
import os
from contextlib import suppress

_TO_START = 10
"""The factor for the time until the first sign of life."""


def _interval(patience: float) -> float:
    return min(1.0, patience / 4) or 1.0


async def beat(pipe: int, patience: float) -> None:
    """Sends signs of life, for ever; none while something else blocks the event loop.

    `patience` is how long the supervisor waits for one, in seconds; 0: for ever.
    """
    os.set_blocking(pipe, False)
    while True:
        with suppress(BlockingIOError, BrokenPipeError):  # The supervisor is slow, or has just ended.
            os.write(pipe, b".")
        await asyncio.sleep(_interval(patience))


class Pulse:
    """The supervisor's end of the pipe: measures the silence of the process at the other end.

    The silence is counted in rounds of this loop and not by the clock. So a process does not look hung only
    because the machine was busy or asleep, or because a debugger has stopped the supervisor too.
    """

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._silent = 0.0
        self._heard = False
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def started(self) -> None:
        """Closes the process's end in the supervisor, after the process has received it."""
        os.close(self.writing)
        self.writing = -1

    def close(self) -> None:
        """Closes the open ends."""
        asyncio.get_running_loop().remove_reader(self._reading)
        os.close(self._reading)
        if self.writing >= 0:
            os.close(self.writing)

    def _read(self) -> None:
        if os.read(self._reading, 4096):
            self._silent, self._heard = 0.0, True
        else:  # The process has ended, which the supervisor detects elsewhere.
            asyncio.get_running_loop().remove_reader(self._reading)

    async def silence(self, patience: float) -> None:
        """Returns after that many seconds without a sign of life; for 0, never."""
        while not patience or self._silent < patience * (1 if self._heard else _TO_START):
            await asyncio.sleep(_interval(patience))
            self._silent += _interval(patience)
