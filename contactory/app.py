"""The table of contents: every operation of the API and the dashboard, and how a server process starts."""

import asyncio
import ctypes
import gc
import signal
import sys
from typing import Any

from contactory.availability.operations import AVAILABILITY_OPERATIONS
from contactory.contacts.operations import CONTACT_OPERATIONS
from contactory.contacts.pages import CONTACT_PAGES
from contactory.dispatch import Dispatcher
from contactory.fields.operations import FIELD_OPERATIONS
from contactory.keys.operations import KEY_OPERATIONS
from contactory.logs import log, set_up_logs
from contactory.operations import Operation
from contactory.pages import page_operations
from contactory.send_windows.operations import SEND_WINDOW_OPERATIONS
from contactory.services import Services
from contactory.settings import Settings, load_settings
from contactory.tags.operations import TAG_OPERATIONS
from contactory.timezones.operations import TIMEZONE_OPERATIONS
from contactory.users.operations import USER_PAGES
from contactory.workspaces.operations import WORKSPACE_OPERATIONS

_API: list[Operation] = [
    *CONTACT_OPERATIONS,
    *AVAILABILITY_OPERATIONS,
    *TAG_OPERATIONS,
    *FIELD_OPERATIONS,
    *SEND_WINDOW_OPERATIONS,
    *WORKSPACE_OPERATIONS,
    *KEY_OPERATIONS,
    *TIMEZONE_OPERATIONS,
]
_DASHBOARD: list[Operation] = [*USER_PAGES, *CONTACT_PAGES]
OPERATIONS = [*_API, *_DASHBOARD, *page_operations(_API)]


_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2)


class App:
    """One server process, as granian runs it (RSGI)."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or load_settings()
        self.services = Services(self.settings)
        self._dispatcher = Dispatcher(self.services, OPERATIONS)
        self.__rsgi__ = self._dispatcher.handle

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Before the first request."""
        _end_with_parent()
        set_up_logs(self.settings)
        loop.run_until_complete(self.services.start())
        _collect_less()
        log.debug("process ready")

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """After the last one."""
        loop.run_until_complete(self.services.stop())


def _collect_less() -> None:
    """Garbage in cycles is rare here, and looking for it took a twentieth of the processor's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def _end_with_parent() -> None:
    """A supervisor that was killed must not leave a process behind that keeps its port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def create_app() -> Any:
    """What granian imports."""
    return App()
