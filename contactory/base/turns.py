"""Long work on the event loop that lets other tasks run in between."""

import asyncio
import time

_TURN = 0.005


class Turns:
    """The turns of one long task: none takes much longer than 5 ms of the loop's time."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + _TURN

    @property
    def is_over(self) -> bool:
        """Whether the task should pause; cheaper to ask than to call pause() after each small step."""
        return time.perf_counter() >= self._end

    async def pause(self) -> None:
        """Lets other tasks run if this turn is over. Call it between steps that take a millisecond each."""
        if self.is_over:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + _TURN
