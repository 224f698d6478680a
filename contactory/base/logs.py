"""Structured logs: JSON, or readable text in a terminal.

They contain operations, ids and error codes, never contact data.
"""

import logging
import sys
from typing import Any

import msgspec
import structlog

from contactory.base.settings import Settings


def set_up_logs(settings: Settings, *, libraries: bool = True) -> None:
    """Sets the format of all log lines of this process, by the settings; they go to standard error.

    Without `libraries`, those of Python's own `logging` are left to the program that runs this.
    """
    human = settings.log_format == "human" or (settings.log_format == "auto" and sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*processors, structlog.dev.ConsoleRenderer() if human else _json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    if libraries:
        form = '{"level":"%(levelname)s","event":"%(message)s"}'
        logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=form)


def _json(logger: Any, method: str, event: Any) -> str:
    return msgspec.json.encode(event).decode()


log: Any = structlog.get_logger()
